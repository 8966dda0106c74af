"""Novelty detection on things that no fit has seen.

Text and noise are drawn with other seeds than in training; the palms are of another set.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from core.datasets.fields import read_rgb
from core.datasets.public import munich
from core.imaging import not_cells
from core.inference.white_cell.features import answers_of
from core.inference.white_cell.framing import single_cell_crop
from core.inference.white_cell.novelty import Familiarity, familiarity
from core.inference.white_cell.uncertainty import uncertainty_of
from core.models.cards import WhiteCellCard
from core.models.cards.white_cell_figures import (
    NotACellRow,
    NoveltyFigures,
    TwoGroupAuroc,
    UnknownClasses,
)
from core.models.weights import LoadedModel
from core.records import Field, RgbImage
from core.statistics.classes import accuracy_row
from core.statistics.palm_scores import auroc

_EACH: Final = 150
_DRAWS: Final = 500

Scores = npt.NDArray[np.floating]


def evaluate_novelty(
    data: Path,
    locator: LoadedModel,
    model: LoadedModel,
    inside: Sequence[RgbImage],
    outside: Sequence[RgbImage],
) -> NoveltyFigures:
    """AUROC and rates; empty for a model without fitted uncertainty.

    Args:
        data: folder of the public sets; what is absent is left out.
        locator: finds the cell in single-cell pictures.
        model: the white-cell classifier.
        inside: crops of test cells of the laboratory learnt from.
        outside: crops of test cells of others.
    """
    uncertainty = uncertainty_of(model)
    if uncertainty is None:
        return {}

    def judge(crops: Sequence[RgbImage]) -> Familiarity:
        return familiarity(answers_of(crops, model).features, uncertainty)

    home, other = judge(inside), judge(outside)
    not_a_cell: dict[str, NotACellRow] = {}
    for kind, crops in no_cells(data).items():
        strange = judge(crops)
        not_a_cell[kind] = {
            "n": len(crops),
            "caught": accuracy_row(strange.not_a_cell > strange.limit),
            "auroc_against_cells_inside": auroc_row(home.not_a_cell, strange.not_a_cell),
            "auroc_against_cells_outside": auroc_row(other.not_a_cell, strange.not_a_cell),
        }
    return {
        "cells_called_novel": {
            "inside": accuracy_row(home.not_a_cell > home.limit),
            "outside": accuracy_row(other.not_a_cell > other.limit),
        },
        "not_a_cell": not_a_cell,
        "other_stains": {
            "auroc": auroc_row(home.distance, other.distance),
            "called_unfamiliar_inside": accuracy_row(home.unfamiliar),
            "called_unfamiliar_outside": accuracy_row(other.unfamiliar),
        },
        "unknown_classes": _unknown_classes(data, locator, model, judge),
    }


def no_cells(data: Path, seed: int = 2026) -> dict[str, list[RgbImage]]:
    """Noise, text and patches of palms that no fit has seen."""
    rng = np.random.default_rng(seed)
    kinds = {
        "noise": [not_cells.noise(rng) for _ in range(_EACH)],
        "text": [not_cells.text(rng) for _ in range(_EACH)],
    }
    palms = sorted((data / "palm").rglob("*.jpg")) + sorted((data / "palm").rglob("*.png"))
    if palms:
        chosen = [palms[int(i)] for i in rng.permutation(len(palms))[:_EACH]]
        kinds["palms"] = [not_cells.patch(rng, read_rgb(path)) for path in chosen]
    return kinds


def auroc_row(known: Scores, strange: Scores) -> TwoGroupAuroc:
    """AUROC of ``strange`` above ``known`` with n and a bootstrap 95 % interval."""
    scores = np.concatenate([known, strange]).astype(float)
    truth = np.r_[np.zeros(len(known), bool), np.ones(len(strange), bool)]
    rng = np.random.default_rng(0)
    drawn = []
    for _ in range(_DRAWS):
        a, b = (
            rng.integers(len(known), size=len(known)),
            rng.integers(len(strange), size=len(strange)),
        )
        drawn.append(auroc(np.concatenate([known[a], strange[b]]).astype(float), truth))
    low, high = np.quantile(drawn, [0.025, 0.975])
    return {
        "value": auroc(scores, truth),
        "low": float(low),
        "high": float(high),
        "n": [len(known), len(strange)],
    }


def _unknown_classes(
    data: Path,
    locator: LoadedModel,
    model: LoadedModel,
    judge: Callable[[Sequence[RgbImage]], Familiarity],
) -> UnknownClasses:
    """Munich's atypical lymphocytes and other cells that the model has no class for."""
    classes = set(model.card_as(WhiteCellCard).classes)
    try:
        cells = munich.load(data / "wbc_munich_support")
    except FileNotFoundError:
        return {}
    crops = {
        known: [
            single_cell_crop(Field(cell.path.name, read_rgb(cell.path), ""), locator)[0]
            for cell in cells
            if (cell.label in classes) == known
        ]
        for known in (True, False)
    }
    usual, strange = judge(crops[True]), judge(crops[False])
    names = sorted({cell.code for cell in cells if cell.label not in classes})
    return {
        "folders": names,
        "n": [len(crops[True]), len(crops[False])],
        "auroc_distance": auroc_row(usual.distance, strange.distance),
        "auroc_not_a_cell": auroc_row(usual.not_a_cell, strange.not_a_cell),
        "note": "few cells of one laboratory; its other cells may have been trained on",
    }
