"""The figures in a red-cell card: on slides not learnt from, and false flags elsewhere."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from core.inference.red_cell.shapes import named, probabilities
from core.models.cards import RedCellCard
from core.models.cards.red_cell_figures import (
    FalseFlags,
    HeldOutSlides,
    RedCellEvaluation,
    ShapeRow,
)
from core.models.weights import LoadedModel
from core.statistics.calibration import as_probabilities
from core.statistics.classes import accuracy_row, confusion, majority_accuracy
from core.training.red_cells.cross_validation import FOLDS, HeldOut
from core.training.red_cells.other_laboratories import SUSPECTS, ElsewhereCells, elsewhere

UNCLEAR: Final = "unclear"
Names = npt.NDArray[np.str_]


def on_other_slides(
    held_out: HeldOut, card: RedCellCard, left_out: Mapping[str, int]
) -> HeldOutSlides:
    """Figures of the folds' networks on the slides they had not seen, with the card's limits."""
    classes = list(held_out.classes)
    truth = np.array([cell.label for cell in held_out.cells])
    likeliest = np.array(classes)[held_out.logits.argmax(axis=1)]
    answers = _named(held_out.logits, card)
    judged = answers != UNCLEAR
    others = _baselines(held_out, truth)
    across = ~np.isin(truth, held_out.one_slide)
    other_light = _named(held_out.other_light, card)
    both = judged & (other_light != UNCLEAR)
    rules = others["rules"]
    shapes: dict[str, ShapeRow] = {}
    for name in classes:
        mine = truth == name
        shapes[name] = {
            "recall": accuracy_row(answers[mine] == name),
            "precision": accuracy_row(truth[answers == name] == name),
            "recall_of_rules": float((rules[mine] == name).mean()) if mine.any() else 0.0,
            "slides": len(np.unique(held_out.slide_of[mine])),
        }
    columns = [*classes, UNCLEAR]
    return {
        "classes": classes,
        "folds": FOLDS,
        "cells": len(truth),
        "left_out": dict(left_out),
        "one_slide": list(held_out.one_slide),
        "accuracy": accuracy_row(likeliest == truth),
        "accuracy_where_judged": accuracy_row(answers[judged] == truth[judged]),
        "unclear": accuracy_row(~judged),
        "majority_baseline": majority_accuracy(truth.tolist()),
        "balanced_accuracy": {
            "network": balanced(likeliest[across], truth[across]),
            "chance": 1 / len(np.unique(truth[across])),
            **{name: balanced(rows[across], truth[across]) for name, rows in others.items()},
        },
        "shapes": shapes,
        "confusion": confusion(truth.tolist(), answers.tolist(), columns)[:-1].tolist(),
        "same_answer_in_other_light": accuracy_row(answers[both] == other_light[both]),
    }


def evaluate_red_cells(data: Path, locator: LoadedModel, model: LoadedModel) -> RedCellEvaluation:
    """The false flags of a model in laboratories of mostly normal cells.

    Its figures on other slides were measured when it was made, by networks that were not kept, and
    are those of its card.

    Raises:
        FileNotFoundError: if ``data`` has none of these laboratories.
        WeightsRefused: if the model is for another task.
    """
    found = elsewhere(data, locator, "reported")
    if not found:
        raise FileNotFoundError(f"{data} has neither cbc, txl nor deepbionet_fields")
    rows = {one.laboratory: false_flags(one, model) for one in found}
    every = ElsewhereCells(
        "all",
        sum(one.fields for one in found),
        np.concatenate([one.crops for one in found]),
    )
    rows["all"] = false_flags(every, model)
    before = model.card_as(RedCellCard).evaluation
    return {**before, "schistocyte_or_teardrop_elsewhere": rows}


def false_flags(cells: ElsewhereCells, model: LoadedModel) -> FalseFlags:
    """How often the model names a suspect shape in a laboratory where hardly any cell has one."""
    card = model.card_as(RedCellCard)
    answers = _answers(probabilities(list(cells.crops), model), card)
    judged = answers != UNCLEAR
    suspect = np.isin(answers, SUSPECTS)
    return {
        "fields": cells.fields,
        "of_all": accuracy_row(suspect),
        "of_judged": accuracy_row(suspect[judged]),
        "unclear": accuracy_row(~judged),
        "named": dict(sorted(Counter(answers.tolist()).items())),
    }


def balanced(answers: Names, truth: Names) -> float:
    """Mean recall of the shapes that are there."""
    return float(np.mean([(answers[truth == name] == name).mean() for name in np.unique(truth)]))


def _named(logits: npt.NDArray[np.float32], card: RedCellCard) -> Names:
    return _answers(as_probabilities(logits, card.temperature), card)


def _answers(rows: npt.NDArray[np.float64], card: RedCellCard) -> Names:
    """The shape of each row, or ``unclear``."""
    found: Sequence[str] = [label if sure else UNCLEAR for label, sure in (
        named(row, card) for row in rows)]  # fmt: skip
    return np.array(found, dtype=str)


def _baselines(held_out: HeldOut, truth: Names) -> dict[str, Names]:
    """Answers of simpler ways, each fitted on the other folds, but for ``ground_same_slides``."""
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.tree import DecisionTreeClassifier

    look = np.stack([cell.look for cell in held_out.cells])
    ground = np.stack([cell.ground for cell in held_out.cells])
    ground = (ground - ground.mean(axis=0)) / np.maximum(ground.std(axis=0), 1e-6)
    rng = np.random.default_rng(0)
    by_slides, by_chance = held_out.fold_of, rng.integers(0, FOLDS, len(truth))
    ways = {
        "rules": (
            lambda: DecisionTreeClassifier(max_depth=5, class_weight="balanced", random_state=0),
            look[:, :2],
            by_slides,
        ),
        "measures": (
            lambda: RandomForestClassifier(
                100, min_samples_leaf=5, class_weight="balanced", random_state=0
            ),
            look,
            by_slides,
        ),
        "ground_alone": (lambda: KNeighborsClassifier(15), ground, by_slides),
        "ground_alone_same_slides": (lambda: KNeighborsClassifier(15), ground, by_chance),
    }
    found = {}
    for name, (make, inputs, parts) in ways.items():
        answers = np.empty(len(truth), dtype=truth.dtype)
        for part in np.unique(parts):
            out = parts == part
            answers[out] = make().fit(inputs[~out], truth[~out]).predict(inputs[out])
        found[name] = answers
    return found
