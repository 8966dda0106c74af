"""What a file is by its first bytes, and what to tell people who sent something else."""

from __future__ import annotations

from typing import Final, Literal

from core.imaging.refusal import ACCEPTED, ImageRefused, damaged

Kind = Literal["JPEG", "PNG", "TIFF", "BMP", "WEBP", "DICOM"]

_OWN: Final[tuple[tuple[int, bytes, Kind], ...]] = (
    (0, b"\xff\xd8\xff", "JPEG"),
    (0, b"\x89PNG\r\n\x1a\n", "PNG"),
    (0, b"II*\0", "TIFF"),
    (0, b"MM\0*", "TIFF"),
    (0, b"II+\0", "TIFF"),  # BigTIFF
    (0, b"MM\0+", "TIFF"),
    (0, b"BM", "BMP"),
    (8, b"WEBP", "WEBP"),
    (128, b"DICM", "DICOM"),
)
_BEGINNINGS: Final = (b"\x89PNG", b"\xff\xd8", b"RIFF")
"""Too little of an accepted kind to be one: what is left of a file that was cut off."""

_HEIC: Final = (
    "a HEIC photo, which is not accepted. Set the phone to Most Compatible (Settings, Camera, "
    "Formats), or send JPEG"
)
_RAW: Final = "a camera's RAW file, which is not accepted. Send the JPEG or TIFF made from it"
_JPEG_2000: Final = "a JPEG 2000 picture, which is not accepted. Save it as TIFF or PNG"
_SCANNER: Final = "a microscope maker's own file, which is not accepted. Export it as TIFF or PNG"

# What people do send, or rename to .jpg: offset, signature, words after "is".
_OTHERS: Final[tuple[tuple[int, bytes, str], ...]] = (
    (0, b"%PDF", "a PDF document, not a picture"),
    (0, b"{\\rtf", "an RTF document, not a picture"),
    (0, b"\xd0\xcf\x11\xe0", "an Office document, not a picture"),
    (0, b"PK\x03\x04", "a ZIP archive or Office document, not a picture"),
    (0, b"\x1f\x8b", "a compressed archive, not a picture"),
    (0, b"7z\xbc\xaf\x27\x1c", "a compressed archive, not a picture"),
    (0, b"Rar!", "a compressed archive, not a picture"),
    (257, b"ustar", "an archive, not a picture"),
    (0, b"GIF8", "a GIF, which is not accepted"),
    (0, b"%!PS", "a PostScript document, not a picture"),
    (0, b"\xc5\xd0\xd3\xc6", "a PostScript document, not a picture"),
    (0, b"8BPS", "a Photoshop document, which is not accepted. Save it as TIFF or PNG"),
    (0, b"\0\0\0\x0cjP  ", _JPEG_2000),
    (0, b"\xff\x4f\xff\x51", _JPEG_2000),
    (0, b"\0\0\0\x0cJXL ", "a JPEG XL picture, which is not accepted. Save it as JPEG or PNG"),
    (0, b"\xff\x0a", "a JPEG XL picture, which is not accepted. Save it as JPEG or PNG"),
    (0, b"II\xbc\x01", "a JPEG XR picture, which is not accepted. Save it as JPEG or PNG"),
    (0, b"FUJIFILMCCD-RAW", _RAW),
    (0, b"IIRO", _RAW),
    (0, b"IIRS", _RAW),
    (0, b"MMOR", _RAW),
    (0, b"IIU\0", _RAW),
    (0, b"FOVb", _RAW),
    (6, b"HEAPCCDR", _RAW),
    (4, b"ftypcrx", _RAW),
    (0, b"ZISRAWFILE", _SCANNER),
    (0, b"\xda\xce\xbe\x0a", _SCANNER),
    (0, b"\x89HDF", "an HDF5 file, not a picture"),
    (0, b"SIMPLE  =", "a FITS file, which is not accepted. Save it as TIFF or PNG"),
    (0, b"\0\0\1\0", "an icon, which is not accepted"),
    (0, b"\x76\x2f\x31\x01", "an OpenEXR picture, which is not accepted. Save it as PNG"),
    (0, b"#?RADIANCE", "a Radiance picture, which is not accepted. Save it as PNG"),
    (0, b"qoif", "a QOI picture, which is not accepted. Save it as PNG"),
    (0, b"\x1aE\xdf\xa3", "a video, not a picture"),
    (8, b"AVI ", "a video, not a picture"),
    (8, b"WAVE", "a sound, not a picture"),
)
_NETPBM: Final = tuple(b"P%d" % digit for digit in range(1, 8))


def kind_of(data: bytes) -> Kind | None:
    """The accepted kind these bytes begin like; None for any other."""
    for offset, signature, kind in _OWN:
        if data[offset : offset + len(signature)] == signature:
            return kind
    return "DICOM" if _bare_dicom(data) else None


def _bare_dicom(data: bytes) -> bool:
    # Without its preamble a file begins with an element of group 2 (the head) or group 8 (the data
    # set itself), small end first: number of the element, then two letters or a length.
    group, element = int.from_bytes(data[:2], "little"), int.from_bytes(data[2:4], "little")
    if len(data) < 64 or group not in (2, 8) or element > 0x2000:
        return False
    explicit = data[4:6].isalpha() and data[4:6].isupper()
    return explicit or int.from_bytes(data[4:8], "little") < 256


def refusal_of(name: str, data: bytes) -> ImageRefused:
    """What to say of bytes of no accepted kind."""
    code, words = "not_an_image", _words(data)
    if words is None:
        if data.startswith(_BEGINNINGS):
            return damaged(name)
        return ImageRefused(name, code, f"{name} is not a picture. {ACCEPTED}")
    if data.startswith(b"GIF8"):
        code = "animated"
    return ImageRefused(name, code, f"{name} is {words}. {ACCEPTED}")


def _words(data: bytes) -> str | None:
    for offset, signature, words in _OTHERS:
        if data[offset : offset + len(signature)] == signature:
            return words
    if data[4:8] == b"ftyp":
        return _of_iso_media(data)
    if data[:2] in _NETPBM and data[2:3].isspace():
        return "a Netpbm picture, which is not accepted. Save it as PNG"
    return _of_text(data[:4096])


def _of_iso_media(data: bytes) -> str:
    # The main brand mif1 says only "pictures"; the list of compatible brands says which.
    brands = data[8 : max(16, min(int.from_bytes(data[:4], "big"), 256))]
    if b"avif" in brands or b"avis" in brands:
        return "an AVIF picture, which is not accepted. Save it as JPEG or PNG"
    if any(b in brands for b in (b"heic", b"heix", b"heim", b"heis", b"hev", b"mif1", b"msf1")):
        return _HEIC
    return "a video, not a picture"


def _of_text(start: bytes) -> str | None:
    head = start.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if head.startswith((b"<svg", b"<!doctype svg")) or (head[:5] == b"<?xml" and b"<svg" in head):
        return "an SVG drawing, which is not accepted. Save it as PNG"
    if head.startswith((b"<!doctype html", b"<html")):
        return "a web page, not a picture. Save the picture itself"
    try:
        text = start.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(start) - 3:  # only the cut at the end may break a letter
            return None
        text = start[: error.start].decode("utf-8")
    plain = all(letter.isprintable() or letter in "\r\n\t\f" for letter in text)
    return "text, not a picture" if plain and text.strip() else None
