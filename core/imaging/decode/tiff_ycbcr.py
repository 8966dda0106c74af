"""YCbCr colours of a TIFF without JPEG, as digital cameras of the first years wrote them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
from PIL import Image

if TYPE_CHECKING:
    import tifffile

_PLAIN: Final = ((0.299, 0.587, 0.114), (0, 255, 128, 255, 128, 255))


def is_plain_ycbcr(page: tifffile.TiffPage) -> bool:
    """Are the colours those of JPEG (ITU-R BT.601, full range), in strips of 8 bits?

    Other coefficients and ranges (tags 529 and 532) are not read.
    """
    for code, usual in zip((529, 532), _PLAIN, strict=True):
        values = page.tags.valueof(code)
        if values is not None and not np.allclose(_fractions(values, len(usual)), usual, atol=1e-3):
            return False
    return (
        page.bitspersample == 8
        and page.samplesperpixel == 3
        and page.planarconfig == 1
        and not page.is_tiled
        and page.predictor == 1
        and page.fillorder == 1
    )


def _fractions(values: Any, count: int) -> npt.NDArray[np.float64]:
    flat = np.asarray(values, dtype=np.float64).reshape(-1)
    if flat.size == 2 * count:  # numerators and denominators in turn
        flat = flat[::2] / np.maximum(flat[1::2], 1)
    return flat if flat.size == count else np.full(count, -1.0)


def rgb_of_ycbcr(page: tifffile.TiffPage, data: bytes) -> npt.NDArray[np.uint8]:
    """The page as RGB, ``(H, W, 3)``.

    A strip is a row of blocks: the luminances of ``down x across`` pixels, then their Cb and Cr
    (TIFF 6.0, section 21).

    Raises:
        ValueError: if a strip is missing or cut off.
    """
    import tifffile

    across, down = (int(v) for v in page.tags.valueof(530, (2, 2)))
    height, width = int(page.imagelength), int(page.imagewidth)
    rows_per_strip = min(int(page.rowsperstrip), height)
    blocks = math.ceil(width / across)
    size = down * across + 2
    # tifffile joins strips of uncompressed pages that follow each other; the tags have them all.
    places = zip(page.tags[273].value, page.tags[279].value, strict=True)
    ycbcr = np.empty((height, width, 3), np.uint8)
    top = 0
    for offset, length in places:
        rows = min(rows_per_strip, height - top)
        lines = math.ceil(rows / down)
        raw: Any = data[offset : offset + length]
        if rows < 1 or length < 1 or len(raw) < length:
            raise ValueError("a strip is missing or cut off")
        if int(page.compression) != 1:
            raw = tifffile.TIFF.DECOMPRESSORS[int(page.compression)](raw, out=lines * blocks * size)
        part = np.frombuffer(raw, np.uint8, lines * blocks * size).reshape(lines, blocks, size)
        light = part[..., :-2].reshape(lines, blocks, down, across).transpose(0, 2, 1, 3)
        into = ycbcr[top : top + rows]
        into[..., 0] = light.reshape(lines * down, blocks * across)[:rows, :width]
        for channel in (1, 2):
            chroma = part[..., channel - 3].repeat(down, axis=0).repeat(across, axis=1)
            into[..., channel] = chroma[:rows, :width]
        top += rows
    if top < height:
        raise ValueError("strips are missing")
    return np.array(Image.fromarray(ycbcr, "YCbCr").convert("RGB"))
