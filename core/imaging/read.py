"""Reading pictures that somebody else made: real type, limits, orientation, pixels only."""

from __future__ import annotations

import hashlib
import io
import struct
import warnings
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

from core.records import Field, RgbImage
from core.settings import Settings

FORMATS: Final = ("PNG", "JPEG", "TIFF", "BMP", "WEBP")
ACCEPTED: Final = "Accepted: PNG, JPEG, TIFF, BMP, WebP, DICOM."

# What people do rename to .jpg, by the first bytes; offset, signature, words.
_OTHER_TYPES: Final[tuple[tuple[int, bytes, str], ...]] = (
    (0, b"%PDF", "a PDF document, not a picture"),
    (0, b"{\\rtf", "an RTF document, not a picture"),
    (0, b"\xd0\xcf\x11\xe0", "an Office document, not a picture"),
    (0, b"PK\x03\x04", "a ZIP archive or Office document, not a picture"),
    (0, b"GIF8", "a GIF, which is not accepted"),
    (0, b"%!PS", "a PostScript document, not a picture"),
    (4, b"ftyphei", "a HEIC photo, which is not accepted"),
    (4, b"ftypmif1", "a HEIC photo, which is not accepted"),
    (4, b"ftypavif", "an AVIF picture, which is not accepted"),
    (4, b"ftyp", "a video, not a picture"),
)
_OWN_TYPES: Final = (b"\x89PNG", b"\xff\xd8\xff", b"II*\0", b"MM\0*", b"II+\0", b"RIFF")
_MEGA: Final = 1_000_000
_BROKEN: Final = (OSError, ValueError, SyntaxError, EOFError, TypeError, KeyError, IndexError,
                  struct.error, ZeroDivisionError, OverflowError, MemoryError, AttributeError,
                  RuntimeError, cv2.error)  # fmt: skip
"""What Pillow's and OpenCV's decoders raise on bytes that are not what their header says."""


class ImageRefused(ValueError):
    """A file that is not taken as a picture.

    ``file`` is its name, ``code`` one of the stable words below, ``message`` one plain sentence
    naming the file, what is wrong and what is accepted.

    Codes: ``missing``, ``not_a_file``, ``unreadable``, ``empty``, ``not_an_image``,
    ``truncated``, ``animated``, ``too_many_bytes``, ``too_many_pixels``, ``too_small``,
    ``too_large``, ``too_many_files``, ``identifying`` (a DICOM label).
    """

    def __init__(self, file: str, code: str, message: str) -> None:
        super().__init__(message)
        self.file, self.code, self.message = file, code, message

    def as_json(self) -> dict[str, object]:
        return {"file": self.file, "error": {"code": self.code, "message": self.message}}


def read_field(
    name: str, data: bytes, settings: Settings, *, min_side_px: int | None = None
) -> Field:
    """One picture from its bytes.

    Args:
        name: what the person calls the file; used in messages and kept in the field.
        data: the file. Its content decides the type, its name does not.
        settings: the limits.
        min_side_px: smallest side, ``settings.min_side_px`` unless given; pictures of single
            cells are smaller than fields.

    Returns:
        Upright 8-bit RGB. Transparency is laid on white; grey, palette and CMYK are converted;
        16-bit pictures are scaled as `_eight_bit` says. Metadata is dropped. ``sha256`` is of
        ``data``.

    Raises:
        ImageRefused: whatever is wrong with the file; nothing else is raised.
    """
    if not data:
        raise ImageRefused(name, "empty", f"{name} is empty (0 bytes). {ACCEPTED}")
    _check_bytes(name, len(data), settings)
    if data[128:132] == b"DICM":
        from core.imaging.dicom import open_dicom  # it needs this module, and few files need it

        opened = open_dicom(name, data, settings, min_side_px=min_side_px)
        if opened.frames > 1:
            message = f"{name} holds {opened.frames} pictures; save one of them. {ACCEPTED}"
            raise ImageRefused(name, "animated", message)
        return opened.frame(0)
    least = settings.min_side_px if min_side_px is None else min_side_px
    pixels = _decode(name, data, settings, least)
    return Field(name=name, pixels=pixels, sha256=hashlib.sha256(data).hexdigest())


def read_frames(
    name: str, data: bytes, settings: Settings, *, min_side_px: int | None = None
) -> list[Callable[[], Field]]:
    """What a file holds, each picture still to be opened: many for a multi-frame DICOM file.

    Raises:
        ImageRefused: now if a DICOM file's header is refused; otherwise when a picture is opened.
    """
    if data[128:132] == b"DICM" and len(data) <= settings.max_file_mb * _MEGA:
        from core.imaging.dicom import open_dicom

        opened = open_dicom(name, data, settings, min_side_px=min_side_px)
        return [partial(opened.frame, index) for index in range(opened.frames)]
    return [partial(read_field, name, data, settings, min_side_px=min_side_px)]


def read_path(path: Path, settings: Settings, *, min_side_px: int | None = None) -> Field:
    """One picture from the disk, as `read_field`; the size is checked before it is read.

    Raises:
        ImageRefused: also for a missing path, a folder, a device, or no permission.
    """
    name, data = _bytes_of(path, settings)
    return read_field(name, data, settings, min_side_px=min_side_px)


def read_path_frames(
    path: Path, settings: Settings, *, min_side_px: int | None = None
) -> list[Callable[[], Field]]:
    """A file of the disk as `read_frames`, refused as by `read_path`."""
    name, data = _bytes_of(path, settings)
    return read_frames(name, data, settings, min_side_px=min_side_px)


def _bytes_of(path: Path, settings: Settings) -> tuple[str, bytes]:
    """Name and content of a regular file within the limits.

    Raises:
        ImageRefused: also for a missing path, a folder, a device, or no permission.
    """
    name = path.name or str(path)
    try:
        if path.is_dir():
            message = f"{name} is a folder, not a picture. {ACCEPTED}"
            raise ImageRefused(name, "not_a_file", message)
        if not path.exists():
            raise ImageRefused(name, "missing", f"{name} does not exist at {path}.")
        if not path.is_file():  # a pipe or device could be read without end
            message = f"{name} is not a regular file. {ACCEPTED}"
            raise ImageRefused(name, "not_a_file", message)
        _check_bytes(name, path.stat().st_size, settings)
        return name, path.read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a null byte in the path
        if isinstance(error, ImageRefused):
            raise
        reason = getattr(error, "strerror", None) or "the path is not valid"
        raise ImageRefused(name, "unreadable", f"{name} cannot be read: {reason}.") from error


def read_many(
    files: Iterable[tuple[str, bytes]], settings: Settings, *, min_side_px: int | None = None
) -> list[Field | ImageRefused]:
    """Every file as its field or its refusal, in input order; one bad file stops no other.

    Files after the first ``settings.max_files`` are refused with ``too_many_files``.
    """
    read: list[Field | ImageRefused] = []
    for index, (name, data) in enumerate(files):
        if index >= settings.max_files:
            message = f"{name} was not read: at most {settings.max_files} files are taken at once."
            read.append(ImageRefused(name, "too_many_files", message))
            continue
        try:
            read.append(read_field(name, data, settings, min_side_px=min_side_px))
        except ImageRefused as refusal:
            read.append(refusal)
    return read


def _check_bytes(name: str, size: int, settings: Settings) -> None:
    if size > settings.max_file_mb * _MEGA:
        message = (
            f"{name} has {size / _MEGA:.1f} MB, more than the {settings.max_file_mb:g} MB accepted."
        )
        raise ImageRefused(name, "too_many_bytes", message)


def _decode(name: str, data: bytes, settings: Settings, least: int) -> RgbImage:
    with warnings.catch_warnings():
        # Pillow's bomb warning is replaced by our own limit, taken from the header before a
        # pixel is decoded; its remarks on odd metadata concern what is dropped here anyway.
        warnings.simplefilter("ignore")
        return _open(name, data, settings, least)


def _open(name: str, data: bytes, settings: Settings, least: int) -> RgbImage:
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    except Image.DecompressionBombError as error:
        raise _too_many_pixels(name, None, settings) from error
    except UnidentifiedImageError as error:
        raise _not_an_image(name, data) from error
    except _BROKEN as error:
        raise _truncated(name) from error
    with image:
        check_size(name, image.size, settings, least)
        try:
            frames = int(getattr(image, "n_frames", 1))
        except _BROKEN as error:
            raise _truncated(name) from error
        if frames > 1:
            message = f"{name} holds {frames} pictures or pages; save one of them. {ACCEPTED}"
            raise ImageRefused(name, "animated", message)
        try:
            return _rgb(image, data)
        except _BROKEN as error:
            raise _truncated(name) from error


def check_size(name: str, size: tuple[int, int], settings: Settings, least: int) -> None:
    """The limits on a picture's sides and area.

    Raises:
        ImageRefused: ``empty``, ``too_many_pixels``, ``too_large`` or ``too_small``.
    """
    width, height = size
    if width < 1 or height < 1:
        raise ImageRefused(name, "empty", f"{name} has no pixels. {ACCEPTED}")
    if width * height > settings.max_megapixels * _MEGA:
        raise _too_many_pixels(name, size, settings)
    if max(size) > settings.max_side_px:
        message = (
            f"{name} is {width} x {height} pixels; "
            f"at most {settings.max_side_px} a side are accepted."
        )
        raise ImageRefused(name, "too_large", message)
    if min(size) < least:
        message = f"{name} is {width} x {height} pixels; at least {least} a side are needed."
        raise ImageRefused(name, "too_small", message)


def _too_many_pixels(name: str, size: tuple[int, int] | None, settings: Settings) -> ImageRefused:
    found = f"{size[0] * size[1] / _MEGA:.0f} megapixels" if size else "far too many pixels"
    message = f"{name} has {found}; at most {settings.max_megapixels:g} megapixels are accepted."
    return ImageRefused(name, "too_many_pixels", message)


def _not_an_image(name: str, data: bytes) -> ImageRefused:
    for offset, signature, words in _OTHER_TYPES:
        if data[offset : offset + len(signature)] == signature:
            code = "animated" if signature == b"GIF8" else "not_an_image"
            return ImageRefused(name, code, f"{name} is {words}. {ACCEPTED}")
    if data[:8] == b"\x89PNG\r\n\x1a\n" and b"\0\0\0\0" in (data[16:20], data[20:24]):
        return ImageRefused(name, "empty", f"{name} has no pixels. {ACCEPTED}")
    if data.startswith(_OWN_TYPES):
        return _truncated(name)
    return ImageRefused(name, "not_an_image", f"{name} is not a picture. {ACCEPTED}")


def _truncated(name: str) -> ImageRefused:
    message = (
        f"{name} is damaged, cut off or of a rare kind and cannot be read completely. {ACCEPTED}"
    )
    return ImageRefused(name, "truncated", message)


def _rgb(image: Image.Image, data: bytes) -> RgbImage:
    deep = _deep(image, data)
    if deep is not None:
        image = _turned(Image.fromarray(deep), image)
    else:
        image.load()
        image = ImageOps.exif_transpose(image)
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        alpha = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", alpha.size, "white"), alpha)
    return np.array(image.convert("RGB"))


def _turned(pixels: Image.Image, original: Image.Image) -> Image.Image:
    pixels.getexif()[0x0112] = original.getexif().get(0x0112, 1)
    return ImageOps.exif_transpose(pixels)


def _deep(image: Image.Image, data: bytes) -> RgbImage | None:
    """Pixels of a picture with more than 8 bits a channel, as 8 bits; None for any other.

    Pillow reads 16-bit grey as ``I;16``, ``I`` or ``F`` but cuts 16-bit RGB PNG to 8 bits (the
    top byte, which is right for a full-range picture and black for a 12-bit one) and refuses
    16-bit RGB TIFF; OpenCV reads both whole.
    """
    if image.mode.startswith("I;16") or image.mode in ("I", "F"):
        return _eight_bit(np.asarray(image))
    if not _sixteen_bit_colour(image, data):
        return None
    flags = cv2.IMREAD_UNCHANGED | cv2.IMREAD_IGNORE_ORIENTATION
    bgr = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    if bgr is None:
        raise ValueError("OpenCV cannot decode this 16-bit picture")
    if bgr.ndim == 2 or bgr.dtype == np.uint8:
        return None if bgr.dtype == np.uint8 else _eight_bit(bgr)
    colour = _eight_bit(bgr[..., 2::-1])
    if bgr.shape[2] == 4:
        alpha = (bgr[..., 3:] >> 8).astype(np.uint8)
        colour = np.concatenate([colour, alpha], axis=2)
    return np.ascontiguousarray(colour)


def _sixteen_bit_colour(image: Image.Image, data: bytes) -> bool:
    if image.format == "PNG":
        # IHDR: depth at byte 24, colour type at 25 (2 RGB, 4 grey+alpha, 6 RGBA).
        return len(data) > 25 and data[24] == 16 and data[25] in (2, 4, 6)
    if image.format == "TIFF":
        bits = image.tag_v2.get(258, (8,))  # type: ignore[attr-defined]  # a TIFF has it
        return max(bits if isinstance(bits, tuple) else (bits,)) > 8
    return False


def _eight_bit(values: npt.NDArray[np.generic]) -> npt.NDArray[np.uint8]:
    """Scales by the camera's depth, one factor for all channels, so colours stay.

    Integers: the smallest of 8, 10, 12, 14 or 16 bits that holds the brightest pixel is taken
    for the depth, because microscope cameras store 12 bits in 16. Floats: [0, 1] where nothing
    exceeds 1, otherwise as integers. Negative and undefined values become 0.
    """
    numbers = np.nan_to_num(np.asarray(values, dtype=np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    brightest = float(numbers.max())
    if np.issubdtype(values.dtype, np.floating) and brightest <= 1.0:
        full = 1.0
    else:
        full = next((2.0**b - 1 for b in (8, 10, 12, 14, 16) if brightest < 2.0**b), brightest)
    return np.clip(numbers * (255.0 / full) + 0.5, 0, 255).astype(np.uint8)
