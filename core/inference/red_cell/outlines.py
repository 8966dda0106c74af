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

from core.inference.red_cell.ground import CELLS_BELOW, DENSITIES, GROUND_VALUE, Grey, even
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
_STAIRS: Final = 0.95
"""A digital outline of a circle is longer than the circle by this factor."""
_RIM_QUANTILE: Final = 0.75
"""The rim is as dark as the upper quarter of the cell's pixels."""


@dataclass(frozen=True)
class Outlined:
    """One cell: ``crop`` is ``(40, 40)`` uint8 grey, all but the cell painted as ground.

    ``area``, ``perimeter`` are in pixels of the copy and 0 where no outline was found; ``pallor``
    is in [0, 1], ``density`` the mean over the cell, ``rim`` that of its dark part. ``solidity`` is
    the share of the convex hull that the cell fills, ``elongation`` the longer side of its smallest
    rectangle over the shorter.
    """

    crop: Grey
    area: float = 0.0
    perimeter: float = 0.0
    pallor: float = 0.0
    density: float = 0.0
    rim: float = 0.0
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
    # A frame half a window wide, so that every window lies inside.
    frame = [_WINDOW // 2] * 4
    evened = cv2.copyMakeBorder(even(resized), *frame, cv2.BORDER_CONSTANT, value=[GROUND_VALUE])
    at = np.array(boxes, np.float32).reshape(-1, 4) * zoom + _WINDOW / 2
    near = _neighbours(at, wanted)
    return [_outlined(evened.astype(np.uint8), at, i, near[i]) for i in wanted]


def _neighbours(boxes: Boxes, wanted: Sequence[int]) -> dict[int, list[int]]:
    """For each wanted box the others that its grown box meets."""
    grown = _BEYOND_BOX * (boxes[:, 2:] - boxes[:, :2]) / 2
    middle = (boxes[:, 2:] + boxes[:, :2]) / 2
    near = {}
    for i in wanted:
        meets = (np.abs(middle - middle[i]) < grown + grown[i]).all(axis=1)
        near[i] = [int(j) for j in np.flatnonzero(meets) if j != i]
    return near


def _outlined(field: Grey, boxes: Boxes, index: int, near: list[int]) -> Outlined:
    x0, y0, x1, y1 = boxes[index].tolist()
    left, top = round((x0 + x1) / 2 - _WINDOW / 2), round((y0 + y1) / 2 - _WINDOW / 2)
    # A box outside of the field has no window; clip so that the slices keep their size.
    rows, columns = field.shape
    left, top = min(max(left, 0), columns - _WINDOW), min(max(top, 0), rows - _WINDOW)
    grey = field[top : top + _WINDOW, left : left + _WINDOW]
    reach = _reach(boxes[index], left, top)
    mine = reach < _BEYOND_BOX**2
    own = (grey < CELLS_BELOW) & mine
    for other in near:
        own &= reach <= _reach(boxes[other], left, top)
    contour = _contour(own.view(np.uint8))
    if contour is None:
        return Outlined(_crop(grey, mine.view(np.uint8)))
    mask = np.zeros((_WINDOW, _WINDOW), np.uint8)
    cv2.drawContours(mask, [contour], -1, (1,), cv2.FILLED)
    area, rim, pallor, density = _depth(grey[mask.view(bool)])
    # The outline runs through the middles of pixels: half a pixel is missing all round.
    perimeter = _STAIRS * cv2.arcLength(contour, closed=True) + math.pi
    inside, hull = cv2.contourArea(contour), cv2.contourArea(cv2.convexHull(contour))
    sides = sorted(cv2.minAreaRect(contour)[1])
    return Outlined(
        _crop(grey, mask),
        area=area,
        perimeter=perimeter,
        pallor=pallor,
        density=density,
        rim=rim,
        solidity=min(1.0, inside / hull) if hull else 1.0,
        elongation=(sides[1] + 1) / (sides[0] + 1),
    )


def _depth(values: Grey) -> tuple[float, float, float, float]:
    """Area, density of the rim, share that is paler than half of it, mean density."""
    counts = np.bincount(values, minlength=256)
    running = np.cumsum(counts)
    area = int(running[-1])
    # The darkest values come first.
    rim = float(DENSITIES[int(np.searchsorted(running, (1 - _RIM_QUANTILE) * area))])
    pale = int(counts[rim / 2 > DENSITIES].sum())
    return float(area), rim, pale / area, float(counts @ DENSITIES) / area


_AXIS: Final = np.arange(_WINDOW, dtype=np.float32)


def _reach(box: npt.NDArray[np.float32], left: int, top: int) -> npt.NDArray[np.float32]:
    """Squared distance from the box's middle; 1 on an ellipse a little beyond its sides.

    The corners of a box belong to the cell too.
    """
    x0, y0, x1, y1 = box.tolist()
    across, down = (0.55 * max(1.0, side) for side in (x1 - x0, y1 - y0))
    x = np.square((_AXIS - ((x0 + x1) / 2 - left)) / across)
    y = np.square((_AXIS - ((y0 + y1) / 2 - top)) / down)
    return np.add(y[:, None], x[None], dtype=np.float32)


def _contour(own: Mask) -> npt.NDArray[np.int32] | None:
    """Outer contour of the largest piece; None where none is as large as a cell."""
    contours, _ = cv2.findContours(own, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    best = max(contours, key=cv2.contourArea, default=None)
    if best is None or cv2.contourArea(best) < _LEAST_AREA:
        return None
    return best.astype(np.int32)


def _crop(grey: Grey, mask: Mask) -> Grey:
    alone = np.where(mask.view(bool), grey, np.uint8(GROUND_VALUE))
    size = (INPUT_PX, INPUT_PX)
    return cv2.resize(alone, size, interpolation=cv2.INTER_AREA).astype(np.uint8)
