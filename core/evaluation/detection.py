"""Average precision of located cells, a measure of the boxes themselves."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from core.inference.locate.peaks import Peaks, box_iou
from core.taxonomy import KINDS

Boxes = npt.NDArray[np.floating]
_RECALLS = np.linspace(0, 1, 101)


def average_precision(
    predicted: Sequence[tuple[Boxes, npt.NDArray[np.floating]]],
    truth: Sequence[Boxes],
    min_iou: float = 0.5,
) -> float | None:
    """Average precision of one kind over all fields.

    Args:
        predicted: per field, boxes ``(N, 4)`` and scores ``(N,)``.
        truth: per field, labelled boxes ``(M, 4)``.
        min_iou: overlap at which a box is right; each labelled box is found once.

    Returns:
        Mean of the interpolated precision at 101 recalls, in [0, 1]; None without labelled boxes.

    Raises:
        ValueError: if there are not as many fields on both sides.

    Source: Lin et al. 2014, COCO (there 101 recalls and the best unmatched box at each step).
    """
    if len(predicted) != len(truth):
        raise ValueError(f"{len(predicted)} fields found, {len(truth)} labelled")
    labelled = sum(map(len, truth))
    if not labelled:
        return None
    scores = np.concatenate([s for _, s in predicted])
    right = np.concatenate(
        [matches(b, s, t, min_iou) for (b, s), t in zip(predicted, truth, strict=True)]
    )
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(right[order])
    precision = hits / np.arange(1, len(hits) + 1)
    recall = hits / labelled
    # The precision at a recall is the best at that recall or a higher one.
    best = np.maximum.accumulate(precision[::-1])[::-1]
    places = np.searchsorted(recall, _RECALLS, side="left")
    return float(np.where(places < len(best), np.append(best, 0.0)[places], 0.0).mean())


def matches(
    boxes: Boxes, scores: npt.NDArray[np.floating], truth: Boxes, min_iou: float
) -> npt.NDArray[np.bool_]:
    """Which boxes found a labelled one, ``(N,)``; the best scores choose first."""
    right = np.zeros(len(boxes), bool)
    if not len(boxes) or not len(truth):
        return right
    overlap = box_iou(boxes, truth)
    free = np.ones(len(truth), bool)
    for place in np.argsort(-scores, kind="stable"):
        candidates = np.where(free, overlap[place], -1.0)
        best = int(candidates.argmax())
        if candidates[best] >= min_iou:
            right[place], free[best] = True, False
    return right


def map50(
    predicted: Sequence[Peaks], truth: Sequence[tuple[Boxes, npt.NDArray[np.integer]]]
) -> dict[str, float | None]:
    """Average precision at an overlap of 0.5 for each kind, and their mean (``map50``).

    Args:
        predicted: per field, every candidate cell, not cut at a threshold.
        truth: per field, labelled boxes and their kinds.
    """
    rows: dict[str, float | None] = {}
    for place, kind in enumerate(KINDS):
        rows[kind] = average_precision(
            [(p.boxes_xyxy[p.kinds == place], p.scores[p.kinds == place]) for p in predicted],
            [boxes[kinds == place] for boxes, kinds in truth],
        )
    known = [value for value in rows.values() if value is not None]
    return {**rows, "map50": float(np.mean(known)) if known else None}
