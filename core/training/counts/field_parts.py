"""Parts of wide fields as counting examples: as large as a camera field at the network's scale.

A field with 60 to 100 cells does not fit the canvas of the density counter's examples. Made smaller
it would teach another scale than an answer reads. Its boxes say how many cells each part holds.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from core.datasets.fields import LabelledField, read_rgb
from core.models.locator import RBC_DIAMETER_PX
from core.taxonomy import KINDS
from core.training.counts.density_data import CANVAS, ScaledField
from core.training.locator.data import rbc_diameter

_VISIBLE_SHARE: Final = 0.3
"""A cell of which less is left at the cut is not counted: nobody would have drawn its box."""


def field_parts(fields: Sequence[LabelledField], each: int, seed: int) -> list[ScaledField]:
    """``each`` random parts of every field; a field that fits the canvas is one part whole.

    A part with a doubtful place in it (see `LabelledField`) has no certain count, so another is
    drawn; a field may end with fewer parts after eight tries for each.
    """
    parts = []
    for number, field in enumerate(fields):
        rng = np.random.default_rng((seed, number))
        height, width = read_rgb(field.path).shape[:2]
        diameter = rbc_diameter(field, width, height)
        zoom = diameter / RBC_DIAMETER_PX
        size = (min(width, int(CANVAS[0] * zoom)), min(height, int(CANVAS[1] * zoom)))
        found = 0
        for _ in range(8 * each):
            if found == each:
                break
            x0 = int(rng.integers(width - size[0] + 1))
            y0 = int(rng.integers(height - size[1] + 1))
            window = (x0, y0, x0 + size[0], y0 + size[1])
            if _visible(field.doubtful_boxes_xyxy_px, window).any():
                continue
            kinds = field.kinds[_visible(field.boxes_xyxy_px, window)]
            cells = np.bincount(kinds, minlength=len(KINDS)).astype(np.int64)
            parts.append(ScaledField(field.path, cells, diameter, window))
            found += 1
    return parts


def _visible(
    boxes: npt.NDArray[np.float32], window: tuple[int, int, int, int]
) -> npt.NDArray[np.bool_]:
    """Which boxes ``(N, 4)`` have at least the share of ``_VISIBLE_SHARE`` in the window."""
    low = np.maximum(boxes[:, :2], np.array(window[:2], np.float32))
    high = np.minimum(boxes[:, 2:], np.array(window[2:], np.float32))
    inside = np.clip(high - low, 0, None).prod(axis=1)
    area = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    return np.asarray(inside >= _VISIBLE_SHARE * np.maximum(area, 1e-6))
