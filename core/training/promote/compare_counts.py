"""Two models that count on a locked set of fields, each field through the product's own path."""

from dataclasses import replace

import numpy as np

from core.datasets.fields import read_rgb
from core.datasets.intake.fields import CountedField
from core.inference.smear import analyse
from core.models.registry import Task
from core.models.smear_models import SmearModels
from core.models.weights import LoadedModel
from core.records import CellCounts, Field, Method
from core.statistics.counts import constant_predictor
from core.statistics.paired import paired_errors
from core.taxonomy import KINDS
from core.training.promote.evidence import OnFields, PromotionRefused, Report
from core.training.promote.locked_sets import LockedSet


def on_fields(
    locked: LockedSet[CountedField],
    task: Task,
    live: SmearModels,
    challenger: LoadedModel,
    report: Report = lambda words, done, total: None,
) -> OnFields:
    """The live model of ``task``, ``locator`` or ``counts``, and its challenger on a locked set.

    Raises:
        PromotionRefused: if the set is empty.
    """
    fields = locked.items
    if not fields:
        raise PromotionRefused(f"the test set {locked.title} is empty")
    truth = np.stack([field.counts() for field in fields]).astype(float)
    predicted: list[list[CellCounts]] = []
    with_challenger = (
        replace(live, locator=challenger) if task == "locator" else replace(live, counts=challenger)
    )
    for who, models in (("live model", live), ("challenger", with_challenger)):
        counts: list[CellCounts] = []
        for field in fields:
            done = len(predicted) * len(fields) + len(counts)
            report(f"the {who} counts", done, 2 * len(fields))
            picture = Field(field.path.name, read_rgb(field.path), "")
            counts.append(_counts(picture, models, task))
        predicted.append(counts)
    errors = [np.abs(_values(counts) - truth) for counts in predicted]
    return OnFields(
        title=locked.title,
        sha256=locked.sha256,
        errors=paired_errors(errors[0].sum(axis=1), errors[1].sum(axis=1)),
        kinds={
            kind: paired_errors(errors[0][:, i], errors[1][:, i]) for i, kind in enumerate(KINDS)
        },
        constant=float(np.abs(constant_predictor(truth) - truth).sum(axis=1).mean()),
        covered=(_covered(predicted[0], truth), _covered(predicted[1], truth)),
    )


def _counts(picture: Field, models: SmearModels, task: Task) -> CellCounts:
    method: Method = "locator" if task == "locator" else "regression"
    return analyse(picture, models, method=method).counts


def _values(counts: list[CellCounts]) -> np.ndarray:
    return np.array([[one.of(kind).value for kind in KINDS] for one in counts])


def _covered(counts: list[CellCounts], truth: np.ndarray) -> float:
    inside = [
        one.of(kind).low <= true <= one.of(kind).high
        for one, row in zip(counts, truth, strict=True)
        for kind, true in zip(KINDS, row, strict=True)
    ]
    return float(np.mean(inside))
