"""Numbers against independent implementations, published tables or cases worked by hand."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torchmetrics.classification import (
    MulticlassCalibrationError,
    MulticlassConfusionMatrix,
    MulticlassF1Score,
)

from core.statistics.calibration import (
    abstention_limit,
    as_probabilities,
    best_temperature,
    conformal_scale,
    expected_calibration_error,
    set_limit,
)
from core.statistics.classes import accuracy_row, confusion, majority_accuracy, report
from core.statistics.counts import (
    best_thresholds,
    bootstrap_interval,
    constant_predictor,
)
from core.statistics.intervals import clopper_pearson


# Ruemke's table as the field quotes it: 5 % seen in 100, 200 and 400 cells.
@pytest.mark.parametrize(("n", "low", "high"), [(100, 1.6, 11.3), (200, 2.4, 9.0), (400, 3.1, 7.6)])
def test_clopper_pearson_gives_ruemkes_table(n, low, high):
    interval = clopper_pearson(n // 20, n)
    assert (round(100 * interval.low, 1), round(100 * interval.high, 1)) == (low, high)


def test_clopper_pearson_at_the_ends():
    assert clopper_pearson(0, 0) == clopper_pearson(0, 0)
    assert clopper_pearson(0, 30).low == 0.0
    # Rule of three, exact form: 1 - 0.025 ** (1 / n)
    assert clopper_pearson(0, 30).high == pytest.approx(1 - 0.025 ** (1 / 30))
    assert clopper_pearson(30, 30).high == 1.0
    for bad in ((-1, 3, 0.95), (4, 3, 0.95), (1, 3, 1.0)):
        with pytest.raises(ValueError, match=r"need|confidence"):
            clopper_pearson(*bad)


@given(st.integers(0, 300), st.integers(1, 300))
def test_clopper_pearson_holds_the_proportion(k, n):
    k = min(k, n)
    interval = clopper_pearson(k, n)
    assert 0 <= interval.low <= k / n <= interval.high <= 1


def random_calls(seed=0, n=400, classes=5):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, n)
    logits = rng.normal(0, 1, (n, classes))
    logits[np.arange(n), labels] += 1.5
    return logits, labels


def test_confusion_and_f1_agree_with_torchmetrics():
    logits, labels = random_calls()
    predicted = logits.argmax(1)
    names = [f"c{i}" for i in range(5)]
    table = confusion([names[i] for i in labels], [names[i] for i in predicted], names)
    expected = MulticlassConfusionMatrix(5)(
        torch.from_numpy(predicted), torch.from_numpy(labels)
    ).numpy()
    assert np.array_equal(table, expected)
    f1 = MulticlassF1Score(5, average=None)(
        torch.from_numpy(predicted), torch.from_numpy(labels)
    ).numpy()
    rows = report([names[i] for i in labels], [names[i] for i in predicted], names)
    assert [rows[name]["f1"] for name in names] == pytest.approx(f1.tolist(), abs=1e-6)


def test_report_of_a_class_nobody_named():
    rows = report(["a", "a"], ["a", "a"], ["a", "b"])
    assert rows["b"] == {"precision": None, "recall": None, "f1": None, "n": 0}


def test_calibration_error_agrees_with_torchmetrics():
    logits, labels = random_calls(1)
    probabilities = as_probabilities(logits, 0.7)
    expected = MulticlassCalibrationError(5, n_bins=15, norm="l1")(
        torch.from_numpy(probabilities), torch.from_numpy(labels)
    )
    assert expected_calibration_error(probabilities, labels) == pytest.approx(
        float(expected), abs=1e-6
    )


def test_temperature_recovers_a_known_one():
    rng = np.random.default_rng(2)
    logits = rng.normal(0, 2, (20_000, 4))
    labels = np.array([rng.choice(4, p=p) for p in as_probabilities(logits, 2.0)])
    assert best_temperature(logits, labels) == pytest.approx(2.0, rel=0.05)


def test_conformal_sets_cover_new_cells_as_promised():
    logits, labels = random_calls(3, n=8000)
    probabilities = as_probabilities(logits, 1.0)
    limit = set_limit(probabilities[:4000], labels[:4000], coverage=0.9)
    covered = probabilities[4000:][np.arange(4000), labels[4000:]] >= limit
    assert covered.mean() == pytest.approx(0.9, abs=0.02)


def test_abstention_reaches_its_accuracy_and_gives_up_where_it_cannot():
    logits, labels = random_calls(4, n=4000)
    probabilities = as_probabilities(logits, 1.0)
    limit = abstention_limit(probabilities, labels, accuracy=0.95)
    called = probabilities.max(1) >= limit
    assert (probabilities.argmax(1) == labels)[called].mean() >= 0.95
    assert 0 < called.mean() < 1
    assert abstention_limit(probabilities, (probabilities.argmax(1) + 1) % 5, 0.9) == 1.0


def test_conformal_scale_covers_counts():
    rng = np.random.default_rng(5)
    truth = rng.poisson(22, 3000)
    counted = truth + rng.integers(-2, 3, 3000)
    scale = conformal_scale(counted[:1500], truth[:1500])
    inside = np.abs(counted - truth)[1500:] <= scale * np.sqrt(counted[1500:] + 1)
    assert inside.mean() == pytest.approx(0.9, abs=0.03)


def test_best_threshold_takes_the_middle_of_the_best_run():
    # One cell of 0.8 in each field and a false one of 0.4: anything between counts rightly.
    threshold, error = best_thresholds([np.array([0.8, 0.4])] * 3, np.array([1, 1, 1]))
    assert error == 0
    assert threshold == pytest.approx(0.6, abs=0.02)


def test_count_errors_by_hand():
    assert constant_predictor(np.array([[1, 1, 0], [3, 1, 4], [9, 2, 1]])).tolist() == [3, 1, 1]
    assert majority_accuracy(["a", "a", "b"]) == pytest.approx(2 / 3)
    assert accuracy_row([True, False])["value"] == 0.5


def test_bootstrap_interval_of_a_mean_is_close_to_the_normal_one():
    values = np.random.default_rng(6).normal(5, 2, 400)
    low, high = bootstrap_interval(values)
    half = 1.96 * values.std(ddof=1) / 20
    assert low == pytest.approx(values.mean() - half, abs=0.03)
    assert high == pytest.approx(values.mean() + half, abs=0.03)


def test_a_class_without_cells_or_predictions_has_no_figures():
    rows = report(["a", "a", "b"], ["a", "b", "b"], ["a", "b", "c"])
    assert rows["a"] == {"precision": 1.0, "recall": 0.5, "f1": pytest.approx(2 / 3), "n": 2}
    assert rows["c"] == {"precision": None, "recall": None, "f1": None, "n": 0}
    # Predicted and never true: everything but the recall is 0.
    assert report(["a"], ["b"], ["a", "b"])["b"] == {
        "precision": 0.0,
        "recall": None,
        "f1": 0.0,
        "n": 0,
    }


@pytest.mark.parametrize(
    ("truth", "predicted", "classes", "table"),
    [
        (["a", "b"], ["a", "a"], ["a", "b"], [[1, 0], [1, 0]]),
        ([], [], ["a", "b"], [[0, 0], [0, 0]]),
        (["a", "a"], ["a", "a"], ["a"], [[2]]),
        (["b"], ["a"], ["c", "b", "a"], [[0, 0, 0], [0, 0, 1], [0, 0, 0]]),
    ],
)
def test_confusion_keeps_the_order_of_the_classes(truth, predicted, classes, table):
    assert confusion(truth, predicted, classes).tolist() == table


@pytest.mark.parametrize(
    ("truth", "predicted", "words"), [(["a"], ["x"], "not among"), (["a"], [], "same cells")]
)
def test_confusion_leaves_no_cell_out_in_silence(truth, predicted, words):
    with pytest.raises(ValueError, match=words):
        confusion(truth, predicted, ["a", "b"])
