"""Two models that count on a locked set of fields, each field through the product's own path."""

from pathlib import Path

import numpy as np

from core.datasets.fields import read_rgb
from core.evaluation.counts import constant_predictor
from core.evaluation.paired import paired_errors
from core.inference.smear import analyse
from core.models import registry
from core.models.weights import LoadedModel
from core.records import CellCounts, Field
from core.taxonomy import KINDS
from core.training import locked_sets
from core.training.evidence import OnFields, PromotionRefused


def on_fields(
    file: Path, task: registry.Task, champion: LoadedModel, challenger: LoadedModel
) -> OnFields:
    """Both models on the locked set in a file; ``task`` is ``locator`` or ``counts``.

    Raises:
        PromotionRefused: if the set is empty.
        TestSetBroken: if its pictures were changed.
        WeightsRefused: if another model of the product's path is missing.
    """
    name, fields, sha256 = locked_sets.read_fields(file)
    if not fields:
        raise PromotionRefused(f"the test set {name} is empty")
    pictures = [Field(field.path.name, read_rgb(field.path), "") for field in fields]
    truth = np.stack([field.counts() for field in fields]).astype(float)
    said = []
    for model in (champion, challenger):
        with registry.answering({task: model}):
            said.append([_counts(picture, task) for picture in pictures])
    errors = [np.abs(_values(counts) - truth) for counts in said]
    return OnFields(
        title=name,
        sha256=sha256,
        errors=paired_errors(errors[0].sum(axis=1), errors[1].sum(axis=1)),
        kinds={
            kind: paired_errors(errors[0][:, i], errors[1][:, i]) for i, kind in enumerate(KINDS)
        },
        constant=float(np.abs(constant_predictor(truth) - truth).sum(axis=1).mean()),
        covered=(_covered(said[0], truth), _covered(said[1], truth)),
    )


def _counts(picture: Field, task: registry.Task) -> CellCounts:
    return analyse(picture, method="locator" if task == "locator" else "regression").counts


def _values(counts: list[CellCounts]) -> np.ndarray:
    return np.array([[one.of(kind).value for kind in KINDS] for one in counts])


def _covered(counts: list[CellCounts], truth: np.ndarray) -> float:
    inside = [
        one.of(kind).low <= true <= one.of(kind).high
        for one, row in zip(counts, truth, strict=True)
        for kind, true in zip(KINDS, row, strict=True)
    ]
    return float(np.mean(inside))
