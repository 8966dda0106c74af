"""The outline of each red cell of a field, its measures, and the crop the network reads.

All is done on one copy of the field in which a red cell is :data:`DIAMETER_PX` wide.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from core.inference.red_cell.ground import GROUND_VALUE, EvenField, even
from core.models.red_cell import CROP_RBC_DIAMETERS, INPUT_PX
from core.records import Box, RgbImage

Mask = npt.NDArray[np.uint8]
Boxes = npt.NDArray[np.float32]

DIAMETER_PX: Final = 2 * INPUT_PX / CROP_RBC_DIAMETERS
"""Diameter of a usual red cell in the copy: twice that in the crop."""
_WINDOW: Final = 2 * INPUT_PX
_BEYOND_BOX: Final = 1.12
"""An outline may leave its box by this factor."""
_LEAST_AREA: Final = 0.1 * math.pi / 4 * DIAMETER_PX**2
"""What is smaller is no cell."""
_RIM_QUANTILE: Final = 0.75
"""The rim is as dark as the upper quarter of the cell's pixels."""


@dataclass(frozen=True)
class Outlined:
    """One cell: ``crop`` is ``(40, 40, 3)`` uint8, all but the cell painted as ground.

    ``area``, ``perimeter`` are in pixels of the copy and 0 where no outline was found; ``pallor``
    is in [0, 1], ``density`` the mean over the cell. ``solidity`` is the share of the convex hull
    that the cell fills, ``elongation`` the longer side of its smallest rectangle over the shorter.
    """

    crop: RgbImage
    area: float = 0.0
    perimeter: float = 0.0
    pallor: float = 0.0
    density: float = 0.0
    solidity: float = 1.0
    elongation: float = 1.0

    @property
    def roundness(self) -> float:
        """4 pi area / perimeter², at most 1; 0 without an outline."""
        if not self.perimeter:
            return 0.0
        return min(1.0, 4 * math.pi * self.area / self.perimeter**2)


def outline(
    pixels: RgbImage,
    boxes: Sequence[Box],
    wanted: Sequence[int],
    rbc_diameter_px: float,
) -> list[Outlined]:
    """The cells of the boxes ``wanted``, in their order.

    Args:
        pixels: the field, ``(H, W, 3)`` RGB.
        boxes: of all cells of the field, also of other kinds: a pixel goes to the nearest cell.
        wanted: which of them to outline.
        rbc_diameter_px: of the field's red cells, in its pixels.
    """
    zoom = DIAMETER_PX / rbc_diameter_px
    height, width = (max(1, round(side * zoom)) for side in pixels.shape[:2])
    interpolation = cv2.INTER_AREA if zoom < 1 else cv2.INTER_LINEAR
    resized = cv2.resize(pixels, (width, height), interpolation=interpolation).astype(np.uint8)
    evened = _framed(even(resized))
    # In the frame's coordinates.
    at = np.array(boxes, np.float32).reshape(-1, 4) * zoom + _WINDOW / 2
    near = _neighbours(at)
    return [_outlined(evened, at, i, near[i]) for i in wanted]


def _framed(field: EvenField) -> EvenField:
    """The field in a frame of ground, half a window wide, so that every window lies inside."""
    wide = [_WINDOW // 2] * 4
    return EvenField(
        cv2.copyMakeBorder(
            field.pixels, *wide, cv2.BORDER_CONSTANT, value=[GROUND_VALUE] * 3
        ).astype(np.uint8),
        cv2.copyMakeBorder(field.density, *wide, cv2.BORDER_CONSTANT, value=[0.0]).astype(
            np.float32
        ),
        cv2.copyMakeBorder(field.cells, *wide, cv2.BORDER_CONSTANT, value=[0]).astype(np.uint8),
    )


def _neighbours(boxes: Boxes) -> list[list[int]]:
    """For each box the others that its grown box meets."""
    grown = _BEYOND_BOX * (boxes[:, 2:] - boxes[:, :2]) / 2
    middle = (boxes[:, 2:] + boxes[:, :2]) / 2
    apart = np.abs(middle[:, None] - middle[None])
    meets = (apart < grown[:, None] + grown[None]).all(axis=2)
    np.fill_diagonal(meets, False)
    return [np.flatnonzero(row).tolist() for row in meets]


def _outlined(field: EvenField, boxes: Boxes, index: int, near: list[int]) -> Outlined:
    x0, y0, x1, y1 = boxes[index].tolist()
    left, top = round((x0 + x1) / 2 - _WINDOW / 2), round((y0 + y1) / 2 - _WINDOW / 2)
    # A box outside of the field has no window; clip so that the slices keep their size.
    rows, columns = field.density.shape
    left, top = min(max(left, 0), columns - _WINDOW), min(max(top, 0), rows - _WINDOW)
    window = slice(top, top + _WINDOW), slice(left, left + _WINDOW)
    moved = boxes - np.array([left, top, left, top], np.float32)
    mine = _reach(moved[index], _BEYOND_BOX)
    own: Mask = field.cells[window] * (mine < 1)
    for other in near:
        own = own * (mine <= _reach(moved[other]))
    contour = _contour(own, moved[index])
    pixels = field.pixels[window]
    if contour is None:
        return Outlined(_crop(pixels, (mine < 1).astype(np.uint8)))
    mask = np.zeros_like(own)
    cv2.drawContours(mask, [contour], -1, (1,), cv2.FILLED)
    inside = field.density[window][mask.astype(bool)]
    rim = float(np.partition(inside, int(_RIM_QUANTILE * len(inside)))[int(0.75 * len(inside))])
    # A pixel's outline runs through the middles of pixels: half a pixel is missing all round.
    perimeter = 0.95 * cv2.arcLength(contour, closed=True) + math.pi
    hull = cv2.contourArea(cv2.convexHull(contour))
    sides = sorted(cv2.minAreaRect(contour)[1])
    return Outlined(
        _crop(pixels, mask),
        area=float(len(inside)),
        perimeter=perimeter,
        pallor=float((inside < rim / 2).mean()),
        density=float(inside.mean()),
        solidity=min(1.0, cv2.contourArea(contour) / hull) if hull else 1.0,
        elongation=(sides[1] + 1) / (sides[0] + 1),
    )


_ROWS, _COLUMNS = np.ogrid[0:_WINDOW, 0:_WINDOW]


def _reach(box: npt.NDArray[np.float32], factor: float = 1.0) -> npt.NDArray[np.float32]:
    """Squared distance from the box's middle, 1 on the ellipse ``factor`` times as large.

    Corners of a box belong to the cell too, so the ellipse is larger than the one inside the box.
    """
    x0, y0, x1, y1 = box.tolist()
    across, down = (factor * 0.55 * max(1.0, side) for side in (x1 - x0, y1 - y0))
    x = ((_COLUMNS - (x0 + x1) / 2) / across) ** 2
    y = ((_ROWS - (y0 + y1) / 2) / down) ** 2
    return (x + y).astype(np.float32)


def _contour(own: Mask, box: npt.NDArray[np.float32]) -> npt.NDArray[np.int32] | None:
    """Outer contour of the largest piece; None where none is as large as a cell."""
    contours, _ = cv2.findContours(own, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    best = max(contours, key=cv2.contourArea, default=None)
    if best is None or cv2.contourArea(best) < _LEAST_AREA:
        return None
    return best.astype(np.int32)


def _crop(pixels: RgbImage, mask: Mask) -> RgbImage:
    alone = np.where(mask[..., None].astype(bool), pixels, np.uint8(GROUND_VALUE))
    size = (INPUT_PX, INPUT_PX)
    return cv2.resize(alone, size, interpolation=cv2.INTER_AREA).astype(np.uint8)
