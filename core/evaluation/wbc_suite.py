"""The white-cell classifier on data nothing was tuned on, in its laboratory and in two others."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from core.datasets import other_labs, pbc
from core.datasets.fields import read_rgb
from core.datasets.pbc import LabelledCell
from core.evaluation.calibration import expected_calibration_error
from core.evaluation.classes import accuracy_row, confusion, majority_accuracy, report
from core.inference.smear import analyse
from core.inference.wbc import call_crops, single_cell_crop
from core.models import registry
from core.records import Field, WbcCall
from core.taxonomy import parent_of


def evaluate_wbc(data: Path) -> dict[str, Any]:
    """Every figure of the classifier's card, measured now through the product's own path.

    Raises:
        FileNotFoundError: if a set is missing.
    """
    test = pbc.split(pbc.load(data / "pbc"))[2]
    return {
        "pbc_test": _in_laboratory(test),
        "other_laboratory": _in_fields(other_labs.deepbionet(data / "wbc_other_lab")),
        "cbc_test_fields": _in_fields(other_labs.cbc_test_cells(data)),
    }


def _in_laboratory(test: Sequence[LabelledCell]) -> dict[str, Any]:
    crops = [single_cell_crop(Field(cell.path.name, read_rgb(cell.path), ""))[0] for cell in test]
    calls = call_crops(crops, registry.live("wbc"))
    truth = [cell.label or "neutrophil" for cell in test]
    usual = [not cell.odd_background for cell in test]
    eight_true, eight_said = [_eight(t) for t in truth], [_eight(call.label) for call in calls]
    eight = np.array(eight_true) == np.array(eight_said)
    # Strict scores leave out the neutrophils whose subtype nobody wrote down.
    known = [i for i, cell in enumerate(test) if cell.label]
    strict_true, strict_said = [truth[i] for i in known], [calls[i].label for i in known]
    nuclei = [i for i in known if _eight(truth[i]) == "neutrophil"]
    classes = sorted(set(eight_true) | set(eight_said))
    fine = sorted(set(strict_true) | set(strict_said))
    labels = np.array([list(calls[0].probabilities).index(truth[i]) for i in known])
    said = np.array([list(calls[i].probabilities.values()) for i in known])
    return {
        "eight_class_accuracy": accuracy_row(eight),
        "eight_class_accuracy_usual_background": accuracy_row(eight[usual]),
        "eight_class_accuracy_odd_background": accuracy_row(eight[~np.array(usual)]),
        "majority_baseline": majority_accuracy(eight_true),
        "strict_accuracy": accuracy_row(
            [t == s for t, s in zip(strict_true, strict_said, strict=True)]
        ),
        "band_or_segmented_strict": accuracy_row([truth[i] == calls[i].label for i in nuclei]),
        "band_or_segmented_together": accuracy_row(
            [_eight(calls[i].label) == "neutrophil" for i in nuclei]
        ),
        "abstained": float(np.mean([call.abstained for call in calls])),
        "expected_calibration_error": expected_calibration_error(said, labels),
        "set_coverage": accuracy_row([truth[i] in calls[i].prediction_set for i in known]),
        "report": report(eight_true, eight_said, classes),
        "classes": fine,
        "confusion": confusion(strict_true, strict_said, fine).tolist(),
    }


def _in_fields(cells: Sequence[LabelledCell]) -> dict[str, Any]:
    """End to end: locate a field's white cells, classify the largest, compare by parent class."""
    truth, said, missed, abstained = [], [], 0, 0
    for cell in cells:
        call = _main_call(Field(cell.path.name, read_rgb(cell.path), ""))
        missed += call is None
        abstained += bool(call and call.abstained)
        truth.append(str(cell.label))
        said.append(_eight(call.label) if call else "not_found")
    classes = sorted(set(truth) | set(said))
    return {
        "accuracy": accuracy_row(np.array(truth) == np.array(said)),
        "majority_baseline": majority_accuracy(truth),
        "white_cell_not_found": missed,
        "abstained": abstained / len(cells),
        "report": report(truth, said, classes),
    }


def _main_call(field: Field) -> WbcCall | None:
    white = analyse(field).cells_of("wbc")
    return max(white, key=lambda cell: cell.width_px * cell.height_px).wbc if white else None


def _eight(label: str) -> str:
    """Neutrophils together, every other class as it is."""
    return "neutrophil" if parent_of(label) == "neutrophil" else label
