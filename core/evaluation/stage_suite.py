"""The stages of immature granulocytes on PBC's test part, beside the most frequent one."""

from collections.abc import Sequence

import numpy as np

from core.datasets.public import pbc
from core.datasets.public.pbc import LabelledCell
from core.inference.white_cell.classify import call_crops
from core.inference.white_cell.features import answers_of
from core.inference.white_cell.stages import STAGED_CLASS, STAGES, stages_of
from core.inference.white_cell.uncertainty import uncertainty_of
from core.models.cards.white_cell_figures import StageFigures
from core.models.weights import LoadedModel
from core.records import RgbImage
from core.statistics.classes import accuracy_row, majority_accuracy


def evaluate_stages(
    cells: Sequence[LabelledCell], crops: Sequence[RgbImage], model: LoadedModel
) -> StageFigures:
    """Figures of the cells whose file names their stage; empty where no head was fitted.

    Args:
        cells: PBC cells that nothing was fitted on.
        crops: of each, as the classifier reads it.
        model: the white-cell classifier.
    """
    uncertainty = uncertainty_of(model)
    staged = [(crop, stage) for cell, crop in zip(cells, crops, strict=True)
              if (stage := pbc.stage_of(cell))]  # fmt: skip
    if uncertainty is None or uncertainty.card.stages is None or not staged:
        return {}
    truth = [stage for _, stage in staged]
    read = [crop for crop, _ in staged]
    calls = call_crops(read, model)
    rows = stages_of(answers_of(read, model).features, uncertainty)
    likeliest = [max(row, key=lambda name: row[name]) for row in rows]
    strict = np.array(likeliest) == np.array(truth)
    parent = np.array([call.label == STAGED_CLASS for call in calls])
    named = np.array([bool(call.stage) for call in calls])
    return {
        "strict": accuracy_row(strict),
        "parent": accuracy_row(parent),
        "both": accuracy_row(strict & parent),
        "named": accuracy_row(named),
        "strict_where_named": accuracy_row(strict[named]),
        "of_stage": {stage: accuracy_row(strict[np.array(truth) == stage]) for stage in STAGES},
        "majority_baseline": majority_accuracy(truth),
    }
