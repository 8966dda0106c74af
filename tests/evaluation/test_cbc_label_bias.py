"""The labelling habit on made fields whose habit is known."""

import numpy as np
import pytest

from core.datasets.fields import LabelledField
from core.evaluation.cbc_label_bias import (
    LabelBiasField,
    cross_validated_counts,
    fit_label_bias,
    label_bias_field,
)
from core.inference.locate.peaks import Peaks


def _made(rng, cells=20):
    """Cells are boxed unless they touch an edge: a habit that can be learnt exactly."""
    features = rng.random((cells, 6))
    features[:, 5] = rng.random(cells) < 0.4
    boxed = features[:, 5] == 0
    return LabelBiasField(features, boxed, int(boxed.sum()))


def test_a_clear_habit_is_found_and_predicts_other_fields():
    rng = np.random.default_rng(0)
    label_bias = fit_label_bias([_made(rng) for _ in range(30)])
    others = [_made(rng, cells=30) for _ in range(10)]
    errors = [abs(label_bias.count(field) - field.labelled) for field in others]
    plain = [abs(30 - field.labelled) for field in others]
    assert np.mean(errors) < 1.5 < np.mean(plain)


def test_in_turn_no_field_sees_its_own_labels():
    rng = np.random.default_rng(1)
    fields = [_made(rng) for _ in range(20)]
    before = cross_validated_counts(fields)
    wrong = LabelBiasField(fields[0].features, ~fields[0].boxed, 0)
    assert cross_validated_counts([wrong, *fields[1:]])[0] == pytest.approx(before[0])


def test_nothing_located_is_the_constant_never_below_zero():
    empty = LabelBiasField(np.zeros((0, 6)), np.zeros(0, bool), 2)
    label_bias = fit_label_bias([empty, empty, empty])
    assert label_bias.count(empty) == 2
    assert (
        fit_label_bias([LabelBiasField(np.zeros((3, 6)), np.zeros(3, bool), 0)]).count(empty) == 0
    )


def test_how_a_cell_lies_worked_by_hand(tmp_path):
    boxes = np.array([[0, 10, 50, 60], [100, 100, 150, 150], [125, 100, 175, 150]], np.float32)
    peaks = Peaks(boxes, np.array([0.9, 0.8, 0.7], np.float32), np.zeros(3, np.int64))
    labels = LabelledField(tmp_path / "a.png", boxes[1:2] + 3, np.zeros(1, np.int64))
    field = label_bias_field(peaks, labels, 0, 50.0, (640, 480))
    assert field.boxed.tolist() == [False, True, False]
    # score, width, area, distance to the edge, share covered, at the edge
    assert field.features[0] == pytest.approx([0.9, 1, 1, 0, 0, 1], abs=1e-6)
    assert field.features[1] == pytest.approx([0.8, 1, 1, 2, 0.5, 0], abs=1e-6)
    assert field.labelled == 1
