"""The locator's boxes on fields of another laboratory, at the thresholds of its card."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from core.datasets.fields import LabelledField, read_rgb
from core.datasets.public import deepbionet_fields
from core.evaluation.detection import matches
from core.inference.locate.locator import locate, thresholds_of
from core.models.cards.figures import BoxesElsewhere, FoundCells
from core.models.weights import LoadedModel
from core.statistics.classes import accuracy_row
from core.taxonomy import KINDS

MIN_IOU: Final = 0.3
"""Boxes of DeepBioNet's platelets are drawn wide or narrow, so half an overlap asks too much."""


def evaluate_deepbionet(data: Path, locator: LoadedModel) -> BoxesElsewhere | None:
    """Recall and precision on DeepBioNet's held-out fields; None where the set is not there."""
    try:
        rows = deepbionet_fields.load(data / "deepbionet_fields")
    except FileNotFoundError:
        return None
    test = deepbionet_fields.runs(rows, deepbionet_fields.LOCATOR_SHARES)[2]
    return boxes_elsewhere([row.field for row in test], locator)


def boxes_elsewhere(fields: Sequence[LabelledField], locator: LoadedModel) -> BoxesElsewhere:
    """Found against annotated cells of ``fields``, by kind."""
    thresholds = thresholds_of(locator)
    found: dict[str, list[bool]] = {kind: [] for kind in KINDS}
    annotated: dict[str, int] = dict.fromkeys(KINDS, 0)
    for field in fields:
        peaks = locate(read_rgb(field.path), locator).peaks.above(thresholds)
        for place, kind in enumerate(KINDS):
            own = peaks.take(peaks.kinds == place)
            truth = field.boxes_xyxy_px[field.kinds == place]
            found[kind] += matches(own.boxes_xyxy, own.scores, truth, MIN_IOU).tolist()
            annotated[kind] += len(truth)
    rbc, wbc, platelet = (_figures(found[kind], annotated[kind]) for kind in KINDS)
    return {
        "fields": len(fields),
        "min_iou": MIN_IOU,
        "rbc": rbc,
        "wbc": wbc,
        "platelet": platelet,
    }


def _figures(right: Sequence[bool], annotated: int) -> FoundCells:
    recalled = np.arange(annotated) < sum(right)
    return {"recall": accuracy_row(recalled), "precision": accuracy_row(right)}
