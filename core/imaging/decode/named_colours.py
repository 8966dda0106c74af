"""Which colours a file without a profile names: PNG's chunks, EXIF, XMP, tags of TIFF, BMP, DICOM.

A viewer that ignores these names shows other colours than the file means, and the colour of a palm
is the finding. What is named is applied; what is named and not known for certain is refused.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from PIL import Image

from core.imaging.decode.matrix_profile import (
    ADOBE_RGB,
    D65,
    DISPLAY_P3,
    PROPHOTO,
    SRGB,
    SRGB_CURVE,
    NamedColours,
    profile_of,
)
from core.imaging.refusal import ImageRefused

_GAMMA_OF_SRGB: Final = 1 / 2.2
_SAME_GAMMA: Final = 0.01

_EXIF_IFD, _INTEROPERABILITY_IFD = 0x8769, 0xA005
_COLOUR_SPACE, _GAMMA, _WHITE_POINT, _PRIMARIES = 0xA001, 0xA500, 318, 319
_UNCALIBRATED: Final = 65535
_EXIF_ADOBE_RGB: Final = 2

_XMP_PROFILE: Final = re.compile(rb"photoshop:ICCProfile\s*(?:=\s*[\"']|>)\s*([^\"'<]{1,80})")
_XMP_REACH: Final = 1 << 18

_CICP_PRIMARIES: Final = {
    1: SRGB, 2: SRGB, 5: NamedColours(D65, (0.64, 0.33), (0.29, 0.60), (0.15, 0.06), SRGB_CURVE),
    6: NamedColours(D65, (0.63, 0.34), (0.31, 0.595), (0.155, 0.07), SRGB_CURVE),
    9: NamedColours(D65, (0.708, 0.292), (0.170, 0.797), (0.131, 0.046), SRGB_CURVE),
    11: NamedColours((0.314, 0.351), (0.68, 0.32), (0.265, 0.69), (0.15, 0.06), SRGB_CURVE),
    12: DISPLAY_P3,
}  # fmt: skip
# BT.709 and its like are shown with the curve of a display, which is nearly that of sRGB.
_CICP_CURVES: Final[Mapping[int, str | float]] = {
    1: SRGB_CURVE, 2: SRGB_CURVE, 4: 2.2, 5: 2.8, 6: SRGB_CURVE, 8: 1.0, 13: SRGB_CURVE,
    14: SRGB_CURVE, 15: SRGB_CURVE,
}  # fmt: skip
_DICOM_SPACES: Final = {"SRGB": SRGB, "ADOBERGB": ADOBE_RGB, "ROMMRGB": PROPHOTO}


def profile_named_by(name: str, data: bytes, image: Image.Image) -> bytes | None:
    """The profile of a JPEG, PNG, WebP or BMP: embedded, or made from what it names; None for sRGB.

    Raises:
        ImageRefused: ``unclear``, if colours are named that are not known.
    """
    embedded = image.info.get("icc_profile") or None
    if image.format == "PNG":
        chunks = _png_chunks(data)
        if b"cICP" in chunks:  # stands above an embedded profile
            return _profile(name, _of_cicp(name, chunks[b"cICP"]))
        if embedded or b"sRGB" in chunks:
            return embedded
        if b"gAMA" in chunks or b"cHRM" in chunks:
            return _profile(name, _of_gamma(chunks.get(b"gAMA", b""), chunks.get(b"cHRM", b"")))
    if image.format == "BMP":
        return _of_bmp(name, data)
    if embedded or image.mode == "CMYK":
        return embedded
    return _profile(name, _of_exif(image.getexif()) or _of_xmp(name, data))


def profile_named_by_tiff(name: str, tags: Any, data: bytes) -> bytes | None:
    """The profile that a TIFF names by tags 318, 319 and 301, by EXIF or by XMP; None for sRGB.

    Args:
        name: of the file, for the refusal.
        tags: of the page, as tifffile gives them.
        data: the file.

    Raises:
        ImageRefused: ``unclear``, if colours are named that are not known.
    """
    white, primaries = _pairs(tags.valueof(_WHITE_POINT)), _pairs(tags.valueof(_PRIMARIES))
    table = np.asarray(tags.valueof(301, ()), dtype=np.int64).reshape(-1)
    bits = tags.valueof(258, 8)
    size = 1 << int(bits[0] if isinstance(bits, tuple) else bits)
    if len(white) == 1 and len(primaries) == 3:
        # TIFF 6.0, section 20: without a table of its own the curve is an exponent of 2.2.
        curve: str | float | tuple[tuple[int, ...], ...] = 2.2
        if len(table) in (size, 3 * size):
            steps = np.linspace(0, size - 1, min(size, 256)).round().astype(np.int64)
            curve = tuple(tuple(row) for row in table.reshape(-1, size)[:, steps].tolist())
        red, green, blue = primaries
        named = NamedColours(white[0], red, green, blue, curve)
        is_srgb = named.has_primaries_of(SRGB) and not isinstance(curve, tuple)
        return None if is_srgb else _profile(name, named)
    exif = tags.valueof(34665)
    space = exif.get("ColorSpace") if isinstance(exif, dict) else None
    if space == _EXIF_ADOBE_RGB:
        return _profile(name, ADOBE_RGB)
    return _profile(name, _of_xmp(name, data))


def profile_named_by_dicom(name: str, space: str) -> bytes | None:
    """The profile for the attribute Color Space (0028,2002); None for sRGB or none.

    Raises:
        ImageRefused: ``unclear``, for a word that the standard does not have.
    """
    if not space:
        return None
    if space not in _DICOM_SPACES:
        raise _unclear(name, f"names the colours {space[:20]}, which are not known")
    return _profile(name, _DICOM_SPACES[space])


def _profile(name: str, colours: NamedColours | None) -> bytes | None:
    if colours is None:
        return None
    try:
        return profile_of(colours)
    except (ValueError, struct.error, OverflowError) as error:
        raise _unclear(name, "names its colours in a way that cannot be right") from error


def _unclear(name: str, why: str) -> ImageRefused:
    message = f"{name} {why}, so its colours are not certain. Save it again as sRGB."
    return ImageRefused(name, "unclear", message)


def _png_chunks(data: bytes) -> dict[bytes, bytes]:
    """The chunks before the pixels, by name; of several the first."""
    chunks: dict[bytes, bytes] = {}
    place = 8
    while place + 12 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, place)
        if kind == b"IDAT":
            break
        if kind in (b"cICP", b"sRGB", b"gAMA", b"cHRM"):
            chunks.setdefault(kind, data[place + 8 : place + 8 + length])
        place += 12 + length
    return chunks


def _of_cicp(name: str, chunk: bytes) -> NamedColours:
    """PNG 3, section 11.3.2.6; the numbers are of ITU-T H.273."""
    if len(chunk) != 4:
        raise _unclear(name, "has a damaged cICP chunk")
    primaries, curve, matrix, is_full = chunk
    if curve in (16, 18):
        raise _unclear(name, "is a picture of high dynamic range, whose white is not certain")
    if primaries not in _CICP_PRIMARIES or curve not in _CICP_CURVES or matrix or is_full != 1:
        raise _unclear(name, "names colours (cICP) that are not read")
    named = _CICP_PRIMARIES[primaries]
    return NamedColours(named.white, named.red, named.green, named.blue, _CICP_CURVES[curve])


def _of_gamma(gamma: bytes, chromaticities: bytes) -> NamedColours | None:
    """GAMA and cHRM of PNG, whose values are hundred-thousandths."""
    named = SRGB
    if len(chromaticities) == 32:
        values = [value / 100_000 for value in struct.unpack(">8I", chromaticities)]
        white, red, green, blue = zip(values[0::2], values[1::2], strict=True)
        named = NamedColours(white, red, green, blue, SRGB_CURVE)
    exponent = struct.unpack(">I", gamma)[0] / 100_000 if len(gamma) == 4 else 0.0
    if not 0.1 <= exponent <= 10:
        exponent = _GAMMA_OF_SRGB  # not said, or nonsense that the standard has readers ignore
    if named.has_primaries_of(SRGB) and abs(exponent - _GAMMA_OF_SRGB) < _SAME_GAMMA:
        return None  # how programs write sRGB
    return NamedColours(named.white, named.red, named.green, named.blue, 1 / exponent)


def _of_exif(exif: Image.Exif) -> NamedColours | None:
    inner = exif.get_ifd(_EXIF_IFD)
    space = inner.get(_COLOUR_SPACE)
    if space == _EXIF_ADOBE_RGB:
        return ADOBE_RGB
    if space != _UNCALIBRATED:
        return None
    # Cameras mark Adobe RGB as uncalibrated, with R03 in the interoperability directory (DCF 2.0).
    index = exif.get_ifd(_INTEROPERABILITY_IFD).get(1, "")
    index = index.decode("ascii", "replace") if isinstance(index, bytes) else str(index)
    if index.strip("\0 ").startswith("R03"):
        return ADOBE_RGB
    white, primaries = _pairs(exif.get(_WHITE_POINT)), _pairs(exif.get(_PRIMARIES))
    if len(white) == 1 and len(primaries) == 3:
        gamma = inner.get(_GAMMA)
        red, green, blue = primaries
        return NamedColours(white[0], red, green, blue, float(gamma) if gamma else 2.2)
    return None


def _pairs(values: Any) -> list[tuple[float, float]]:
    """Chromaticities from rational numbers: Pillow gives fractions, tifffile pairs in turn."""
    flat = [float(value) for value in (values if isinstance(values, tuple | list) else ())]
    if len(flat) in (4, 12):
        flat = [n / d if d else 0.0 for n, d in zip(flat[0::2], flat[1::2], strict=True)]
    return list(zip(flat[0::2], flat[1::2], strict=False)) if len(flat) in (2, 6) else []


def _of_xmp(name: str, data: bytes) -> NamedColours | None:
    """The profile by its name, which stays in XMP when a program removes the profile itself."""
    found = _XMP_PROFILE.search(data, 0, _XMP_REACH)
    if found is None:
        return None
    profile = found[1].decode("utf-8", "replace").strip()
    words = profile.casefold()
    if "srgb" in words:
        return None
    if "adobe rgb" in words:
        return ADOBE_RGB
    if "p3" in words:
        return DISPLAY_P3
    if "prophoto" in words or "romm" in words:
        return PROPHOTO
    raise _unclear(name, "names a colour profile and does not hold it")


def _of_bmp(name: str, data: bytes) -> bytes | None:
    """Versions 4 and 5 of the header name colours; the numbers are as in the Windows headers."""
    size = int.from_bytes(data[14:18], "little")
    if size < 108 or len(data) < 14 + size:
        return None
    kind = data[70:74][::-1]
    if kind == b"MBED" and size >= 124:
        offset, length = struct.unpack_from("<II", data, 14 + 112)
        profile = data[14 + offset : 14 + offset + length]
        if len(profile) < max(length, 128):
            raise _unclear(name, "has a damaged colour profile")
        return profile
    if kind == b"LINK":
        raise _unclear(name, "names a colour profile in another file")
    if kind != b"\0\0\0\0":
        return None
    points = np.array(struct.unpack_from("<9i", data, 74)).reshape(3, 3) / (1 << 30)
    gammas = [value / 65536 for value in struct.unpack_from("<3I", data, 110)]
    sums = points.sum(axis=1)
    if (sums <= 0).any() or not all(1 <= gamma <= 3 for gamma in gammas):
        return None  # the space is left empty by most programs
    red, green, blue = ((float(x), float(y)) for x, y, _ in points / sums[:, None])
    named = NamedColours(D65, red, green, blue, gammas[0])
    if named.has_primaries_of(SRGB) and abs(gammas[0] - 2.2) < 0.05:
        return None
    return _profile(name, named)
