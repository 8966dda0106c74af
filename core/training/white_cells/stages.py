"""A head for the stages of immature granulocytes, fitted beside what a network already has.

It reads the features of the frozen network, and nothing else of the model changes: neither weights
nor the other files' content that was fitted before.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression

from core.datasets.fields import read_rgb
from core.datasets.public import pbc
from core.datasets.public.pbc import CELL_SHARE, LabelledCell
from core.files import JsonObject
from core.inference.locate.cell_crop import crop_cell
from core.inference.white_cell.features import answers_of
from core.inference.white_cell.framing import single_cell_crop
from core.inference.white_cell.stages import BIAS, STAGES, WEIGHT
from core.inference.white_cell.uncertainty import save_uncertainty, uncertainty_of
from core.models.cards.uncertainty_card import StageHeadCard
from core.models.classifier import CROP_RBC_DIAMETERS
from core.models.weights import LoadedModel
from core.records import Field, RgbImage

Array = npt.NDArray[np.float32]
Report = Callable[[str], None]

STRENGTHS: Final = (0.003, 0.01, 0.03, 0.1)
"""Inverse regularisations tried; the one with the least log loss on the validation part is kept."""

AIMED_ACCURACY: Final = 0.9
"""Share of the named stages that must be right on the validation part."""

_VIEWS: Final = 3
"""Times that each training cell is seen."""

_ZOOM: Final = (-0.15, 0.3)
"""Logarithm of the scale, at random between: in a field, red cells of PBC's laboratory come out
a sixth larger than the share of the picture that is cut out in training."""

_MOVED: Final = 0.02
"""Standard deviation of the middle, in sides of the picture."""


@dataclass(frozen=True)
class StageHead:
    """``weight`` ``(stages, width)`` and ``bias`` ``(stages,)`` in the order of the card."""

    card: StageHeadCard
    weight: Array
    bias: Array


def fit_stages(
    train: tuple[Array, Sequence[str]], validation: tuple[Array, Sequence[str]]
) -> StageHead:
    """Fit a class-balanced logistic regression, and the limit above which a stage is named.

    Args:
        train: ``(N, width)`` features and the stage of each cell; every stage is among them.
        validation: the same of other cells; they choose the regularisation and the limit.
    """
    x, labels = train
    mean, spread = x.mean(axis=0), x.std(axis=0) + 1e-6
    truth = np.array([STAGES.index(name) for name in labels])
    judged = np.array([STAGES.index(name) for name in validation[1]])
    best: tuple[float, float, LogisticRegression, Array] | None = None
    for strength in STRENGTHS:
        head = LogisticRegression(C=strength, max_iter=2000, class_weight="balanced")
        head.fit((x - mean) / spread, truth)
        rows = head.predict_proba((validation[0] - mean) / spread)
        loss = float(-np.log(np.maximum(rows[np.arange(len(judged)), judged], 1e-9)).mean())
        if best is None or loss < best[0]:
            best = (loss, strength, head, rows)
    assert best is not None
    _, strength, head, rows = best
    right = rows.argmax(axis=1) == judged
    limit = naming_limit(rows.max(axis=1), right)
    named = rows.max(axis=1) >= limit
    found: JsonObject = {
        "cells": len(judged),
        "accuracy": float(right.mean()),
        "named": float(named.mean()),
        "accuracy_where_named": float(right[named].mean()) if named.any() else None,
        "training_views": len(truth),
        "from": "PBC training and validation part, stages by the prefix of the file",
    }
    weight = head.coef_ / spread
    return StageHead(
        StageHeadCard(
            stages=STAGES,
            limit=limit,
            aimed_accuracy=AIMED_ACCURACY,
            strength=strength,
            validation=found,
        ),
        weight.astype(np.float32),
        (head.intercept_ - weight @ mean).astype(np.float32),
    )


def naming_limit(surest: npt.NDArray[np.floating], right: npt.NDArray[np.bool_]) -> float:
    """Least probability from which on ``AIMED_ACCURACY`` of the cells are right; 1.0 if none is.

    Args:
        surest: probability of the likeliest stage of each validation cell, ``(N,)``.
        right: whether that stage is right.
    """
    order = np.argsort(-surest, kind="stable")
    share = np.cumsum(right[order]) / np.arange(1, len(order) + 1)
    reached = np.flatnonzero(share >= AIMED_ACCURACY)
    return float(surest[order[reached[-1]]]) if len(reached) else 1.0


def add_stages(
    model: LoadedModel, locator: LoadedModel, data: Path, *, report: Report = lambda text: None
) -> StageHeadCard:
    """Fit the head and save it with what was fitted to the model before, which stays as it is.

    Raises:
        FileNotFoundError: if ``data`` lacks PBC.
        ValueError: if nothing was fitted to the model before, or PBC here lacks a stage.
    """
    uncertainty = uncertainty_of(model)
    if uncertainty is None:
        raise ValueError(f"{model.identity} has no extras; run python -m core fit-uncertainty")
    train, validation, _ = pbc.split(pbc.load(data / "pbc"), seed=0)
    head = stage_head(model, locator, train, validation, report)
    if head is None:
        raise ValueError("PBC here has too few promyelocytes, myelocytes or metamyelocytes")
    card = uncertainty.card.model_copy(update={"stages": head.card})
    tensors = {**uncertainty.tensors, WEIGHT: head.weight, BIAS: head.bias}
    save_uncertainty(model, card, tensors)
    return head.card


def stage_head(
    model: LoadedModel,
    locator: LoadedModel,
    train: Sequence[LabelledCell],
    validation: Sequence[LabelledCell],
    report: Report,
) -> StageHead | None:
    """The head of PBC's training part; None where a stage has fewer than two cells in a part.

    The training cells are seen at several scales and turns, since a field's red cells give another
    scale than the middle of PBC's pictures; the validation cells as the product frames them.
    """
    own, judged = _staged(train), _staged(validation)
    for cells in (own, judged):
        labels = [stage for _, stage in cells]
        if min(labels.count(stage) for stage in STAGES) < 2:
            return None
    report(f"features of {len(own)} immature granulocytes to learn stages from")
    rng = np.random.default_rng(0)
    views = [_features([_view(cell, rng) for cell, _ in own], model) for _ in range(_VIEWS)]
    report(f"features of {len(judged)} immature granulocytes to choose on")
    framed = [
        single_cell_crop(Field(cell.path.name, read_rgb(cell.path), ""), locator)[0]
        for cell, _ in judged
    ]
    report("stages of immature granulocytes")
    labels = [stage for _, stage in own]
    return fit_stages(
        (np.concatenate(views), labels * _VIEWS),
        (_features(framed, model), [stage for _, stage in judged]),
    )


def _staged(cells: Sequence[LabelledCell]) -> list[tuple[LabelledCell, str]]:
    return [(cell, stage) for cell in cells if (stage := pbc.stage_of(cell))]


def _view(cell: LabelledCell, rng: np.random.Generator) -> RgbImage:
    """The cell turned by a quarter or mirrored at random, at a random scale near the usual one."""
    pixels = read_rgb(cell.path)
    height, width = pixels.shape[:2]
    middle = np.array([width, height]) / 2 + rng.normal(0, _MOVED, 2) * min(width, height)
    x, y = (float(v) for v in middle)
    usual = min(height, width) * CELL_SHARE / CROP_RBC_DIAMETERS
    diameter = usual * float(np.exp(rng.uniform(*_ZOOM)))
    crop = crop_cell(pixels, (x - 1, y - 1, x + 1, y + 1), diameter)
    if rng.random() < 0.5:
        crop = crop[:, ::-1]
    return np.ascontiguousarray(np.rot90(crop, int(rng.integers(4))))


def _features(crops: Sequence[RgbImage], model: LoadedModel) -> Array:
    return answers_of(crops, model).features
