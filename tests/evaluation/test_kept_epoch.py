"""Recall, precision and F1 of a training's kept epoch, by a table counted by hand."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from core.evaluation.kept_epoch import classes_found
from core.models.cards import WhiteCellCard
from core.statistics.calibration import reliability


def card(table: Any) -> WhiteCellCard:
    classes = ("lymphocyte", "monocyte", "blast", "smudge")
    parts = SimpleNamespace(
        architecture=SimpleNamespace(classes=classes),
        validation=SimpleNamespace(confusion=table),
    )
    return cast(WhiteCellCard, parts)


def test_each_class_by_hand():
    found = classes_found(card(((9, 1, 0, 0), (2, 4, 0, 0), (0, 0, 0, 0), (1, 0, 0, 0))))
    assert [row.label for row in found] == ["lymphocyte", "monocyte", "smudge"], "no blast anywhere"
    lymphocyte, _, smudge = found
    assert (lymphocyte.cells, lymphocyte.recall, lymphocyte.precision) == (10, 0.9, 9 / 12)
    assert lymphocyte.f1 == pytest.approx(2 * 0.9 * 0.75 / 1.65)
    # Clopper and Pearson of 9 in 10, from their tables.
    bounds = lymphocyte.recall_interval
    assert bounds is not None and (round(bounds.low, 3), round(bounds.high, 3)) == (0.555, 0.997)
    assert (smudge.recall, smudge.precision, smudge.precision_interval) == (0.0, None, None)


def test_a_card_without_a_table_gives_none():
    assert classes_found(card(None)) == []


def test_reliability_holds_every_cell_once():
    probabilities = np.array([[0.95, 0.05], [0.3, 0.7], [0.26, 0.74], [1.0, 0.0]])
    bins = reliability(probabilities, np.array([0, 1, 0, 0]))
    assert np.array(bins) == pytest.approx(np.array([(0.72, 0.5, 2), (0.975, 1.0, 2)]))
