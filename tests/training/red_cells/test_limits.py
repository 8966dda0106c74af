"""Limits: the temperature on labelled cells, the suspects' limit on other laboratories."""

import numpy as np
import pytest

from core.statistics.calibration import as_probabilities
from core.training.red_cells.limits import fit_limits

CLASSES = ("normal", "schistocyte", "teardrop")


@pytest.fixture
def labelled():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, 2000)
    logits = rng.normal(0, 1, (2000, 3)) + 3 * np.eye(3)[truth]
    return logits.astype(np.float32), truth


def suspects_named(limits, logits):
    rows = as_probabilities(logits, limits.temperature)
    best, top = rows.argmax(axis=1), rows.max(axis=1)
    least = np.array([limits.least_probability.get(c, limits.abstain_below) for c in CLASSES])
    judged = top >= least[best]
    return float((best[judged] > 0).mean()) if judged.any() else 0.0


def test_a_laboratory_full_of_false_suspects_raises_their_limit(labelled):
    logits, truth = labelled
    rng = np.random.default_rng(1)
    quiet = rng.normal(0, 1, (1000, 3)) + np.array([5.0, 0, 0])
    noisy = rng.normal(0, 1.2, (1000, 3)) + np.array([1.5, 0, 0])
    before = fit_limits(CLASSES, logits, truth, [quiet])
    after = fit_limits(CLASSES, logits, truth, [quiet, noisy])
    assert after.least_probability["schistocyte"] > before.least_probability["schistocyte"]
    assert suspects_named(after, noisy) <= 0.01
    assert suspects_named(after, quiet) <= 0.01
    assert after.temperature == before.temperature


def test_overconfident_logits_get_a_higher_temperature(labelled):
    logits, truth = labelled
    calm = fit_limits(CLASSES, logits, truth, [])
    loud = fit_limits(CLASSES, 3 * logits, truth, [])
    assert loud.temperature == pytest.approx(3 * calm.temperature, rel=0.02)


def test_without_other_laboratories_no_suspect_is_named_more_easily_than_another(labelled):
    logits, truth = labelled
    limits = fit_limits(CLASSES, logits, truth, [])
    assert limits.least_probability["teardrop"] >= limits.abstain_below
