"""Locate cells in a field of any size; the scale is estimated from its red cells."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from core.inference.locate.peaks import Peaks, find_peaks
from core.inference.locate.tiles import tiles
from core.models.cards import LocatorCard
from core.models.engine import as_batch, engine_for
from core.models.locator import RBC_DIAMETER_PX, STRIDE
from core.models.weights import LoadedModel
from core.records import RgbImage
from core.taxonomy import KINDS

_RBC = KINDS.index("rbc")
_FIRST_AREA = 320 * 240
"""Pixels of the field at the first pass, right for a camera field at a 100x objective."""

_CLOSE_ENOUGH = math.log(1.15)
_PLAUSIBLE = (math.log(0.7), math.log(1.4))
_LADDERS = (range(1, 8), range(0, -3, -1))
"""Steps of 1.6 from the first look: towards smaller cells first, as in a wide view."""
_LADDER_SIDES = (256, 512)
"""Network pixels a side of the part that is looked at on each step: five red cells across. Where
that part shows no red cell, as between sparse cells, the larger one is tried."""


@dataclass(frozen=True)
class Located:
    """Candidates in field pixels; ``rbc_diameter_px`` is None if no red cells were found."""

    peaks: Peaks
    rbc_diameter_px: float | None


def thresholds_of(locator: LoadedModel) -> npt.NDArray[np.float32]:
    """The least score of a cell in the order of ``KINDS``, ``(3,)``, in [0, 1].

    Raises:
        WeightsRefused: if the model is no locator.
    """
    thresholds = locator.card_as(LocatorCard).thresholds
    return np.array([thresholds[kind] for kind in KINDS], np.float32)


def locate(pixels: RgbImage, model: LoadedModel) -> Located:
    """Every candidate cell of a field, before thresholds.

    The field is resized so that its red cells are as large as in training. If the first pass finds
    no red cells of a plausible size, a ladder of scales is tried on the middle of the field, and
    the scale with the most red cells of the right size is used.

    Args:
        pixels: ``(H, W, 3)`` RGB.
        model: the locator.
    """
    thresholds = thresholds_of(model)
    height, width = pixels.shape[:2]
    scale = math.sqrt(_FIRST_AREA / (height * width))
    peaks = _pass_at(pixels, scale, model)
    ratio = _size_ratio(peaks.above(thresholds), scale, width, height)
    if ratio is None or not _PLAUSIBLE[0] < ratio < _PLAUSIBLE[1]:
        climbed = _climb(pixels, scale, model, thresholds)
        if climbed is None:
            return Located(_resized(peaks, 1 / scale), None)
        scale = climbed
        peaks = _pass_at(pixels, scale, model)
        ratio = _size_ratio(peaks.above(thresholds), scale, width, height) or 0.0
    if abs(ratio) > _CLOSE_ENOUGH:
        scale *= math.exp(-ratio)
        peaks = _pass_at(pixels, scale, model)
        ratio = _size_ratio(peaks.above(thresholds), scale, width, height) or 0.0
    return Located(_resized(peaks, 1 / scale), RBC_DIAMETER_PX * math.exp(ratio) / scale)


def _climb(
    pixels: RgbImage, first: float, model: LoadedModel, thresholds: npt.NDArray[np.float32]
) -> float | None:
    """The scale at which the middle of the field has the most red cells of the right size."""
    for side, steps in itertools.product(_LADDER_SIDES, _LADDERS):
        scales = [first * 1.6**step for step in steps]
        scale = _climb_on(pixels, scales, model, thresholds, side)
        if scale is not None:
            return scale
    return None


def _climb_on(
    pixels: RgbImage,
    scales: Sequence[float],
    model: LoadedModel,
    thresholds: npt.NDArray[np.float32],
    looked_at_px: int,
) -> float | None:
    """The best of ``scales``, on a part of at most ``looked_at_px`` network pixels a side."""
    height, width = pixels.shape[:2]
    best: tuple[float, float] | None = None
    for scale in scales:
        if scale > 2.5 or max(height, width) * scale < 64:
            continue
        side = looked_at_px / scale
        top, left = max(0, round((height - side) / 2)), max(0, round((width - side) / 2))
        middle = np.ascontiguousarray(pixels[top : height - top, left : width - left])
        found = _pass_at(middle, scale, model).above(thresholds)
        ratio = _size_ratio(found, scale, middle.shape[1], middle.shape[0])
        if ratio is None or not _PLAUSIBLE[0] < ratio < _PLAUSIBLE[1]:
            continue
        # Summed scores of the red cells for the area searched, less if their size is off.
        value = (
            float(found.scores[found.kinds == _RBC].sum())
            / (middle.size * scale**2)
            * math.exp(-abs(ratio))
        )
        if best is None or value > best[0]:
            best = (value, scale * math.exp(-ratio))
    return None if best is None else best[1]


def _size_ratio(peaks: Peaks, scale: float, width: int, height: int) -> float | None:
    """Log ratio of the uncut red cells' median size to the network's; None below three cells."""
    boxes = peaks.boxes_xyxy[peaks.kinds == _RBC]
    limit = np.array([width, height]) * scale - 4
    uncut = (boxes[:, :2] > 4).all(1) & (boxes[:, 2:] < limit).all(1)
    sides = boxes[uncut, 2:] - boxes[uncut, :2]
    if len(sides) < 3:
        return None
    return float(np.median(np.log(np.sqrt(sides.prod(1)) / RBC_DIAMETER_PX)))


def _pass_at(pixels: RgbImage, scale: float, model: LoadedModel) -> Peaks:
    """Candidates of one pass at ``scale``, in scaled pixels."""
    height, width = pixels.shape[:2]
    h, w = (max(64, 8 * round(side * scale / 8)) for side in (height, width))
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    resized = cv2.resize(pixels, (w, h), interpolation=interpolation).astype(np.uint8)
    heat, sides = _maps(resized, model)
    peaks = find_peaks(heat, sides, max_iou=model.card_as(LocatorCard).max_iou)
    # Rounding to multiples of eight changed the aspect a little; undo that in the boxes.
    fit = np.array([width * scale / w, height * scale / h] * 2, np.float32)
    return Peaks(peaks.boxes_xyxy * fit, peaks.scores, peaks.kinds)


def _maps(
    resized: RgbImage, model: LoadedModel
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Probabilities ``(3, h, w)`` and sides ``(4, h, w)``, tile by tile to bound memory."""
    engine = engine_for(model)
    height, width = resized.shape[:2]
    heat = np.empty((len(KINDS), height // STRIDE, width // STRIDE), np.float32)
    sides = np.empty((4, height // STRIDE, width // STRIDE), np.float32)
    for tile in tiles(height, width, multiple=8, margin=32, longest=800):
        logits, reach = engine(as_batch([np.ascontiguousarray(resized[tile.read])]))
        inner, outer = tile.kept(STRIDE), tile.place(STRIDE)
        heat[:, *outer] = 1 / (1 + np.exp(-logits[0][:, *inner]))
        sides[:, *outer] = reach[0][:, *inner]
    return heat, sides


def _resized(peaks: Peaks, factor: float) -> Peaks:
    return Peaks((peaks.boxes_xyxy * factor).astype(np.float32), peaks.scores, peaks.kinds)
