"""Agreement of readers: against scikit-learn, statsmodels and cases worked by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, cohen_kappa_score, confusion_matrix, recall_score
from statsmodels.stats.inter_rater import cohens_kappa
from statsmodels.stats.proportion import proportion_confint

from core.statistics.agreement import agreement, in_order
from core.statistics.kappa import agreement_weights, kappa

GRADES = ("0", "1", "2", "3")


def readings(seed, n=300):
    """Two readers of grades 0 to 3 who agree more often than not."""
    draw = np.random.default_rng(seed)
    first = draw.integers(0, 4, n)
    second = np.clip(first + draw.choice([-1, 0, 0, 0, 1], n), 0, 3)
    return [GRADES[i] for i in first], [GRADES[i] for i in second]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("weights", ["none", "linear", "quadratic"])
def test_kappa_is_that_of_scikit_learn(seed, weights):
    first, second = readings(seed)
    found = agreement(first, second, classes=GRADES, weights=weights)
    expected = cohen_kappa_score(first, second, weights=None if weights == "none" else weights)
    assert found.weighted_kappa.value == pytest.approx(expected, abs=1e-12)
    assert found.plain_kappa.value == pytest.approx(cohen_kappa_score(first, second), abs=1e-12)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("weights", "theirs"), [("linear", "linear"), ("quadratic", "quadratic")])
def test_intervals_of_kappa_are_those_of_statsmodels(seed, weights, theirs):
    table = agreement(*readings(seed), classes=GRADES).table
    found = kappa(table, agreement_weights(GRADES, weights))
    expected = cohens_kappa(table, wt=theirs)
    assert (found.low, found.high) == pytest.approx((expected.kappa_low, expected.kappa_upp))
    plain = kappa(table)
    expected = cohens_kappa(table)
    assert (plain.low, plain.high) == pytest.approx((expected.kappa_low, expected.kappa_upp))


def test_any_weights_have_the_error_of_statsmodels():
    classes = ("segmented_neutrophil", "band_neutrophil", "immature_granulocyte", "blast")
    weights = agreement_weights(classes, "maturation")
    table = np.array([[50, 9, 1, 0], [12, 20, 3, 0], [0, 4, 15, 2], [1, 0, 2, 11]])
    # statsmodels takes disagreement; ours is agreement.
    expected = cohens_kappa(table, weights=1 - weights)
    found = kappa(table, weights)
    assert found.value == pytest.approx(expected.kappa)
    assert (found.low, found.high) == pytest.approx((expected.kappa_low, expected.kappa_upp))
    plain = kappa(table).value
    assert found.value is not None and plain is not None and found.value > plain


def test_kappa_by_hand():
    # Three categories and 200 patients as in Cohen 1960, the arithmetic of the paper by hand.
    table = np.array([[50, 26, 24], [24, 4, 32], [6, 30, 4]])
    rows, columns, n = table.sum(1), table.sum(0), table.sum()
    observed, expected = 58 / 200, (100 * 80 + 60 * 60 + 40 * 60) / 200**2
    assert (list(rows), list(columns), n) == ([100, 60, 40], [80, 60, 60], 200)
    assert kappa(table).value == pytest.approx((observed - expected) / (1 - expected))


def test_each_class_is_that_of_scikit_learn():
    first, second = readings(7)
    found = agreement(first, second, classes=GRADES)
    table = confusion_matrix(first, second, labels=GRADES)
    assert (found.table == table).all()
    assert found.accuracy.value == accuracy_score(first, second)
    recalls = recall_score(first, second, labels=GRADES, average=None)
    assert [one.sensitivity.value for one in found.by_class] == pytest.approx(recalls)
    for place, one in enumerate(found.by_class):
        truth = np.array(first) == GRADES[place]
        of_class = np.array(second) == GRADES[place]
        assert one.specificity.value == pytest.approx(recall_score(~truth, ~of_class))
        assert one.positive_predictive.value == pytest.approx(truth[of_class].mean())
        assert one.negative_predictive.value == pytest.approx((~truth)[~of_class].mean())
        low, high = proportion_confint((truth & of_class).sum(), truth.sum(), method="beta")
        interval = one.sensitivity.interval
        assert (interval.low, interval.high) == pytest.approx((low, high))


def test_a_class_nobody_named_has_no_sensitivity_rather_than_none_found():
    found = agreement(["0", "0"], ["0", "1"], classes=("0", "1"))
    assert found.by_class[1].sensitivity.value is None
    assert found.by_class[1].positive_predictive.value == 0
    assert found.majority == 1.0


def test_readers_who_only_ever_say_one_thing_have_no_kappa():
    found = agreement(["blast"] * 5, ["blast"] * 5)
    assert found.accuracy.value == 1.0
    assert found.plain_kappa.value is None


@given(st.lists(st.tuples(st.sampled_from(GRADES), st.sampled_from(GRADES)), min_size=1))
def test_kappa_does_not_care_who_is_the_reference(pairs):
    first, second = [a for a, _ in pairs], [b for _, b in pairs]
    one = agreement(first, second, classes=GRADES, weights="quadratic")
    other = agreement(second, first, classes=GRADES, weights="quadratic")
    for a, b in (
        (one.plain_kappa, other.plain_kappa),
        (one.weighted_kappa, other.weighted_kappa),
    ):
        assert a.value == pytest.approx(b.value) if a.value is not None else b.value is None
        if a.value is not None and a.low is not None and a.high is not None:
            assert -1 <= a.low <= a.value <= a.high <= 1


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        ([], [], "same cells twice"),
        (["0"], ["0", "1"], "same cells twice"),
        (["0"], ["9"], "not among the classes: 9"),
    ],
)
def test_what_cannot_be_compared_is_refused(first, second, message):
    with pytest.raises(ValueError, match=message):
        agreement(first, second, classes=GRADES)


def test_classes_come_in_the_order_of_the_taxonomy():
    assert in_order({"zebra", "blast", "lymphocyte", "unidentified"}) == (
        "lymphocyte",
        "blast",
        "unidentified",
        "zebra",
    )
