"""Poisson numbers against printed tables, scipy's own tests and cases worked by hand."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, poisson

from core.statistics.poisson import (
    cells_for_precision,
    fields_still_needed,
    poisson_interval,
    ratio_interval,
)

# Exact 95 % limits as tables after Garwood 1936 print them, two decimals.
_TABLE = {
    0: (0.00, 3.69),
    1: (0.03, 5.57),
    5: (1.62, 11.67),
    10: (4.80, 18.39),
    20: (12.22, 30.89),
    50: (37.11, 65.92),
    100: (81.36, 121.63),
}


@pytest.mark.parametrize("count", _TABLE)
def test_garwoods_table(count):
    interval = poisson_interval(count)
    assert (round(interval.low, 2), round(interval.high, 2)) == _TABLE[count]


@given(count=st.integers(1, 500), confidence=st.sampled_from([0.8, 0.9, 0.95, 0.99]))
def test_tails_by_the_distribution_itself(count, confidence):
    interval = poisson_interval(count, confidence)
    tail = (1 - confidence) / 2
    assert poisson.sf(count - 1, interval.low) == pytest.approx(tail, rel=1e-6)
    assert poisson.cdf(count, interval.high) == pytest.approx(tail, rel=1e-6)


@pytest.mark.parametrize(("count", "confidence"), [(-1, 0.95), (3, 0.0), (3, 1.0)])
def test_refuses_what_is_no_count(count, confidence):
    with pytest.raises(ValueError, match="must be|is 0 or more"):
        poisson_interval(count, confidence)


@pytest.mark.parametrize(("above", "below"), [(3, 40), (0, 25), (12, 12), (7, 900)])
def test_ratio_by_scipys_binomial_test(above, below):
    exact = binomtest(above, above + below).proportion_ci(0.95, "exact")
    interval = ratio_interval(above, below)
    assert interval.low == pytest.approx(exact.low / (1 - exact.low))
    assert interval.high == pytest.approx(exact.high / (1 - exact.high))


def test_ratio_to_nothing_has_no_upper_end():
    assert ratio_interval(4, 0).high == math.inf


@pytest.mark.parametrize("relative", [0.05, 0.1, 0.25])
def test_precision_is_just_reached(relative):
    def half_width(cells):
        interval = poisson_interval(cells)
        return max(interval.high - cells, cells - interval.low) / cells

    cells = cells_for_precision(relative)
    assert half_width(cells) <= relative < half_width(cells - 1)
    # The textbook's approximation, (1.96 / precision) squared, is close and a little optimistic.
    assert 1 < cells / (1.96 / relative) ** 2 < 1.3


def test_fields_needed_worked_by_hand():
    wanted = cells_for_precision(0.1)
    # 23 cells a field in 4 fields: wanted / 23 fields in all, rounded up, less the 4.
    assert fields_still_needed(92, 4, 0.1) == math.ceil(wanted / 23) - 4
    assert fields_still_needed(10 * wanted, 4, 0.1) == 0
    assert fields_still_needed(0, 4, 0.1) is None


def test_refuses_a_precision_out_of_range():
    with pytest.raises(ValueError, match=r"between 0\.1 and 100 percent"):
        cells_for_precision(0)
