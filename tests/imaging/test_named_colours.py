"""Colours that a file names without a profile: applied, or refused where they are not certain."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import tifffile
from PIL import Image

from core.imaging.read import ImageRefused
from tests.imaging import colour_profiles as profiles
from tests.imaging.test_colour import PATCHES, encoded, read
from tests.imaging.test_dicom import dicom

ADOBE_GAMMA = 2.19921875
IN_ADOBE = profiles.in_srgb(PATCHES, profiles.ADOBE_RGB, ADOBE_GAMMA)
IN_P3 = profiles.in_srgb(PATCHES, profiles.DISPLAY_P3, None)

# IEC 61966-2-1 and Adobe RGB (1998): white, red, green, blue.
SRGB_XY = (0.3127, 0.3290, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06)
ADOBE_XY = (0.3127, 0.3290, 0.64, 0.33, 0.21, 0.71, 0.15, 0.06)


def png(*chunks: tuple[bytes, bytes], mode: str = "RGB", profile: bytes = b"") -> bytes:
    """The patches as PNG with these chunks behind the header."""
    image = Image.fromarray(PATCHES).convert(mode)
    data = encoded(image, "PNG", **({"icc_profile": profile} if profile else {}))
    inserted = b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )
    return data[:33] + inserted + data[33:]


def gama(exponent: float) -> tuple[bytes, bytes]:
    return b"gAMA", struct.pack(">I", round(exponent * 100_000))


def chrm(values: tuple[float, ...]) -> tuple[bytes, bytes]:
    return b"cHRM", struct.pack(">8I", *(round(value * 100_000) for value in values))


def exif(space: int, index: str = "", more: dict[int, Any] | None = None) -> bytes:
    """EXIF as cameras write it; Pillow builds the directories."""
    tags = Image.Exif()
    tags.get_ifd(0x8769)[0xA001] = space
    if index:
        tags.get_ifd(0x8769)[0xA005] = {1: index}
    for tag, value in (more or {}).items():
        tags[tag] = value
    return tags.tobytes()


def jpeg(**options: Any) -> bytes:
    return encoded(Image.fromarray(PATCHES), "JPEG", quality=98, subsampling=0, **options)


def bmp(kind: bytes, primaries: tuple[float, ...] = (), profile: bytes = b"") -> bytes:
    """The patches as BMP with the header of version 5 (wingdi.h)."""
    plain = encoded(Image.fromarray(PATCHES), "BMP")
    pixels = plain[54:]
    head = struct.pack("<I", 124) + plain[18:54]
    head += struct.pack("<4I", 0xFF0000, 0xFF00, 0xFF, 0) + kind
    if primaries:
        pairs = zip(primaries[2::2], primaries[3::2], strict=True)
        scaled = [round(v * (1 << 30)) for x, y in pairs for v in (x, y, 1 - x - y)]
        head += struct.pack("<9i3I", *scaled, *[round(ADOBE_GAMMA * 65536)] * 3)
    else:
        head += bytes(48)
    head += struct.pack("<4I", 4, 124 + len(pixels), len(profile), 0)
    total = 14 + 124 + len(pixels) + len(profile)
    return b"BM" + struct.pack("<IHHI", total, 0, 0, 138) + head + pixels + profile


def tiff(extratags: list[Any]) -> bytes:
    out = io.BytesIO()
    tifffile.imwrite(out, PATCHES, photometric="rgb", metadata=None, extratags=extratags)
    return out.getvalue()


def rationals(values: tuple[float, ...]) -> tuple[int, ...]:
    return tuple(number for value in values for number in (round(value * 10_000), 10_000))


def tiff_colours(values: tuple[float, ...], *more: Any) -> bytes:
    white, primaries = rationals(values[:2]), rationals(values[2:])
    return tiff([(318, 5, 2, white, True), (319, 5, 6, primaries, True), *more])


def transfer_function(gamma: float) -> Any:
    table = np.round((np.arange(256) / 255) ** gamma * 65535).astype(int).tolist()
    return (301, 3, 3 * 256, tuple(table * 3), True)


XMP = b'<x:xmpmeta><rdf:Description photoshop:ICCProfile="%s"/></x:xmpmeta>'


@pytest.mark.parametrize(
    ("data", "expected", "tolerance"),
    [
        pytest.param(png((b"cICP", bytes([12, 13, 0, 1]))), IN_P3, 2, id="png-cicp-p3"),
        pytest.param(png((b"cICP", bytes([1, 13, 0, 1]))), PATCHES, 0, id="png-cicp-srgb"),
        pytest.param(png(gama(1 / ADOBE_GAMMA), chrm(ADOBE_XY)), IN_ADOBE, 2, id="png-adobe"),
        pytest.param(png(gama(0.45455), chrm(SRGB_XY)), PATCHES, 0, id="png-srgb-as-usual"),
        pytest.param(png(gama(0.45455)), PATCHES, 0, id="png-gamma-of-srgb"),
        pytest.param(
            png(gama(1.0)), profiles.in_srgb(PATCHES, profiles.SRGB, 1.0), 2, id="png-linear"
        ),
        pytest.param(
            png(gama(1.0), (b"sRGB", b"\0"), chrm(ADOBE_XY)), PATCHES, 0, id="png-srgb-wins"
        ),
        pytest.param(jpeg(exif=exif(65535, "R03")), IN_ADOBE, 4, id="exif-r03"),
        pytest.param(jpeg(exif=exif(2)), IN_ADOBE, 4, id="exif-2"),
        pytest.param(jpeg(exif=exif(1, "R98")), PATCHES, 3, id="exif-srgb"),
        pytest.param(jpeg(exif=exif(65535)), PATCHES, 3, id="exif-says-nothing"),
        pytest.param(
            encoded(Image.fromarray(PATCHES), "WEBP", lossless=True, exif=exif(65535, "R03")),
            IN_ADOBE, 2, id="webp-r03",
        ),
        pytest.param(jpeg(xmp=XMP % b"Adobe RGB (1998)"), IN_ADOBE, 4, id="xmp-adobe"),
        pytest.param(jpeg(xmp=XMP % b"Display P3"), IN_P3, 4, id="xmp-p3"),
        pytest.param(jpeg(xmp=XMP % b"sRGB IEC61966-2.1"), PATCHES, 3, id="xmp-srgb"),
        pytest.param(bmp(b"BGRs"), PATCHES, 0, id="bmp-srgb"),
        pytest.param(bmp(b"\0\0\0\0"), PATCHES, 0, id="bmp-left-empty"),
        pytest.param(bmp(b"\0\0\0\0", ADOBE_XY), IN_ADOBE, 2, id="bmp-adobe"),
        pytest.param(
            bmp(b"DEBM", profile=profiles.matrix_profile(profiles.DISPLAY_P3, None)),
            IN_P3, 2, id="bmp-profile",
        ),
        pytest.param(tiff_colours(SRGB_XY), PATCHES, 0, id="tiff-srgb"),
        pytest.param(tiff_colours(ADOBE_XY), IN_ADOBE, 2, id="tiff-adobe"),
        pytest.param(
            tiff_colours(SRGB_XY, transfer_function(1.0)),
            profiles.in_srgb(PATCHES, profiles.SRGB, 1.0), 2, id="tiff-linear",
        ),
    ],
)  # fmt: skip
def test_named_colours_are_applied(
    data: bytes, expected: npt.NDArray[np.float64], tolerance: int
) -> None:
    assert np.abs(read(data) - expected).max() <= tolerance


@pytest.mark.parametrize(
    ("data", "words"),
    [
        pytest.param(png((b"cICP", bytes([9, 16, 0, 1]))), "high dynamic range", id="pq"),
        pytest.param(png((b"cICP", bytes([77, 13, 0, 1]))), "cICP", id="unknown-primaries"),
        pytest.param(png((b"cICP", bytes([1, 13, 0, 0]))), "cICP", id="narrow-range"),
        pytest.param(png(gama(0.45), chrm((0.3, 0.3) + (0.2, 0.2) * 3)), "cannot", id="no-colours"),
        pytest.param(jpeg(xmp=XMP % b"Scanner 7"), "does not hold it", id="xmp-unknown"),
        pytest.param(bmp(b"KNIL"), "another file", id="bmp-linked"),
        pytest.param(bmp(b"DEBM"), "damaged", id="bmp-no-profile"),
    ],
)
def test_colours_that_are_not_certain_are_refused(data: bytes, words: str) -> None:
    with pytest.raises(ImageRefused) as caught:
        read(data)
    assert caught.value.code == "unclear"
    assert words in caught.value.message and "sRGB" in caught.value.message


def test_a_grey_picture_keeps_its_gamma() -> None:
    grey = np.asarray(Image.fromarray(PATCHES).convert("L"))
    expected = profiles.in_srgb(np.repeat(grey[..., None], 3, 2), profiles.SRGB, 1.8)
    assert np.abs(read(png(gama(1 / 1.8), mode="L")) - expected).max() <= 2


def test_dicom_names_adobe_rgb() -> None:
    assert np.abs(read(dicom(PATCHES[None], ColorSpace="ADOBERGB")) - IN_ADOBE).max() <= 2
    assert np.abs(read(dicom(PATCHES[None], ColorSpace="SRGB")) - PATCHES).max() == 0
    with pytest.raises(ImageRefused, match="not known"):
        read(dicom(PATCHES[None], ColorSpace="OTHERRGB"))
