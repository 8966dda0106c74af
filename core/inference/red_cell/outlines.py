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
_CORE: Final = 0.5
"""A pixel belongs to the cell whose core it is nearest to: the inner half of its box."""
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
    is in [0, 1], ``density`` the mean over the cell, ``rim`` that of its dark part.
    """

    crop: Grey
    area: float = 0.0
    perimeter: float = 0.0
    pallor: float = 0.0
    density: float = 0.0
    rim: float = 0.0
    contour: npt.NDArray[np.int32] | None = None

    @property
    def roundness(self) -> float:
        """4 pi area / perimeter², at most 1; 0 without an outline."""
        if not self.perimeter:
            return 0.0
        return min(1.0, 4 * math.pi * self.area / self.perimeter**2)

    @property
    def solidity(self) -> float:
        """Share of its convex hull that the cell fills, in [0, 1]."""
        if self.contour is None:
            return 1.0
        hull = cv2.contourArea(cv2.convexHull(self.contour))
        return min(1.0, cv2.contourArea(self.contour) / hull) if hull else 1.0

    @property
    def elongation(self) -> float:
        """Longer side of its smallest rectangle over the shorter, at least 1."""
        if self.contour is None:
            return 1.0
        shorter, longer = sorted(cv2.minAreaRect(self.contour)[1])
        return float((longer + 1) / (shorter + 1))


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
    frame = _WINDOW // 2
    evened = cv2.copyMakeBorder(
        even(resized), frame, frame, frame, frame, cv2.BORDER_CONSTANT, value=[GROUND_VALUE]
    )
    at = np.array(boxes, np.float32).reshape(-1, 4) * zoom + _WINDOW / 2
    whose = _nearest(at, evened.shape[:2])
    return [_outlined(evened.astype(np.uint8, copy=False), whose, at[i]) for i in wanted]


def _nearest(boxes: Boxes, shape: tuple[int, ...]) -> npt.NDArray[np.int32]:
    """For every pixel the number of the cell it is nearest to, counted from the cell's core."""
    cores = np.full(shape, 255, np.uint8)
    for x0, y0, x1, y1 in boxes.tolist():
        middle = (round((x0 + x1) / 2), round((y0 + y1) / 2))
        halves = (max(1, round(_CORE * (x1 - x0) / 2)), max(1, round(_CORE * (y1 - y0) / 2)))
        cv2.ellipse(cores, middle, halves, 0, 0, 360, (0,), cv2.FILLED)
    _, labels = cv2.distanceTransformWithLabels(
        cores, cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_CCOMP
    )
    return np.asarray(labels, np.int32)


def _outlined(field: Grey, whose: npt.NDArray[np.int32], box: npt.NDArray[np.float32]) -> Outlined:
    x0, y0, x1, y1 = box.tolist()
    left, top = round((x0 + x1) / 2 - _WINDOW / 2), round((y0 + y1) / 2 - _WINDOW / 2)
    # A box outside of the field has no window; clip so that the slices keep their size.
    rows, columns = field.shape
    left, top = min(max(left, 0), columns - _WINDOW), min(max(top, 0), rows - _WINDOW)
    window = slice(top, top + _WINDOW), slice(left, left + _WINDOW)
    grey, near = field[window], whose[window]
    mine = _reach(x0 - left, y0 - top, x1 - left, y1 - top) < _BEYOND_BOX**2
    middle = near[_clipped((y0 + y1) / 2 - top), _clipped((x0 + x1) / 2 - left)]
    own = (grey < CELLS_BELOW) & mine & (near == middle)
    contour = _contour(own.view(np.uint8))
    if contour is None:
        return Outlined(_crop(np.where(mine, grey, np.uint8(GROUND_VALUE))))
    # Nothing is paler than the ground, so the paler of field and fence is the cell alone.
    fence = np.full((_WINDOW, _WINDOW), GROUND_VALUE, np.uint8)
    cv2.drawContours(fence, [contour], -1, (0,), cv2.FILLED)
    alone = np.maximum(grey, fence)
    area = _WINDOW**2 - cv2.countNonZero(fence)
    rim, pallor, density = _depth(alone, area)
    return Outlined(
        _crop(alone),
        area=float(area),
        # The outline runs through the middles of pixels: half a pixel is missing all round.
        perimeter=_STAIRS * cv2.arcLength(contour, closed=True) + math.pi,
        pallor=pallor,
        density=density,
        rim=rim,
        contour=contour,
    )


def _clipped(place: float) -> int:
    return min(max(round(place), 0), _WINDOW - 1)


def _depth(alone: Grey, area: int) -> tuple[float, float, float]:
    """Density of the rim, share that is paler than half of it, mean density."""
    counts = np.bincount(alone.ravel(), minlength=256)
    counts[GROUND_VALUE] -= alone.size - area
    running = np.cumsum(counts)
    # The darkest values come first.
    rim = float(DENSITIES[int(running.searchsorted((1 - _RIM_QUANTILE) * area))])
    pale = area - int(running[int(_PALEST_FIRST.searchsorted(-rim / 2, side="right")) - 1])
    return rim, pale / area, float(counts @ DENSITIES) / area


_PALEST_FIRST: Final = -DENSITIES
"""Rises with the value of a pixel."""
_AXIS: Final = np.arange(_WINDOW, dtype=np.float32)


def _reach(x0: float, y0: float, x1: float, y1: float) -> npt.NDArray[np.float32]:
    """Squared distance from a box's middle; 1 on an ellipse a little beyond its sides.

    The corners of a box belong to the cell too.
    """
    across, down = (0.55 * max(1.0, side) for side in (x1 - x0, y1 - y0))
    x = np.square((_AXIS - np.float32((x0 + x1) / 2)) / np.float32(across))
    y = np.square((_AXIS - np.float32((y0 + y1) / 2)) / np.float32(down))
    return np.asarray(y[:, None] + x)


def _contour(own: Mask) -> npt.NDArray[np.int32] | None:
    """Outer contour of the largest piece; None where none is as large as a cell."""
    contours, _ = cv2.findContours(own, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    best = max(contours, key=cv2.contourArea, default=None)
    if best is None or cv2.contourArea(best) < _LEAST_AREA:
        return None
    return best.astype(np.int32, copy=False)


def _crop(alone: Grey) -> Grey:
    size = (INPUT_PX, INPUT_PX)
    return cv2.resize(alone, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
