"""Locating cells in a field of any size: the scale comes from the red cells themselves."""

import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from core.inference.locate.peaks import Peaks, find_peaks
from core.models.engine import as_batch, engine_for
from core.models.locator import RBC_DIAMETER_PX
from core.models.weights import LoadedModel
from core.records import RgbImage
from core.taxonomy import KINDS

_RBC = KINDS.index("rbc")
_FIRST_AREA = 320 * 240
"""Network pixels of the first look, right for a camera field at a 100x objective."""

_CLOSE_ENOUGH = math.log(1.15)
_PLAUSIBLE = (math.log(0.7), math.log(1.4))
_LADDER = tuple(1.6**step for step in range(-2, 8))
_TILE, _MARGIN = 960, 96


@dataclass(frozen=True)
class Located:
    """Candidates in field pixels, ``rbc_diameter_px`` (None where no red cell gave it)."""

    peaks: Peaks
    rbc_diameter_px: float | None


def locate(pixels: RgbImage, model: LoadedModel) -> Located:
    """Every candidate cell of a field, before thresholds.

    The field is resized so that its red cells are as large as those the network learnt from. Where
    the first look does not find red cells of a plausible size, a ladder of scales is tried on the
    middle of the field, and the one that finds most red cells of the right size is taken.
    """
    thresholds = np.array([model.card["thresholds"][kind] for kind in KINDS], np.float32)
    height, width = pixels.shape[:2]
    scale = math.sqrt(_FIRST_AREA / (height * width))
    peaks = _look(pixels, scale, model)
    ratio = _size_ratio(peaks.above(thresholds), scale, width, height)
    if ratio is None or not _PLAUSIBLE[0] < ratio < _PLAUSIBLE[1]:
        climbed = _climb(pixels, scale, model, thresholds)
        if climbed is None:
            return Located(_resized(peaks, 1 / scale), None)
        scale = climbed
        peaks = _look(pixels, scale, model)
        ratio = _size_ratio(peaks.above(thresholds), scale, width, height) or 0.0
    if abs(ratio) > _CLOSE_ENOUGH:
        scale *= math.exp(-ratio)
        peaks = _look(pixels, scale, model)
        ratio = _size_ratio(peaks.above(thresholds), scale, width, height) or 0.0
    return Located(_resized(peaks, 1 / scale), RBC_DIAMETER_PX * math.exp(ratio) / scale)


def candidates_at(pixels: RgbImage, scale: float, model: LoadedModel) -> Peaks:
    """Candidates of one look at a picture enlarged by ``scale``, in pixels of the picture."""
    return _resized(_look(pixels, scale, model), 1 / scale)


def _climb(
    pixels: RgbImage, first: float, model: LoadedModel, thresholds: npt.NDArray[np.float32]
) -> float | None:
    """The scale at which the middle of the field shows most red cells of the right size."""
    height, width = pixels.shape[:2]
    best: tuple[float, float] | None = None
    for step in _LADDER:
        scale = first * step
        if scale > 2.5 or max(height, width) * scale < 64:
            continue
        side = 480 / scale
        top, left = max(0, round((height - side) / 2)), max(0, round((width - side) / 2))
        middle = np.ascontiguousarray(pixels[top : height - top, left : width - left])
        found = _look(middle, scale, model).above(thresholds)
        ratio = _size_ratio(found, scale, middle.shape[1], middle.shape[0])
        if ratio is None or not _PLAUSIBLE[0] < ratio < _PLAUSIBLE[1]:
            continue
        # Share of the looked-at area covered by red cells of the right size.
        worth = (
            float(found.scores[found.kinds == _RBC].sum())
            / (middle.size * scale**2)
            * math.exp(-abs(ratio))
        )
        if best is None or worth > best[0]:
            best = (worth, scale * math.exp(-ratio))
    return None if best is None else best[1]


def _size_ratio(peaks: Peaks, scale: float, width: int, height: int) -> float | None:
    """Log ratio of the whole red cells' median size to the network's; None below three cells."""
    boxes = peaks.boxes_xyxy[peaks.kinds == _RBC]
    limit = np.array([width, height]) * scale - 4
    whole = (boxes[:, :2] > 4).all(1) & (boxes[:, 2:] < limit).all(1)
    sides = boxes[whole, 2:] - boxes[whole, :2]
    if len(sides) < 3:
        return None
    return float(np.median(np.log(np.sqrt(sides.prod(1)) / RBC_DIAMETER_PX)))


def _look(pixels: RgbImage, scale: float, model: LoadedModel) -> Peaks:
    """Candidates of one look at ``scale``, in scaled pixels."""
    height, width = pixels.shape[:2]
    h, w = (max(64, 8 * round(side * scale / 8)) for side in (height, width))
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    resized = cv2.resize(pixels, (w, h), interpolation=interpolation).astype(np.uint8)
    heat, sides = _maps(resized, model)
    peaks = find_peaks(heat, sides, max_iou=float(model.card.get("max_iou", 0.6)))
    # Rounding to multiples of eight stretches a little; boxes go back to the exact scale.
    fit = np.array([width * scale / w, height * scale / h] * 2, np.float32)
    return Peaks(peaks.boxes_xyxy * fit, peaks.scores, peaks.kinds)


def _maps(
    resized: RgbImage, model: LoadedModel
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Probabilities ``(3, h, w)`` and sides ``(4, h, w)``; tile by tile, so memory stays flat."""
    engine = engine_for(model)
    height, width = resized.shape[:2]
    heat = np.empty((len(KINDS), height // 4, width // 4), np.float32)
    sides = np.empty((4, height // 4, width // 4), np.float32)
    for top, row0, row1, bottom in _spans(height):
        for left, column0, column1, right in _spans(width):
            logits, reach = engine(as_batch([resized[top:bottom, left:right]]))
            inner = np.s_[
                :,
                (row0 - top) // 4 : (row1 - top) // 4,
                (column0 - left) // 4 : (column1 - left) // 4,
            ]
            outer = np.s_[:, row0 // 4 : row1 // 4, column0 // 4 : column1 // 4]
            heat[outer] = 1 / (1 + np.exp(-logits[0][inner]))
            sides[outer] = reach[0][inner]
    return heat, sides


def _spans(length: int) -> list[tuple[int, int, int, int]]:
    """Tiles along one side: start with margin, start, end, end with margin; multiples of eight."""
    if length <= _TILE + 2 * _MARGIN:
        return [(0, 0, length, length)]
    starts = list(range(0, length, _TILE))
    return [
        (max(0, a - _MARGIN), a, min(length, a + _TILE), min(length, a + _TILE + _MARGIN))
        for a in starts
    ]


def _resized(peaks: Peaks, factor: float) -> Peaks:
    return Peaks((peaks.boxes_xyxy * factor).astype(np.float32), peaks.scores, peaks.kinds)
