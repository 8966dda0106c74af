"""Cells still needed, checked by counting up one by one with statsmodels' interval."""

import pytest
from statsmodels.stats.proportion import proportion_confint

from core.statistics.cells_needed import cells_still_needed, decide


def _decided(cells, counted, limit):
    low, high = proportion_confint(cells, counted, 0.05, "beta")
    return low > limit or high < limit


@pytest.mark.parametrize(
    ("cells", "counted", "limit", "expected"),
    [
        # Ruemke: 5 % of 100 cells is 1.6 to 11.3 %, of 400 cells 3.1 to 7.6 %.
        (5, 100, 0.012, "above"),
        (5, 100, 0.02, "undecided"),
        (20, 400, 0.08, "below"),
        (20, 400, 0.07, "undecided"),
        (0, 0, 0.5, "undecided"),
    ],
)
def test_decides_as_ruemkes_table(cells, counted, limit, expected):
    assert decide(cells, counted, limit) == expected


@pytest.mark.parametrize(
    ("cells", "counted", "limit"),
    [(5, 100, 0.10), (60, 100, 0.5), (3, 200, 0.03), (8, 100, 0.05), (45, 100, 0.40)],
)
def test_as_counting_up_one_by_one(cells, counted, limit):
    more = cells_still_needed(cells, counted, limit)
    first = next(
        n for n in range(counted, 10_001) if _decided(round(cells * n / counted), n, limit)
    )
    assert more is not None
    assert _decided(round(cells * (counted + more) / counted), counted + more, limit)
    # Rounding lets a smaller number decide once by luck; ours may be at most a little later.
    assert first <= counted + more <= first * 1.25 + 5


def test_decided_already_needs_none():
    assert cells_still_needed(80, 100, 0.5) == 0


def test_on_the_limit_no_number_decides():
    assert cells_still_needed(50, 100, 0.5) is None
    assert cells_still_needed(0, 0, 0.5) is None


@pytest.mark.parametrize("limit", [0.0, 1.0, -0.2])
def test_refuses_a_limit_that_is_no_share(limit):
    with pytest.raises(ValueError, match="between 0 and 100 percent"):
        decide(1, 10, limit)
