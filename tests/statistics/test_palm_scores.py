import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from core.evaluation.palm_report import auroc_row, calibration_rows, decision_rows, per_block
from core.statistics.palm_scores import (
    at_prevalence,
    auroc,
    block_bootstrap,
    diagnostic_odds_ratio,
    of_thousand,
    threshold_for_sensitivity,
    threshold_for_specificity,
)
from core.studies.papers.palm_tables import (
    StateResult,
    cells_table,
    mean_of,
    paper_rows,
    scores_table,
)


@pytest.mark.parametrize("seed", range(5))
def test_auroc_is_that_of_scikit_learn(seed):
    rng = np.random.default_rng(seed)
    truth = rng.random(50) < 0.4
    scores = rng.normal(size=50).round(1) + truth  # rounded, so that there are ties
    assert auroc(scores, truth) == pytest.approx(roc_auc_score(truth, scores))


def test_auroc_needs_both_classes():
    with pytest.raises(ValueError, match="both classes"):
        auroc(np.ones(3), np.ones(3, bool))


def test_the_interval_over_blocks_is_wider_than_over_photos():
    # Ten photos of a block that say the same are one photo.
    rng = np.random.default_rng(1)
    truth = np.repeat([False] * 8 + [True] * 8, 10)
    scores = np.repeat(rng.normal(size=16), 10) + truth
    together = np.repeat([f"b{i}" for i in range(16)], 10).tolist()
    alone = [f"p{i}" for i in range(160)]

    def width(blocks):
        low, high = block_bootstrap(lambda i: auroc(scores[i], truth[i]), truth, blocks, draws=300)
        return high - low

    assert width(together) > 2 * width(alone)


@pytest.mark.parametrize("wanted", [0.5, 0.9, 1.0])
def test_thresholds_keep_what_they_promise(wanted):
    rng = np.random.default_rng(2)
    truth = rng.random(200) < 0.5
    scores = rng.normal(size=200) + truth
    sensitive = threshold_for_sensitivity(scores, truth, wanted)
    assert (scores[truth] >= sensitive).mean() >= wanted
    assert (scores[truth] > sensitive).mean() < wanted  # and no lower than needed
    specific = threshold_for_specificity(scores, truth, wanted)
    assert (scores[~truth] <= specific).mean() >= wanted


def test_of_thousand_by_hand():
    # 200 ill, 800 well. Suspected: 60 % of the ill, 20 % of the well; cleared: 10 % and 50 %.
    expected = of_thousand(0.2, (0.6, 0.2), (0.1, 0.5))
    assert (expected.suspected_anemic, expected.suspected_other) == (120, 160)
    assert (expected.cleared_anemic, expected.cleared_other) == (20, 400)
    assert expected.referred_anemic == pytest.approx(
        60
    ) and expected.referred_other == pytest.approx(240)
    assert expected.positive_predictive_value == pytest.approx(120 / 280)
    assert expected.negative_predictive_value == pytest.approx(400 / 420)


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_of_thousand_counts_everybody_once(prevalence, s1, s2, c1, c2):
    expected = of_thousand(prevalence, (s1, s2), (c1 * (1 - s1), c2 * (1 - s2)))
    everybody = (
        expected.suspected_anemic
        + expected.suspected_other
        + expected.referred_anemic
        + expected.referred_other
        + expected.cleared_anemic
        + expected.cleared_other
    )
    assert everybody == pytest.approx(1000)


def test_prevalence_moves_a_probability_as_bayes_says():
    # Odds 3:1 at one half are a likelihood ratio of 3; prior odds 1:9 make 3:9.
    assert at_prevalence(0.75, 0.1) == pytest.approx(0.25)
    assert at_prevalence(0.75, 0.5) == pytest.approx(0.75)
    with pytest.raises(ValueError, match="prevalence"):
        at_prevalence(0.5, 0.0)


def test_diagnostic_odds_ratio_by_hand():
    assert diagnostic_odds_ratio(0.8, 0.6) == pytest.approx((0.8 / 0.2) / (0.4 / 0.6))


def test_reports_hold_together():
    rng = np.random.default_rng(3)
    truth = np.repeat([False, True], 60)
    blocks = [f"{'ill' if t else 'well'}-{i // 10}" for i, t in enumerate(truth)]
    probabilities = np.clip(0.5 + 0.2 * rng.normal(size=120) + 0.1 * truth, 0.01, 0.99)
    row = auroc_row(probabilities, truth, blocks)
    assert row["low"] <= row["value"] <= row["high"] and row["blocks"] == 12
    answers = json.loads(json.dumps(decision_rows(probabilities, truth, blocks, 0.4, 0.7)))
    for group in ("of_anemic", "of_others"):
        assert sum(row[group]["value"] for row in answers.values()) == pytest.approx(1)
    by_block = per_block(probabilities, truth, blocks)
    assert len(by_block) == 12
    mean = np.mean([r["auroc_against_others"] for r in by_block if r["anemic"]])
    assert mean == pytest.approx(row["value"])  # equal blocks: the mean of them is the whole
    assert sum(r["photos"] for r in calibration_rows(probabilities, truth)) == 120


def test_the_papers_tables_are_copied_rightly():
    # Accuracies as the paper prints them; ours are worked out from its four cells.
    printed = (
        (78.57, 96.43, 92.86, 96.43, 71.43, 89.29, 89.29, 96.43, 82.14, 89.29),
        (89.29, 96.43, 85.71, 89.29, 92.86, 92.86, 92.86, 82.14, 82.14, 89.29),
    )
    for number, accuracies in enumerate(printed, start=1):
        rows = paper_rows(number)
        assert [round(100 * row.accuracy, 2) for row in rows] == list(accuracies)
        assert all(row.photos == 28 for row in rows)


def test_tables_are_markdown_with_a_mean():
    rows = [StateResult(0, 0.5, 3, 1, 2, 4, 5, 6), StateResult(1, 0.7, 0, 4, 0, 6, 5, 6)]
    lines = scores_table(rows).splitlines()
    assert len({line.count("|") for line in lines}) == 1
    assert "not defined" in lines[3]  # nothing was called anemic, so there is no precision
    assert lines[-1].startswith("| mean | 0.60 | 65.0 | 60.0 |")
    assert mean_of(rows, "precision") == pytest.approx(0.6)
    assert "| 0 | 3 | 1 | 2 | 4 | 5 of 10 |" in cells_table(rows)
