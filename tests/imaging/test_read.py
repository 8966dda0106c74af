"""What is accepted comes out upright, 8-bit and unchanged; the rest is refused in words."""

from __future__ import annotations

import hashlib
import io
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from PIL import Image

from core.imaging.read import ImageRefused, read_field, read_path
from core.records import Field
from core.settings import Settings

LIMITS = Settings(max_file_mb=1, max_megapixels=2, min_side_px=200, max_side_px=1600, max_files=3)
LEFT, RIGHT = (200, 40, 90), (20, 160, 220)


def halves(width: int = 320, height: int = 240) -> Image.Image:
    image = Image.new("RGB", (width, height), LEFT)
    image.paste(RIGHT, (width // 2, 0, width, height))
    return image


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def png_header(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(kind + body))
        return struct.pack(">I", len(body)) + kind + body + checksum

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    body = chunk(b"IDAT", zlib.compress(b"\0" * 9)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + header + body


def refused(name: str, data: bytes, limits: Settings = LIMITS) -> ImageRefused:
    with pytest.raises(ImageRefused) as caught:
        read_field(name, data, limits)
    assert caught.value.file == name
    assert name in caught.value.message and caught.value.message.endswith(".")
    return caught.value


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "BMP", "WEBP"])
def test_every_accepted_format_keeps_its_colours(kind: str) -> None:
    data = encoded(halves(), kind)
    field = read_field("liar.txt", data, LIMITS)
    assert field.pixels.shape == (240, 320, 3)
    assert np.abs(field.pixels[120, 40].astype(int) - LEFT).max() <= 6
    assert np.abs(field.pixels[120, 280].astype(int) - RIGHT).max() <= 6
    assert field.sha256 == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize(
    ("orientation", "shape", "corner"),
    [
        (1, (240, 320), LEFT),
        (2, (240, 320), RIGHT),
        (3, (240, 320), RIGHT),
        (6, (320, 240), LEFT),
        (8, (320, 240), RIGHT),
    ],
)
def test_exif_orientation_is_applied(
    orientation: int, shape: tuple[int, int], corner: tuple[int, int, int]
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    field = read_field("phone.png", encoded(halves(), "PNG", exif=exif), LIMITS)
    assert field.pixels.shape[:2] == shape
    assert tuple(field.pixels[5, 5]) == corner


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparency_becomes_white(mode: str) -> None:
    clear = Image.new("RGBA", (220, 220), (10, 20, 30, 0))
    image = clear.quantize(4) if mode == "P" else clear.convert(mode)
    assert (read_field("clear.png", encoded(image, "PNG"), LIMITS).pixels == 255).all()


def test_half_transparent_is_mixed_with_white() -> None:
    image = Image.new("RGBA", (220, 220), (0, 0, 0, 128))
    field = read_field("half.png", encoded(image, "PNG"), LIMITS)
    assert field.pixels[0, 0] == pytest.approx(127, abs=1)


@pytest.mark.parametrize(
    ("mode", "kind"), [("L", "PNG"), ("1", "PNG"), ("CMYK", "JPEG"), ("P", "BMP")]
)
def test_other_colour_modes_become_rgb(mode: str, kind: str) -> None:
    image = Image.new("RGB", (220, 220), (255, 255, 255)).convert(mode)
    field = read_field("x", encoded(image, kind), LIMITS)
    assert field.pixels.shape == (220, 220, 3) and field.pixels.min() >= 250


@pytest.mark.parametrize("suffix", [".png", ".tiff"])
@pytest.mark.parametrize(("shift", "grey"), [(0, False), (4, False), (0, True), (4, True)])
def test_sixteen_bits_are_scaled_by_the_cameras_depth(suffix: str, shift: int, grey: bool) -> None:
    # 16-bit full range, and 12 bits stored in 16: both must look the same.
    eight = np.asarray(halves())[..., ::-1]
    deep = (eight.astype(np.uint16) * 257) >> shift
    deep[0, 0] = 65535 >> shift
    if grey:
        deep, eight = deep[..., 1], np.repeat(eight[..., 1:2], 3, axis=2)
    field = read_field("deep", cv2.imencode(suffix, deep)[1].tobytes(), LIMITS)
    difference = field.pixels.astype(int) - eight[..., ::-1]
    assert np.abs(difference[1:]).max() <= 1


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bit_pictures_are_turned_upright_too(kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    grey = (np.arange(240 * 320, dtype=np.uint32) % 320 * 200).astype(np.uint16).reshape(240, 320)
    field = read_field("deep", encoded(Image.fromarray(grey), kind, exif=exif), LIMITS)
    assert field.pixels.shape == (320, 240, 3)
    assert field.pixels[0].max() < field.pixels[-1].min()


def test_metadata_does_not_travel() -> None:
    exif = Image.Exif()
    exif[0x010E] = "patient: Jane Roe"
    field = read_field("named.jpg", encoded(halves(), "JPEG", exif=exif), LIMITS)
    assert set(vars(field)) == {"name", "pixels", "sha256"}
    assert type(field.pixels) is np.ndarray and b"Jane" not in field.pixels.tobytes()


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("none.png", b"", "empty"),
        ("flat.png", png_header(0, 300), "empty"),
        ("notes.jpg", b"just some words in a file", "not_an_image"),
        ("cat.pdf", b"%PDF-1.7\n%", "not_an_image"),
        ("report.jpg", b"PK\x03\x04" + bytes(40), "not_an_image"),
        ("move.gif", encoded(halves(), "GIF"), "animated"),
        ("old.ppm", encoded(halves(), "PPM"), "not_an_image"),
        ("cut.png", encoded(halves(), "PNG")[:-40], "truncated"),
        ("cut.jpg", encoded(halves(), "JPEG")[:700], "truncated"),
        ("header.jpg", b"\xff\xd8\xff\xe0", "truncated"),
        ("bomb.png", png_header(60000, 60000), "too_many_pixels"),
        ("large.png", png_header(1500, 1400), "too_many_pixels"),
        ("wide.png", png_header(1601, 300), "too_large"),
        ("thin.png", encoded(halves(199, 400), "PNG"), "too_small"),
        ("heavy.bmp", b"BM" + bytes(1_000_001), "too_many_bytes"),
    ],
)
def test_refusals(name: str, data: bytes, code: str) -> None:
    assert refused(name, data).code == code


def test_the_sentence_names_file_fault_and_what_is_accepted() -> None:
    assert refused("cat.pdf", b"%PDF-1.7").message == (
        "cat.pdf is a PDF document, not a picture. Accepted: PNG, JPEG, TIFF, BMP, WebP, DICOM."
    )


@pytest.mark.parametrize("kind", ["TIFF", "WEBP", "PNG"])
def test_more_than_one_frame_is_refused(kind: str) -> None:
    other = halves().transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    data = encoded(halves(), kind, save_all=True, append_images=[other])
    refusal = refused("film", data)
    assert refusal.code == "animated" and "2 pictures" in refusal.message


def test_sizes_on_the_limit_pass() -> None:
    assert read_field("min.png", encoded(halves(200, 200), "PNG"), LIMITS).width == 200
    assert read_field("max.png", encoded(halves(1600, 1250), "PNG"), LIMITS).width == 1600


def test_single_cells_may_be_smaller() -> None:
    data = encoded(halves(60, 60), "PNG")
    assert refused("cell.png", data).code == "too_small"
    assert read_field("cell.png", data, LIMITS, min_side_px=32).width == 60


def test_read_path(tmp_path: Path) -> None:
    good = tmp_path / "good.png"
    good.write_bytes(encoded(halves(), "PNG"))
    assert read_path(good, LIMITS).name == "good.png"
    heavy = tmp_path / "heavy.png"
    with heavy.open("wb") as file:
        file.truncate(2_000_000)
    cases = {tmp_path: "not_a_file", tmp_path / "none.png": "missing", heavy: "too_many_bytes"}
    for path, code in cases.items():
        with pytest.raises(ImageRefused) as caught:
            read_path(path, LIMITS)
        assert caught.value.code == code
    with pytest.raises(ImageRefused):  # a name no system accepts; Python versions differ in how
        read_path(tmp_path / "a\0b.png", LIMITS)


def field_or_refusal(name: str, data: bytes) -> Field | ImageRefused:
    try:
        return read_field(name, data, LIMITS)
    except ImageRefused as refusal:
        return refusal


@given(st.sampled_from(["PNG", "JPEG", "TIFF", "BMP", "WEBP"]), st.data())
@hypothesis_settings(max_examples=150, deadline=None)
def test_damaged_bytes_never_raise_anything_else(kind: str, draw: st.DataObject) -> None:
    data = bytearray(encoded(halves(), kind))
    for _ in range(draw.draw(st.integers(1, 6))):
        data[draw.draw(st.integers(0, len(data) - 1))] = draw.draw(st.integers(0, 255))
    cut = bytes(data[: draw.draw(st.integers(1, len(data)))])
    outcome = field_or_refusal("damaged", cut)
    assert isinstance(outcome, Field) or "damaged" in outcome.message
