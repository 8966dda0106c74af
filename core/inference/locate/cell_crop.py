"""Cut the square around a cell that the classifier reads."""

import cv2
import numpy as np

from core.models.classifier import CROP_RBC_DIAMETERS, INPUT_PX
from core.records import Box, RgbImage

_BOX_SIDES = 1.6
"""Side of the square in box sides, if no red cell gives the scale."""

_WHOLE_SIDES = 8.0
"""A picture of at most so many sides of the crop is a camera field."""

_BEYOND = (216, 216, 220)


def crop_side(box: Box, rbc_diameter_px: float | None) -> float:
    """Side of the square round a cell, in pixels of the picture.

    It is a fixed number of red-cell diameters, so that large cells look large, or more for a cell
    that would not fit.
    """
    longest = max(box[2] - box[0], box[3] - box[1])
    side = CROP_RBC_DIAMETERS * rbc_diameter_px if rbc_diameter_px else _BOX_SIDES * longest
    return max(side, 1.15 * longest)


def crop_cell(
    pixels: RgbImage,
    box: Box,
    rbc_diameter_px: float | None,
    size_px: int = INPUT_PX,
    *,
    mirrored: bool = True,
) -> RgbImage:
    """The square round the middle of ``box``, ``(size_px, size_px, 3)``.

    Its side is :func:`crop_side`. Beyond the field's edge the picture is mirrored for the
    classifier. Shown to a person the mirror image would look like more cells, so without
    ``mirrored`` that part is grey.
    """
    side = crop_side(box, rbc_diameter_px)
    pixels, (x0, y0, x1, y1) = _surroundings(pixels, box, side)
    zoom = size_px / side
    if zoom < 1:
        # warpAffine skips pixels when it shrinks, so average the picture down first.
        pixels = cv2.resize(pixels, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_AREA).astype(
            np.uint8
        )
        x0, y0, x1, y1, zoom = x0 * zoom, y0 * zoom, x1 * zoom, y1 * zoom, 1.0
    middle_x, middle_y = (x0 + x1) / 2, (y0 + y1) / 2
    move = np.array(
        [[zoom, 0, size_px / 2 - zoom * middle_x], [0, zoom, size_px / 2 - zoom * middle_y]]
    )
    return cv2.warpAffine(
        pixels,
        move,
        (size_px, size_px),
        flags=cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REFLECT_101 if mirrored else cv2.BORDER_CONSTANT,
        borderValue=_BEYOND,
    ).astype(np.uint8)


def _surroundings(pixels: RgbImage, box: Box, side: float) -> tuple[RgbImage, Box]:
    """A part of a large picture round a cell, and the cell's box in it.

    Without it every crop would resize the whole picture, which for forty cells of a slide's mosaic
    takes longer than locating them. The crop reads, and mirrors at an edge, what lies within half a
    side of the middle; the rest of the part is room for the interpolation. A camera field is left
    whole.
    """
    height, width = pixels.shape[:2]
    reach = 0.75 * side
    if max(height, width) <= _WHOLE_SIDES * side:
        return pixels, box
    x0, y0, x1, y1 = box
    middle_x, middle_y = (x0 + x1) / 2, (y0 + y1) / 2
    left, top = max(0, int(middle_x - reach)), max(0, int(middle_y - reach))
    right, bottom = min(width, int(middle_x + reach)), min(height, int(middle_y + reach))
    part = np.ascontiguousarray(pixels[top:bottom, left:right])
    return part, (x0 - left, y0 - top, x1 - left, y1 - top)
