"""A JPEG of which a part is missing is never a picture with grey filler."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from core.imaging import synthetic
from core.imaging.read import ImageRefused, read_field
from core.settings import Settings

KINDS: dict[str, dict[str, Any]] = {
    "baseline": {},
    "progressive": {"progressive": True},
    "restart markers": {"restart_marker_rows": 1},
    "grey": {},
    "CMYK": {},
}


def jpeg(kind: str) -> bytes:
    picture = Image.fromarray(synthetic.draw(3).field.pixels)
    mode = {"grey": "L", "CMYK": "CMYK"}.get(kind, "RGB")
    out = io.BytesIO()
    picture.convert(mode).save(out, "JPEG", quality=92, **KINDS[kind])
    return out.getvalue()


def damaged(data: bytes, how: str) -> bytes:
    scan = data.index(b"\xff\xda") + 14
    at = scan + (len(data) - scan) // 2
    if how == "cut, with its end":
        return data[:at] + b"\xff\xd9"
    if how == "a block of zeros":
        return data[:at] + bytes(600) + data[at + 600 :]
    return data[:at] + data[at + 700 :]


@pytest.mark.parametrize("how", ["cut, with its end", "a block of zeros", "a block is missing"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_part_that_is_missing_refuses_the_picture(kind, how):
    whole = jpeg(kind)
    assert read_field("a.jpg", whole, Settings()).pixels.shape[2] == 3
    with pytest.raises(ImageRefused) as caught:
        read_field("a.jpg", damaged(whole, how), Settings())
    assert caught.value.code == "truncated"
    assert "damaged inside" in caught.value.message and "Copy it again" in caught.value.message


@pytest.mark.parametrize("extra", [b"\0" * 9, b""])
def test_bytes_that_cameras_leave_behind_the_picture_are_no_damage(extra):
    whole = jpeg("baseline")
    picture = read_field("a.jpg", whole[:-2] + extra + whole[-2:] + b"maker note", Settings())
    np.testing.assert_array_equal(picture.pixels, read_field("a.jpg", whole, Settings()).pixels)


def test_a_tiff_of_jpeg_strips_is_held_to_the_same():
    pixels = synthetic.draw(3).field.pixels
    out = io.BytesIO()
    tifffile.imwrite(out, pixels, photometric="rgb", compression="jpeg", rowsperstrip=64)
    whole = out.getvalue()
    assert read_field("a.tif", whole, Settings()).pixels.shape == pixels.shape
    with tifffile.TiffFile(io.BytesIO(whole)) as file:
        page = file.pages[0]
        start, length = page.dataoffsets[2], page.databytecounts[2]
    at = start + length // 2
    with pytest.raises(ImageRefused) as caught:
        read_field("a.tif", whole[:at] + bytes(300) + whole[at + 300 :], Settings())
    assert caught.value.code == "truncated"
