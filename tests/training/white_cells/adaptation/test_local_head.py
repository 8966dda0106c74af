"""A laboratory's own head: what it gains, when it is refused, and what stays possible."""

import numpy as np
import pytest

from core.inference.white_cell.local_head import combined, groups_of
from core.training.white_cells.adaptation.last_layer import AdaptRefused
from core.training.white_cells.adaptation.local_head import (
    HOME_PASSED,
    LocalCells,
    fit_gate,
    fit_local_head,
)

CLASSES = ("segmented_neutrophil", "band_neutrophil", "lymphocyte", "blast")
GATE = np.zeros(3, np.float32)
LABELS = ["neutrophil"] * 12 + ["lymphocyte"] * 12


def _cells(useful):
    rng = np.random.default_rng(0)
    features = rng.normal(size=(24, 6)).astype(np.float32)
    features[12:, 0] += 5.0 * useful
    logits = np.tile(np.array([2.0, 1.0, 0.0, -4.0], np.float32), (24, 1))
    return features, logits


def _read(features, logits, same_cell=None):
    numbers = np.arange(len(LABELS)) if same_cell is None else same_cell
    return LocalCells(features, logits, logits, LABELS, numbers)


def test_a_head_that_gains_calls_the_cells_right():
    features, logits = _cells(useful=True)
    head = fit_local_head(_read(features, logits), CLASSES, GATE, seed=0)
    assert head.gain.before == 0.5 and head.gain.after > 0.9 and head.gain.low > 0
    groups = groups_of(head.labels, CLASSES)
    made = combined(logits, features @ head.weight.T + head.bias, groups, head.prior, head.absent)
    best = made.argmax(axis=1)
    assert (best[:12] == 0).mean() > 0.9  # the network alone told its neutrophils apart
    assert (best[12:] == 2).mean() > 0.9


def test_what_gains_nothing_is_refused_with_the_figure():
    features, logits = _cells(useful=False)
    logits[12:, 2] += 6.0  # the network is right already
    with pytest.raises(AdaptRefused, match=r"gains nothing: 100.0% .*difference"):
        fit_local_head(_read(features, logits), CLASSES, GATE, seed=0)


def test_a_class_without_a_local_cell_stays_possible():
    logits = np.array([[0.0, 0.0, 0.0, 8.0]], np.float32)
    groups = groups_of(("lymphocyte", "neutrophil"), CLASSES)
    made = combined(logits, np.array([[3.0, 0.0]], np.float32), groups, 0.3, -3.0)
    assert made.argmax() == 3
    doubtful = combined(
        np.zeros((1, 4), np.float32), np.zeros((1, 2), np.float32), groups, 0.0, -3.0
    )
    assert doubtful.argmax() != 3


def test_pictures_of_one_cell_are_never_both_learnt_from_and_judged():
    """Each cell is there twice, and only its own copy predicts it: that is no gain."""
    rng = np.random.default_rng(1)
    _, logits = _cells(useful=False)
    one = rng.normal(size=(12, 200)).astype(np.float32)
    copies = np.repeat(one, 2, axis=0)
    apart = fit_local_head(_read(copies, logits), CLASSES, GATE, seed=0)
    assert apart.gain.after > 0.9  # copies taken for different cells
    try:
        together = fit_local_head(
            _read(copies, logits, np.repeat(np.arange(12), 2)), CLASSES, GATE, seed=0
        )
    except AdaptRefused:
        return
    assert together.gain.after < 0.8


def test_the_gate_passes_local_cells_and_hardly_any_of_the_original_laboratory():
    rng = np.random.default_rng(2)
    home = rng.normal(size=(1000, 8)).astype(np.float32)
    local = (rng.normal(size=(30, 8)) + 3).astype(np.float32)
    gate = fit_gate(home, local)
    assert (home @ gate[:-1] + gate[-1] > 0).mean() <= HOME_PASSED
    assert (local @ gate[:-1] + gate[-1] > 0).mean() > 0.9
    # A laboratory that cannot be told apart: the original's cells keep their answers all the same.
    same = fit_gate(home, rng.normal(size=(30, 8)).astype(np.float32))
    assert (home @ same[:-1] + same[-1] > 0).mean() <= HOME_PASSED
