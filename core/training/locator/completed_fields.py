"""Fields of DeepBioNet to learn from, their missing annotations completed by a locator.

About one red cell in ten has no box there, and red-cell boxes are a little small and of nearly
constant size; platelets are under-marked in some fields. Learnt from as they are, they would teach
the locator to miss cells at edges and in clumps.
"""

from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from core.datasets.fields import LabelledField, read_rgb
from core.datasets.public import deepbionet_fields
from core.inference.locate.locator import locate
from core.inference.locate.peaks import box_iou
from core.models.cards import LocatorCard
from core.models.weights import LoadedModel
from core.taxonomy import KINDS
from core.training.job import start_model

_RBC: Final = KINDS.index("rbc")
_SAME_CELL: Final = 0.3
_DOUBTFUL_FROM: Final = 0.2
"""Score from which a candidate without an annotation may be a cell that nobody marked."""


def parts(data: Path) -> list[list[LabelledField]]:
    """DeepBioNet's fields as annotated: to learn from, to choose on, to test.

    Raises:
        FileNotFoundError: if ``data`` lacks the set.
    """
    rows = deepbionet_fields.load(data / "deepbionet_fields")
    return [
        [row.field for row in part]
        for part in deepbionet_fields.runs(rows, deepbionet_fields.LOCATOR_SHARES)
    ]


def completed_training_fields(data: Path, folder: Path) -> list[LabelledField]:
    """The fields to learn from, completed by the locator that was live when the run began.

    Its copy in the run's ``folder`` completes them again when the run resumes, so that a promotion
    in between does not change what is learnt.

    Raises:
        FileNotFoundError: if ``data`` lacks the set.
    """
    fields = parts(data)[0]
    locator = start_model("locator", "live", folder)
    assert locator is not None
    return [complete(field, locator) for field in fields]


def complete(field: LabelledField, locator: LoadedModel) -> LabelledField:
    """The field with the cells that its annotation missed.

    - A red cell that ``locator`` finds and nobody marked is added; a marked one takes the
      locator's box, whose size follows the cell.
    - Elsewhere, what ``locator`` considers possible and nobody marked becomes doubtful: other red
      cells, platelets and white cells.
    """
    peaks = locate(read_rgb(field.path), locator).peaks
    boxes, kinds = field.boxes_xyxy_px.copy(), field.kinds
    added: list[npt.NDArray[np.float32]] = []
    doubtful: list[tuple[npt.NDArray[np.float32], int]] = []
    free = np.ones(len(kinds), bool)
    threshold = locator.card_as(LocatorCard).thresholds["rbc"]
    for box, score, kind in zip(peaks.boxes_xyxy, peaks.scores, peaks.kinds, strict=True):
        overlap = box_iou(box[None], boxes)[0] if len(boxes) else np.zeros(0)
        same = np.flatnonzero((kinds == kind) & (overlap >= _SAME_CELL))
        if len(same):
            nearest = same[overlap[same].argmax()]
            if kind == _RBC and free[nearest] and score >= threshold:
                boxes[nearest], free[nearest] = box, False
        elif kind == _RBC and score >= threshold:
            added.append(box)
        elif score >= _DOUBTFUL_FROM:
            doubtful.append((box, int(kind)))
    return LabelledField(
        field.path,
        np.concatenate([boxes, np.array(added, np.float32).reshape(-1, 4)]),
        np.concatenate([kinds, np.full(len(added), _RBC)]),
        np.array([box for box, _ in doubtful], np.float32).reshape(-1, 4),
        np.array([kind for _, kind in doubtful], np.int64),
    )
