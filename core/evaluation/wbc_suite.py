"""The white-cell classifier on test data of its own laboratory and of two others."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from core.datasets.fields import read_rgb
from core.datasets.public import munich, other_labs, pbc
from core.datasets.public.munich import MunichCell
from core.datasets.public.pbc import LabelledCell
from core.evaluation import paper_wbc_report
from core.evaluation.attribute_suite import evaluate_attributes
from core.evaluation.novelty_suite import evaluate_novelty
from core.evaluation.stage_suite import evaluate_stages
from core.inference.white_cell.classify import call_crops
from core.inference.white_cell.framing import largest_white_cell, single_cell_crop
from core.inference.white_cell.hierarchy import CHILDREN
from core.models.cards import WhiteCellCard
from core.models.cards.white_cell_figures import (
    Behaviour,
    Blasts,
    InFields,
    InLaboratory,
    WhiteCellEvaluation,
)
from core.models.weights import LoadedModel
from core.records import Field, RgbImage, WbcCall
from core.statistics.calibration import expected_calibration_error
from core.statistics.classes import accuracy_row, confusion, majority_accuracy, report
from core.statistics.figures import ClassRow
from core.taxonomy import is_critical, parent_of

_NOVELTY_CELLS = 400


def evaluate_wbc(data: Path, locator: LoadedModel, model: LoadedModel) -> WhiteCellEvaluation:
    """Measure every figure in the classifier's card, through the product's own path.

    Raises:
        FileNotFoundError: if a set is missing.
    """
    test = pbc.split(pbc.load(data / "pbc"))[2]
    inside = [_single(cell, locator) for cell in test]
    other, other_crops = _in_fields(other_labs.deepbionet(data / "wbc_other_lab"), locator, model)
    cbc, cbc_crops = _in_fields(other_labs.cbc_test_cells(data), locator, model)
    usual = [crop for cell, crop in zip(test, inside, strict=True) if not cell.odd_background][
        :_NOVELTY_CELLS
    ]
    figures: WhiteCellEvaluation = {
        "pbc_test": _in_laboratory(test, inside, model),
        "other_laboratory": other,
        "cbc_test_fields": cbc,
    }
    # Parts whose data are not here are left out.
    if blasts := _blasts(data, locator, model):
        figures["blasts"] = blasts
    if stages := evaluate_stages(test, inside, model):
        figures["stages"] = stages
    if novelty := evaluate_novelty(data, locator, model, usual, [*other_crops, *cbc_crops]):
        figures["novelty"] = novelty
    if attributes := evaluate_attributes(data, model, frozenset(c.path.name for c in test)):
        figures["attributes"] = attributes
    return figures


def _single(cell: LabelledCell | MunichCell, locator: LoadedModel) -> RgbImage:
    """A single-cell picture as the classifier sees it."""
    return single_cell_crop(Field(cell.path.name, read_rgb(cell.path), ""), locator)[0]


def _in_laboratory(
    test: Sequence[LabelledCell], crops: Sequence[RgbImage], model: LoadedModel
) -> InLaboratory:
    calls = call_crops(crops, model)
    truth = [cell.label or "neutrophil" for cell in test]
    usual = [not cell.odd_background for cell in test]
    eight_true, eight_predicted = [_eight(t) for t in truth], [_eight(call.label) for call in calls]
    eight = np.array(eight_true) == np.array(eight_predicted)
    # Strict scores leave out the neutrophils whose subtype nobody wrote down.
    known = [i for i, cell in enumerate(test) if cell.label]
    strict_true, strict_predicted = [truth[i] for i in known], [calls[i].label for i in known]
    nuclei = [i for i in known if _eight(truth[i]) == "neutrophil"]
    classes = sorted(set(eight_true) | set(eight_predicted))
    fine = sorted(set(strict_true) | set(strict_predicted))
    labels = np.array([list(calls[0].probabilities).index(truth[i]) for i in known])
    probabilities = np.array([list(calls[i].probabilities.values()) for i in known])
    strict = [t == p for t, p in zip(strict_true, strict_predicted, strict=True)]
    eight_report = report(eight_true, eight_predicted, classes)
    return {
        "eight_class_accuracy": accuracy_row(eight),
        "eight_class_accuracy_usual_background": accuracy_row(eight[usual]),
        "eight_class_accuracy_odd_background": accuracy_row(eight[~np.array(usual)]),
        "eight_class_macro_f1": _macro_f1(eight_report),
        "majority_baseline": majority_accuracy(eight_true),
        "strict_accuracy": accuracy_row(strict),
        "strict_macro_f1": _macro_f1(report(strict_true, strict_predicted, fine)),
        "band_or_segmented_strict": accuracy_row([truth[i] == calls[i].label for i in nuclei]),
        "band_or_segmented_together": accuracy_row(
            [_eight(calls[i].label) == "neutrophil" for i in nuclei]
        ),
        **_behaviour(truth, calls),
        "expected_calibration_error": expected_calibration_error(probabilities, labels),
        "expected_calibration_error_n": len(known),
        "set_coverage": accuracy_row([truth[i] in calls[i].prediction_set for i in known]),
        "wide_set_coverage": accuracy_row([truth[i] in calls[i].could_be for i in known]),
        "report": eight_report,
        "strict_report": report(strict_true, strict_predicted, fine),
        "published_side_by_side": paper_wbc_report.side_by_side(eight_report),
        "published_accuracy": paper_wbc_report.ACCURACY,
        "classes": fine,
        "confusion": confusion(strict_true, strict_predicted, fine).tolist(),
    }


def _in_fields(
    cells: Sequence[LabelledCell], locator: LoadedModel, model: LoadedModel
) -> tuple[InFields, list[RgbImage]]:
    """End to end: locate a field's white cells, classify the largest, compare by parent class."""
    largest = [
        largest_white_cell(Field(cell.path.name, read_rgb(cell.path), ""), locator)
        for cell in cells
    ]
    crops = [crop for crop in largest if crop is not None]
    answers = iter(call_crops(crops, model))
    calls = [None if crop is None else next(answers) for crop in largest]
    truth = [str(cell.label) for cell in cells]
    predicted = [_eight(call.label) if call else "not_found" for call in calls]
    right = np.array(truth) == np.array(predicted)
    pairs = [(t, call) for t, call in zip(truth, calls, strict=True) if call]
    named, answered = [t for t, _ in pairs], [call for _, call in pairs]
    classes = sorted(set(truth) | set(predicted))
    table = report(truth, predicted, classes)
    recalls = [row["recall"] for row in table.values() if row["recall"] is not None]
    figures: InFields = {
        "accuracy": accuracy_row(right),
        "balanced_accuracy": float(np.mean(recalls)),
        "macro_f1_of_classes_present": _macro_f1({k: v for k, v in table.items() if v["n"]}),
        "majority_baseline": majority_accuracy(truth),
        "white_cell_not_found": len(cells) - len(crops),
        **_behaviour(named, answered),
        "expected_calibration_error": _parent_calibration(named, answered),
        "expected_calibration_error_n": len(pairs),
        "set_coverage": accuracy_row([_holds(call.prediction_set, t) for t, call in pairs]),
        "wide_set_coverage": accuracy_row([_holds(call.could_be, t) for t, call in pairs]),
        "report": table,
        "classes": classes,
        "confusion": confusion(truth, predicted, classes).tolist(),
    }
    return figures, crops


def _behaviour(truth: Sequence[str], calls: Sequence[WbcCall]) -> Behaviour:
    """What the limits do to these cells: abstention, back-off, sizes of sets, the critical rule."""
    abstained = np.array([call.abstained for call in calls])
    right = np.array(
        [_eight(t) == _eight(call.label) for t, call in zip(truth, calls, strict=True)]
    )
    flagged = np.array([any(f.code == "critical_cell" for f in call.flags) for call in calls])
    critical = np.array([is_critical(t) for t in truth])
    return {
        "abstained": float(abstained.mean()),
        "abstained_interval": accuracy_row(abstained),
        "accuracy_where_not_abstained": accuracy_row(right[~abstained]),
        "called_novel": accuracy_row(
            [any(f.code == "novel_cell" for f in call.flags) for call in calls]
        ),
        "unfamiliar": accuracy_row([call.unfamiliar for call in calls]),
        "backed_off_to_parent": accuracy_row(
            [call.reported_as not in ("", call.label) for call in calls]
        ),
        "set_empty": accuracy_row([not call.prediction_set for call in calls]),
        "wide_set_mean_size": float(np.mean([len(call.could_be) for call in calls])),
        "critical_sensitivity": accuracy_row(flagged[critical]),
        "critical_false_flag_rate": accuracy_row(flagged[~critical]),
    }


def _blasts(data: Path, locator: LoadedModel, model: LoadedModel) -> Blasts:
    """Munich's blasts: low evidence, since they are few, of one laboratory, and may be learnt."""
    try:
        cells = [c for c in munich.load(data / "wbc_munich_support") if c.label == "blast"]
    except FileNotFoundError:
        return {}
    calls = call_crops([_single(cell, locator) for cell in cells], model)
    flagged = [any(f.code == "critical_cell" for f in call.flags) for call in calls]
    return {
        "evidence": "low",
        "known_to_the_model": "blast" in model.card_as(WhiteCellCard).classes,
        "called_blast": accuracy_row([call.label == "blast" for call in calls]),
        "flagged_critical": accuracy_row(flagged),
        "note": "ten support cells of one laboratory (AML-Cytomorphology LMU); where the model "
        "knows blasts it was trained on them, so this is no test",
    }


def _macro_f1(table: dict[str, ClassRow]) -> float:
    return float(np.mean([row["f1"] or 0.0 for row in table.values()]))


def _holds(labels: Sequence[str], truth: str) -> bool:
    """Whether a set contains the class; where only a parent is known, any of its children."""
    return any(name == truth or name in CHILDREN.get(truth, ()) for name in labels)


def _parent_calibration(truth: Sequence[str], calls: Sequence[WbcCall]) -> float:
    """Calibration error of the eight classes: neutrophils' probabilities are added."""
    if not calls:
        return float("nan")
    names = list(dict.fromkeys(_eight(name) for name in calls[0].probabilities))
    names += [t for t in dict.fromkeys(truth) if t not in names]
    rows: npt.NDArray[np.float64] = np.zeros((len(calls), len(names)))
    for row, call in zip(rows, calls, strict=True):
        for name, share in call.probabilities.items():
            row[names.index(_eight(name))] += share
    return expected_calibration_error(rows, np.array([names.index(t) for t in truth]))


def _eight(label: str) -> str:
    """Neutrophils together, every other class as it is."""
    return "neutrophil" if parent_of(label) == "neutrophil" else label
