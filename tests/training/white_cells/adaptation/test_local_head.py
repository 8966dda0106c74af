"""A laboratory's own head: what it gains, when it is refused, and what stays possible."""

import numpy as np
import pytest

from core.inference.white_cell.local_head import combined, groups_of
from core.training.white_cells.adaptation.last_layer import AdaptRefused
from core.training.white_cells.adaptation.local_head import fit_local_head

CLASSES = ("segmented_neutrophil", "band_neutrophil", "lymphocyte", "blast")
LABELS = ["neutrophil"] * 12 + ["lymphocyte"] * 12


def _cells(useful):
    rng = np.random.default_rng(0)
    features = rng.normal(size=(24, 6)).astype(np.float32)
    features[12:, 0] += 5.0 * useful
    logits = np.tile(np.array([2.0, 1.0, 0.0, -4.0], np.float32), (24, 1))
    return features, logits


def test_a_head_that_gains_calls_the_cells_right():
    features, logits = _cells(useful=True)
    head = fit_local_head(features, logits, LABELS, CLASSES, seed=0)
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
        fit_local_head(features, logits, LABELS, CLASSES, seed=0)


def test_a_class_without_a_local_cell_stays_possible():
    logits = np.array([[0.0, 0.0, 0.0, 8.0]], np.float32)
    groups = groups_of(("lymphocyte", "neutrophil"), CLASSES)
    made = combined(logits, np.array([[3.0, 0.0]], np.float32), groups, 0.3, -3.0)
    assert made.argmax() == 3
    doubtful = combined(
        np.zeros((1, 4), np.float32), np.zeros((1, 2), np.float32), groups, 0.0, -3.0
    )
    assert doubtful.argmax() != 3
