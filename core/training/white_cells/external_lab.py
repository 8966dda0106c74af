"""A classifier against every labelled cell of a laboratory that it has not learnt from.

The result is what an installation meets in a laboratory of its own. The locator, which cuts the
cells out, has seen fields of CBC and TXL-PBC; it names no classes.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Final, TypedDict

import numpy as np

from core.inference.white_cell.classify import call_crops
from core.inference.white_cell.hierarchy import CHILDREN
from core.models.cards import WhiteCellCard
from core.models.weights import LoadedModel
from core.records import WbcCall
from core.slide.foreign_laboratory import Word, judge_laboratory
from core.statistics.calibration import expected_calibration_error
from core.statistics.classes import accuracy_row, majority_accuracy, report
from core.statistics.figures import ClassRow, Measured
from core.taxonomy import parent_of
from core.training.white_cells.cell_examples import centre_crop
from core.training.white_cells.foreign_cells import frames_of, laboratories_of
from core.training.white_cells.laboratories import (
    COMMON_CLASSES,
    LABORATORY_TITLES,
    all_cells,
    balanced_accuracy,
)

_RESAMPLES: Final = 2000


def refuse_if_learnt(model: LoadedModel, laboratory: str) -> None:
    """Raises ValueError if ``model`` has learnt from ``laboratory``."""
    if laboratory in laboratories_of(model):
        raise ValueError(
            f"{model.identity} has learnt from {laboratory}, so neither it nor a training that "
            "begins with it leaves that laboratory out; a model that learnt from PBC alone does"
        )


class BalancedAccuracy(TypedDict):
    """Mean recall of the ``classes`` that are there, with its 95 % interval, on ``n`` cells."""

    value: float
    low: float
    high: float
    n: int
    classes: int


class ExternalFigures(TypedDict):
    """A classifier on a laboratory that it did not learn from."""

    laboratory: str
    model: str
    learnt_from: list[str] | None
    balanced_accuracy: BalancedAccuracy
    accuracy: Measured
    balanced_baseline: float
    majority_baseline: float
    judged: Word
    unfamiliar: Measured
    white_cell_not_found: int
    kept: Measured
    accuracy_where_kept: Measured
    expected_calibration_error: float
    set_coverage: Measured
    set_mean_size: float
    wide_set_coverage: Measured
    report: dict[str, ClassRow]


def evaluate_external(
    model: LoadedModel, locator: LoadedModel, data: Path, laboratory: str
) -> ExternalFigures:
    """Accuracy, calibration, sets and abstention on every labelled cell of a laboratory.

    The cells are taken as one laboratory's, as the product takes those of a case. Cells that were
    not found in their picture count as wrong. Only cells of the five common classes are judged.

    Raises:
        FileNotFoundError: if the set is missing.
        ValueError: if the model has learnt from that laboratory.
    """
    refuse_if_learnt(model, laboratory)
    cells = all_cells(data, laboratory)
    frames, located = frames_of(f"{laboratory}-all", cells, locator)
    common = [i for i, cell in enumerate(cells) if parent_of(cell.label) in COMMON_CLASSES]
    truth = [parent_of(cells[i].label) for i in common]
    cut = [i for i in common if located[i]]
    found = call_crops([centre_crop(frames[i]) for i in cut], model)
    judged = judge_laboratory(found)
    found = [judged.as_judged(call) for call in found]
    calls = dict(zip(cut, found, strict=True))
    predicted = [parent_of(calls[i].label) if i in calls else "not_found" for i in common]
    answered = [(t, calls[i]) for t, i in zip(truth, common, strict=True) if i in calls]
    right = [t == parent_of(call.label) for t, call in answered]
    kept = [not call.abstained for _, call in answered]
    low, high = _balanced_interval(truth, predicted)
    learnt_from = model.card_as(WhiteCellCard).data.laboratories
    return {
        "laboratory": LABORATORY_TITLES[laboratory],
        "model": model.identity,
        "learnt_from": None if learnt_from is None else list(learnt_from),
        "balanced_accuracy": {
            "value": balanced_accuracy(truth, predicted),
            "low": low,
            "high": high,
            "n": len(truth),
            "classes": len(set(truth)),
        },
        "accuracy": accuracy_row([t == p for t, p in zip(truth, predicted, strict=True)]),
        "balanced_baseline": 1 / len(set(truth)),
        "majority_baseline": majority_accuracy(truth),
        "judged": judged.word,
        "unfamiliar": accuracy_row([call.unfamiliar for call in found]),
        "white_cell_not_found": len(common) - len(cut),
        "kept": accuracy_row(kept),
        "accuracy_where_kept": accuracy_row([r for r, k in zip(right, kept, strict=True) if k]),
        "expected_calibration_error": _calibration_error(answered),
        "set_coverage": accuracy_row([_holds(call.prediction_set, t) for t, call in answered]),
        "set_mean_size": float(np.mean([len(call.prediction_set) for _, call in answered])),
        "wide_set_coverage": accuracy_row([_holds(call.could_be, t) for t, call in answered]),
        "report": report(truth, predicted, sorted({*truth, *predicted})),
    }


def _balanced_interval(truth: Sequence[str], predicted: Sequence[str]) -> tuple[float, float]:
    """95 % interval by resampling the cells within each class."""
    rng = np.random.default_rng(0)
    right = np.array([t == p for t, p in zip(truth, predicted, strict=True)])
    names = np.array(truth)
    resampled = [
        rng.binomial(int((names == name).sum()), right[names == name].mean(), _RESAMPLES)
        / (names == name).sum()
        for name in sorted(set(truth))
    ]
    low, high = np.quantile(np.mean(resampled, axis=0), (0.025, 0.975))
    return float(low), float(high)


def _holds(labels: Sequence[str], truth: str) -> bool:
    return any(name == truth or name in CHILDREN.get(truth, ()) for name in labels)


def _calibration_error(answered: Sequence[tuple[str, WbcCall]]) -> float:
    """Over parent classes: the probabilities of their children are added."""
    if not answered:
        return math.nan
    names = list(dict.fromkeys(parent_of(name) for name in answered[0][1].probabilities))
    rows = np.zeros((len(answered), len(names)))
    for row, (_, call) in zip(rows, answered, strict=True):
        for name, share in call.probabilities.items():
            row[names.index(parent_of(name))] += share
    return expected_calibration_error(rows, np.array([names.index(t) for t, _ in answered]))
