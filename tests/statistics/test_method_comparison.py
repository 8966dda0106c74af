"""Bland-Altman and Passing-Bablok against published figures and another implementation."""

import numpy as np
import pytest
from scipy.stats import kstwobign, theilslopes

from core.statistics.bland_altman import bland_altman
from core.statistics.passing_bablok import passing_bablok

# Peak expiratory flow, litres a minute, first readings: Bland & Altman, Lancet 1986, table 1.
WRIGHT = [494, 395, 516, 434, 476, 557, 413, 442, 650, 433, 417, 656, 267, 478, 178, 423, 427]
MINI = [512, 430, 520, 428, 500, 600, 364, 380, 658, 445, 432, 626, 260, 477, 259, 350, 451]

# The 20 pairs and figures of R's mcr 1.2, mcreg(method.reg="PaBa", method.ci="analytical"), as
# quoted by the tests of the Python package methcomp.
X20 = list(range(1, 21))
Y20 = [1.03, 2.05, 2.79, 3.67, 5.00, 5.82, 7.16, 7.69, 8.53, 10.38]
Y20 += [11.11, 12.17, 13.47, 13.83, 15.15, 16.12, 16.94, 18.09, 19.13, 19.54]


def noisy(seed, n=40, slope=1.1, intercept=3.0, noise=0.02):
    draw = np.random.default_rng(seed)
    x = np.sort(draw.uniform(10, 90, n))
    return x, intercept + slope * x + noise * draw.normal(size=n) * x


def test_bland_and_altmans_peak_flow():
    found = bland_altman(MINI, WRIGHT)
    # Wright minus mini: -2.1, deviation 38.8, interval of the bias -22.0 to 17.8.
    assert found.bias == pytest.approx(-2.1, abs=0.05)
    assert found.deviation == pytest.approx(38.8, abs=0.05)
    assert found.bias_interval.low == pytest.approx(-22.0, abs=0.06)
    assert found.bias_interval.high == pytest.approx(17.8, abs=0.06)
    # The paper takes 2 deviations, -79.7 and 75.5; ours are 1.96.
    assert found.bias - 2 * found.deviation == pytest.approx(-79.7, abs=0.1)
    assert found.upper == pytest.approx(-2.1 + 1.96 * 38.8, abs=0.1)
    assert found.pairs == 17
    assert found.differences[0] == -18
    assert found.means[0] == 503


@pytest.mark.parametrize("n", [5, 20])
def test_intervals_of_the_limits_hold_the_true_limit(n):
    """2,000 samples drawn from a known normal: 95 % within what 2,000 draws allow (1.5 points)."""
    draw = np.random.default_rng(n)
    held_upper = held_lower = held_bias = 0
    for _ in range(2000):
        found = bland_altman(np.zeros(n), draw.normal(1.0, 2.0, n))
        held_upper += found.upper_interval.low <= 1 + 1.959964 * 2 <= found.upper_interval.high
        held_lower += found.lower_interval.low <= 1 - 1.959964 * 2 <= found.lower_interval.high
        held_bias += found.bias_interval.low <= 1 <= found.bias_interval.high
    for covered in (held_upper, held_lower, held_bias):
        assert covered / 2000 == pytest.approx(0.95, abs=0.015)


def test_the_exact_interval_meets_the_large_sample_one():
    draw = np.random.default_rng(0).normal(size=501)
    small, large = bland_altman(np.zeros(500), draw[:500]), bland_altman(np.zeros(501), draw)
    assert small.upper_interval.low == pytest.approx(large.upper_interval.low, abs=0.01)
    assert small.upper_interval.high == pytest.approx(large.upper_interval.high, abs=0.01)


def test_passing_bablok_is_that_of_mcr():
    found = passing_bablok(X20, Y20)
    assert found.slope == pytest.approx(1.0050, abs=5e-5)
    assert found.intercept == pytest.approx(0.0125, abs=5e-5)
    # mcr takes a neighbouring order statistic for the bounds.
    assert found.slope_interval.low == pytest.approx(0.9848077, abs=2e-3)
    assert found.slope_interval.high == pytest.approx(1.0265805, abs=2e-3)
    assert found.intercept_interval.low == pytest.approx(-0.29751, abs=2e-2)
    assert found.intercept_interval.high == pytest.approx(0.13933, abs=2e-2)
    assert found.linear and not found.constant_bias and not found.proportional_bias


@pytest.mark.parametrize("seed", range(3))
def test_without_falling_pairs_it_is_the_theil_sen_line(seed):
    """With no slope below -1 nothing is shifted, and SciPy's Theil-Sen line is the same."""
    x = np.linspace(10, 90, 40)
    y = 3.0 + 1.1 * x + np.random.default_rng(seed).normal(0, 0.4, 40)
    assert (np.diff(y) > -np.diff(x)).all()
    found, theirs = passing_bablok(x, y), theilslopes(y, x, alpha=0.95)
    assert found.slope == pytest.approx(theirs.slope)
    assert found.slope_interval.low == pytest.approx(theirs.low_slope)
    assert found.slope_interval.high == pytest.approx(theirs.high_slope)


@pytest.mark.parametrize("seed", range(3))
def test_the_methods_may_trade_places(seed):
    """What Theil-Sen does not do: noise enough for falling pairs, and the slope still inverts."""
    x, y = noisy(seed, noise=0.4)
    there, back = passing_bablok(x, y), passing_bablok(y, x)
    assert there.slope * back.slope == pytest.approx(1.0, rel=1e-6)
    assert there.slope_interval.low * back.slope_interval.high == pytest.approx(1.0, rel=1e-6)


def test_a_bias_is_told():
    x, y = noisy(1, slope=1.2, intercept=5.0)
    found = passing_bablok(x, y)
    assert found.proportional_bias and found.constant_bias and found.linear


def test_a_bend_is_told():
    x = np.linspace(1, 100, 80)
    found = passing_bablok(x, 100 - 0.01 * (x - 100) ** 2 + np.sin(np.arange(80)))
    assert not found.linear
    # The cusum of a bend: all points on one side, then on the other.
    assert found.linearity_p is not None and found.linearity_p < kstwobign.sf(1.36)


def test_equal_methods_agree_entirely():
    found = passing_bablok(X20, X20)
    assert (found.slope, found.intercept, found.linearity_p) == (1.0, 0.0, None)


def test_counts_with_many_equal_values():
    draw = np.random.default_rng(3)
    x = draw.poisson(20, 200).astype(float)
    found = passing_bablok(x, x + draw.integers(-1, 2, 200))
    assert found.slope_interval.low <= 1.0 <= found.slope_interval.high


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        ([1, 2, 3], [1, 2, 3], "at least 5 pairs"),
        ([1, 2, 3, 4, 5], [1, 2, 3, 4], "same samples twice"),
        ([1, 2, 3, 4, float("nan")], [1, 2, 3, 4, 5], "missing or not finite"),
        ([1, 1, 1, 1, 1], [1, 1, 1, 1, 1], "no line can be drawn"),
        ([1, 2, 3, 4, 5, 6], [6, 5, 4, 3, 2, 1], "no line can be drawn"),
    ],
)
def test_what_gives_no_line_is_refused(x, y, message):
    with pytest.raises(ValueError, match=message):
        passing_bablok(x, y)


def test_two_pairs_are_no_comparison():
    with pytest.raises(ValueError, match="at least 3 pairs"):
        bland_altman([1, 2], [1, 2])
