"""The locator's training targets: heatmaps, boxes, and masks of what is not judged."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.models.locator import STRIDE
from core.taxonomy import KINDS

Array = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Targets:
    """Targets of one picture of ``(h, w)`` grid cells.

    ``heat`` ``(3, h, w)`` in [0, 1]; ``boxes`` ``(4, h, w)`` input pixels and their ``weight``
    ``(h, w)``, 0 where no box is learnt; ``known`` ``(3, h, w)`` 0 where the heat loss is masked.
    """

    heat: Array
    boxes: Array
    weight: Array
    known: Array


def draw_targets(
    boxes: Array,
    kinds: npt.NDArray[np.int64],
    ignored: npt.NDArray[np.bool_],
    height: int,
    width: int,
) -> Targets:
    """Targets of one picture.

    Args:
        boxes: ``(N, 4)`` in input pixels, inside the picture.
        kinds: ``(N,)`` indices into ``KINDS``.
        ignored: ``(N,)``; True for cells with only a sliver left, which add nothing to the loss.
        height: input pixels, a multiple of the stride.
        width: the same.
    """
    h, w = height // STRIDE, width // STRIDE
    heat = np.zeros((len(KINDS), h, w), np.float32)
    target = np.zeros((4, h, w), np.float32)
    weight = np.zeros((h, w), np.float32)
    known = np.ones((len(KINDS), h, w), np.float32)
    ys = ((np.arange(h) + 0.5) * STRIDE).astype(np.float32)
    xs = ((np.arange(w) + 0.5) * STRIDE).astype(np.float32)

    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    # Large cells first, so that a small cell on top of one overwrites its sides.
    for i in np.argsort(-areas):
        x0, y0, x1, y1 = boxes[i]
        if ignored[i]:
            rows = (ys >= y0 - STRIDE) & (ys <= y1 + STRIDE)
            columns = (xs >= x0 - STRIDE) & (xs <= x1 + STRIDE)
            known[kinds[i]][np.ix_(rows, columns)] = 0
            continue
        row = min(int((y0 + y1) / 2 / STRIDE), h - 1)
        column = min(int((x0 + x1) / 2 / STRIDE), w - 1)
        sigma_y, sigma_x = max((y1 - y0) * 0.09, 2.0), max((x1 - x0) * 0.09, 2.0)
        gauss = np.exp(
            -((ys[:, None] - ys[row]) ** 2) / (2 * sigma_y**2)
            - ((xs[None] - xs[column]) ** 2) / (2 * sigma_x**2)
        )
        heat[kinds[i]] = np.maximum(heat[kinds[i]], gauss)
        near = gauss > 0.3
        target[:, near] = boxes[i][:, None]
        # The logarithm of the area keeps large cells from outweighing small ones (TTFNet).
        share = np.log(max(areas[i], np.e)) / gauss[near].sum()
        weight[near] = gauss[near] * share
    return Targets(heat, target, weight, np.maximum(known, heat == 1).astype(np.float32))
