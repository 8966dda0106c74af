"""Decode the palm detector's raw output into palm boxes.

Source: MediaPipe's palm detection graph: anchors at strides 8, 16, 16, 16 with two each, boxes
and seven points relative to them, weighted non-maximum suppression (Bazarevsky 2019).
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from core.models.hand import PALM_PX, Networks
from core.records import RgbImage

Points = npt.NDArray[np.float32]

_GRIDS: Final = ((24, 2), (12, 6))  # cells a side, anchors a cell
_MIN_SCORE: Final = 0.4
_SAME_IOU: Final = 0.3
WRIST: Final = 0
MIDDLE_FINGER: Final = 2
"""Among the detector's seven points."""


@dataclass(frozen=True)
class PalmBox:
    """A detected palm, in pixels of the photo.

    ``points`` is ``(7, 2)``: wrist, roots of index, middle, ring and little finger, root and
    middle of the thumb.
    """

    score: float
    centre: Points
    size: Points
    points: Points


@lru_cache(maxsize=1)
def anchors() -> Points:
    """Centres of the 2,016 anchors in [0, 1], ``(2016, 2)``, x first."""
    layers = []
    for side, each in _GRIDS:
        rows, columns = np.mgrid[:side, :side]
        centres = np.stack([(columns + 0.5) / side, (rows + 0.5) / side], axis=-1).reshape(-1, 2)
        layers.append(np.repeat(centres, each, axis=0))
    return np.concatenate(layers).astype(np.float32)


def find_palms(pixels: RgbImage, nets: Networks) -> list[PalmBox]:
    """Every detected palm, highest score first."""
    height, width = pixels.shape[:2]
    side = max(height, width)
    size = (max(1, round(width * PALM_PX / side)), max(1, round(height * PALM_PX / side)))
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    left, top = (PALM_PX - size[0]) // 2, (PALM_PX - size[1]) // 2
    square = np.zeros((PALM_PX, PALM_PX, 3), np.float32)
    square[top : top + size[1], left : left + size[0]] = small / np.float32(255)
    raw, logits = nets.detect(square)
    scores = np.asarray(1 / (1 + np.exp(-np.clip(logits, -80, 80))), np.float32)
    likely = scores > _MIN_SCORE
    raw, scores, base = raw[likely] / np.float32(PALM_PX), scores[likely], anchors()[likely]
    centres, sizes = raw[:, :2] + base, raw[:, 2:4]
    points = raw[:, 4:].reshape(-1, 7, 2) + base[:, None]
    offset = np.array([left, top], np.float32) / PALM_PX
    return [
        PalmBox(
            float(scores[group].max()),
            (_mean(centres[group], scores[group]) - offset) * side,
            _mean(sizes[group], scores[group]) * side,
            (_mean(points[group], scores[group]) - offset) * side,
        )
        for group in same_palm(centres, sizes, scores)
    ]


def same_palm(
    centres: Points, sizes: Points, scores: npt.NDArray[np.float32]
) -> list[npt.NDArray[np.int64]]:
    """Group overlapping boxes, one group of indices for each palm, highest score first.

    A box belongs to the best one it overlaps by more than an IoU of 0.3.
    """
    corners = np.concatenate([centres - sizes / 2, centres + sizes / 2], axis=1)
    areas = sizes.prod(axis=1)
    free = np.ones(len(scores), bool)
    groups = []
    for best in np.argsort(-scores, kind="stable"):
        if not free[best]:
            continue
        low = np.maximum(corners[:, :2], corners[best, :2])
        high = np.minimum(corners[:, 2:], corners[best, 2:])
        shared = np.clip(high - low, 0, None).prod(axis=1)
        overlap = shared / np.maximum(areas + areas[best] - shared, 1e-9)
        group = np.flatnonzero(free & (overlap > _SAME_IOU))
        group = np.union1d(group, [best])
        free[group] = False
        groups.append(group)
    return groups


def _mean(values: Points, weights: npt.NDArray[np.float32]) -> Points:
    return np.asarray(np.tensordot(weights / weights.sum(), values, axes=1), np.float32)
