"""How many of 16 bits are used, and the scaling to 8: the decisions at their borders."""

from __future__ import annotations

import zlib

import numpy as np
import pytest

from core.imaging.decode.depth import eight_bits, histogram, used_bits
from core.imaging.decode.png_chunks import checked_chunks
from core.imaging.refusal import ImageRefused


def bits_of(values: list[int], counts: list[int], declared: int | None = None) -> int:
    return used_bits("a", histogram(np.repeat(np.array(values, np.uint16), counts)), declared)


@pytest.mark.parametrize(
    ("values", "counts", "bits"),
    [
        ([0], [100], 8),
        ([255], [100], 8),
        ([256], [100], 10),
        ([1023], [100], 10),
        ([4095], [100], 12),
        ([16383], [100], 14),
        ([16384], [100], 16),
        ([4000, 65535], [9990, 10], 12),  # one in a thousand: hot pixels
        ([4000, 65535], [7500, 2500], 12),  # a quarter of one level: a burnt-in banner
        ([4000, 65535], [7400, 2600], 16),
        ([4000, *range(4100, 4600)], [9500, *([1] * 500)], 14),  # just above: the scene itself
    ],
)
def test_the_depth_that_holds_the_scene(values: list[int], counts: list[int], bits: int) -> None:
    assert bits_of(values, counts) == bits


def test_a_few_values_far_above_are_not_certain() -> None:
    bright = np.linspace(9000, 65535, 400).astype(int).tolist()
    with pytest.raises(ImageRefused, match="real depth is not certain"):
        bits_of([4000, *bright], [9600, *([1] * 400)])
    assert bits_of([4000, *bright], [9600, *([1] * 400)], declared=12) == 12


def test_a_tag_that_most_values_contradict_is_not_believed() -> None:
    with pytest.raises(ImageRefused, match="said to use 12 bits"):
        bits_of([4000, 60000], [50, 50], declared=12)


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
def test_scaling_against_the_formula(bits: int) -> None:
    full = (1 << bits) - 1
    values = np.arange(65536, dtype=np.uint16)
    expected = np.floor(values.clip(0, full) * (255 / full) + 0.5)
    np.testing.assert_array_equal(eight_bits(values, bits), expected)
    inverted = np.floor((full - values.astype(np.int64)).clip(0, full) * (255 / full) + 0.5)
    np.testing.assert_array_equal(eight_bits(values, bits, inverted=True), inverted)


def chunk(kind: bytes, body: bytes, *, wrong: bool = False) -> bytes:
    total = zlib.crc32(kind + body) ^ int(wrong)
    return len(body).to_bytes(4, "big") + kind + body + total.to_bytes(4, "big")


HEAD, END = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", bytes(13)), chunk(b"IEND", b"")


def test_texts_are_left_away_and_all_else_stays() -> None:
    other = chunk(b"gAMA", bytes(4)) + chunk(b"IDAT", b"pixels")
    text, xmp = chunk(b"tEXt", b"k\0v"), chunk(b"iTXt", b"XML:com.adobe.xmp\0<x/>")
    plain = HEAD + other + END
    assert checked_chunks(plain) is plain
    assert checked_chunks(HEAD + text + other + text + END) == plain
    assert checked_chunks(HEAD + xmp + other + END) == HEAD + xmp + other + END
    assert checked_chunks(plain + b"behind the end") == plain + b"behind the end"
    cut = plain[:-20]
    assert checked_chunks(cut) == cut


def test_a_wrong_sum_matters_where_the_pixels_need_the_chunk() -> None:
    with pytest.raises(ValueError, match="IDAT"):
        checked_chunks(HEAD + chunk(b"IDAT", b"pixels", wrong=True) + END)
    odd = HEAD + chunk(b"tIME", bytes(7), wrong=True) + chunk(b"IDAT", b"pixels") + END
    assert checked_chunks(odd) == odd
