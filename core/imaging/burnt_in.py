"""Letters burnt into the border of a picture: microscopes write names, dates and scales there."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from core.records import RgbImage

STRIP: Final = 0.14
"""Share of the height, or the width, that counts as the border on each side."""

_LEAST_LETTERS: Final = 5
_LEAST_PX, _MOST_SHARE = 6, 0.08
"""Height of a letter: in pixels, and as a share of the picture's side."""


_Part = tuple[int, int, int, int, int]
"""Number of a connected part, its left and top side, width and height, in pixels."""


def letters_at(pixels: RgbImage) -> str:
    """The border at which letters seem to stand: ``top``, ``bottom``, ``left``, ``right``, or "".

    Letters have one colour without shades (black, white, or a pure one), thin strokes, one height,
    and stand in a row. Cells have shades, and the ground between them is no row.

    Rates (95 % interval) of ``python -m core evaluate letters``, in typefaces and a drawing program
    apart from those the thresholds were chosen on: of 916 pictures of seven sources none was called
    lettered as it is (0-0.4 %). One line written on each and saved as JPEG: black or white letters
    were found in 66 % (62-70) of 531, by source from 38 % (Barcelona's cells of 176 px) to 79 %
    (CBC); coloured ones in 31 % (27-36) of 385: JPEG blurs the colours of small pictures.

    Args:
        pixels: ``(H, W, 3)``, upright.
    """
    height, width = pixels.shape[:2]
    across, down = round(STRIP * height), round(STRIP * width)
    strips = {
        "top": pixels[:across],
        "bottom": pixels[height - across :],
        # Turned, so that letters along the side lie as others do.
        "left": cv2.rotate(pixels[:, :down], cv2.ROTATE_90_CLOCKWISE),
        "right": cv2.rotate(pixels[:, width - down :], cv2.ROTATE_90_CLOCKWISE),
    }
    most = _MOST_SHARE * min(height, width)
    for name, strip in strips.items():
        if min(strip.shape[:2]) > 2 * _LEAST_PX and _has_a_row(np.ascontiguousarray(strip), most):
            return name
    return ""


def _has_a_row(strip: RgbImage, most_px: float) -> bool:
    red, green, blue = cv2.split(strip)
    low = cv2.min(cv2.min(red, green), blue)
    high = cv2.max(cv2.max(red, green), blue)
    # Colours of annotations that no stain has: red and pink of a smear are never so far from blue.
    # OpenCV's difference of bytes stops at zero.
    pure = (
        (cv2.subtract(cv2.min(red, green), blue) > 75)
        | (cv2.subtract(red, cv2.max(green, blue)) > 85)
        | (cv2.subtract(green, cv2.max(red, blue)) > 60)
    )
    return any(_row_in(mask, most_px) for mask in (high < 85, low > 215, pure))


def _row_in(mask: npt.NDArray[np.bool_], most_px: float) -> bool:
    drawn = mask.astype(np.uint8)
    if cv2.countNonZero(drawn) < _LEAST_LETTERS * _LEAST_PX:
        return False
    _, labels, stats, _ = cv2.connectedComponentsWithStats(drawn, connectivity=8)
    sizes = stats[1:]
    width, height, area = sizes[:, 2], sizes[:, 3], sizes[:, 4]
    fits = (height >= _LEAST_PX) & (height <= most_px) & (width <= 2 * height)
    fits &= area >= 0.12 * width * height
    candidates: list[_Part] = []
    for number in np.flatnonzero(fits).tolist():
        x, y, wide, high = sizes[number, :4].tolist()
        candidates.append((number + 1, x, y, wide, high))
    # Strokes are looked at only where enough parts of a letter's size stand in a row.
    if not _row(candidates):
        return False
    inside = cv2.distanceTransform(drawn, cv2.DIST_L2, 3)
    return _row([one for one in candidates if _is_thin(one, labels, inside)])


def _is_thin(part: _Part, labels: npt.NDArray[np.int32], inside: npt.NDArray[np.float32]) -> bool:
    number, x, y, width, height = part
    window = slice(y, y + height), slice(x, x + width)
    # Half the width of the thickest stroke.
    stroke = float(inside[window][labels[window] == number].max())
    return stroke <= max(1.5, 0.17 * height)


def _row(parts: Sequence[_Part]) -> bool:
    boxes = [part[1:] for part in parts]
    if len(boxes) < _LEAST_LETTERS:
        return False
    return any(_in_a_row(one, boxes) >= _LEAST_LETTERS for one in boxes)


def _in_a_row(first: tuple[int, ...], letters: Sequence[tuple[int, ...]]) -> int:
    """Letters on one line with ``first``, each close to the one before it."""
    _, y, _, height = first
    line = sorted(
        one
        for one in letters
        if abs(one[1] + one[3] - y - height) <= 0.25 * height
        and 0.6 * height <= one[3] <= 1.6 * height
    )
    best = run = 1
    for left, right in pairwise(line):
        run = run + 1 if 0 <= right[0] - left[0] - left[2] <= 1.6 * height else 1
        best = max(best, run)
    return best
