"""Estimates per microlitre and ratios, worked by hand and by scipy."""

from dataclasses import replace

import pytest
from scipy.stats import binomtest, chi2

from core.records import Cell, CellCounts, Estimate, SmearFinding, WbcCall
from core.slide.blood_count import (
    by_factor,
    by_red_cell_ratio,
    corrected_range,
    corrected_wbc,
    nucleated_red_cells,
    per_100_wbc,
    rate,
    rates,
)


def _cell(kind, place, label=None):
    call = None
    if label:
        call = WbcCall(label, 0.9, {label: 0.9}, (label,), False, "test")
    return Cell(kind, (10.0 * place, 10.0, 10.0 * place + 8, 18.0), 0.9, call)


def _finding(red=0, white=(), platelets=0, **changes):
    kinds = ["rbc"] * red + ["platelet"] * platelets
    cells = [_cell(kind, i) for i, kind in enumerate(kinds)]
    cells += [_cell("wbc", 50 + i, label) for i, label in enumerate(white)]
    counts = [Estimate(n, n, n) for n in (red, len(white), platelets)]
    finding = SmearFinding(
        "a.png", 640, 480, "locator", "m", "all_visible", CellCounts(*counts), tuple(cells)
    )
    return replace(finding, **changes)


def test_rate_by_chi_squared_written_out():
    found = rate(40, 10)
    assert found.value == 4
    assert found.low == pytest.approx(chi2.ppf(0.025, 80) / 20)
    assert found.high == pytest.approx(chi2.ppf(0.975, 82) / 20)


def test_a_rate_needs_a_field():
    with pytest.raises(ValueError, match="at least one field"):
        rate(3, 0)


def test_rates_count_what_a_box_turned_out_to_hold():
    findings = [
        _finding(20, ("lymphocyte", "erythroblast"), 3),
        _finding(26, ("platelet", "smudge", "monocyte"), 1),
    ]
    red, white, platelets = rates(findings)
    assert (red.cells, red.per_field.value) == (46, 23)
    assert white.cells == 2
    assert platelets.cells == 5
    assert nucleated_red_cells(findings) == 1


def test_regression_counts_are_taken_as_they_are():
    finding = _finding(20, ("erythroblast",), 3, method="regression")
    assert [row.cells for row in rates([finding])] == [20, 1, 3]


def test_no_fields_no_rates():
    assert rates([]) == ()


def test_platelets_by_the_sites_factor():
    # 12 platelets a field at 15,000 per microlitre: 180,000.
    found = by_factor(rate(120, 10), 15_000)
    assert found.value == 180_000
    assert found.low == pytest.approx(chi2.ppf(0.025, 240) / 20 * 15_000)
    with pytest.raises(ValueError, match="above 0"):
        by_factor(rate(1, 1), 0)


def test_platelets_by_ratio_to_the_analysers_red_cells():
    # 60 platelets among 1,000 red cells, 5 million red cells: 300,000.
    found = by_red_cell_ratio(60, 1_000, 5e6)
    exact = binomtest(60, 1060).proportion_ci(0.95, "exact")
    assert found is not None
    assert found.value == pytest.approx(300_000)
    assert found.low == pytest.approx(exact.low / (1 - exact.low) * 5e6)
    assert by_red_cell_ratio(3, 0, 5e6) is None
    with pytest.raises(ValueError, match="RBC count must be above 0"):
        by_red_cell_ratio(3, 10, -1)


def test_nucleated_red_cells_per_hundred():
    found = per_100_wbc(5, 200)
    assert found is not None
    assert found.value == 2.5
    assert found.low < 2.5 < found.high
    assert per_100_wbc(5, 0) is None


def test_corrected_white_count():
    # The textbook's case: 20,000 with 100 nucleated red cells per 100 leaves 10,000.
    assert corrected_wbc(20_000, 100) == 10_000
    # More nucleated red cells leave fewer white ones, so the ends change places.
    found = corrected_range(20_000, Estimate(100, 25, 300))
    assert (found.value, found.low, found.high) == (10_000, 5_000, 16_000)
    with pytest.raises(ValueError, match="0 or more"):
        corrected_wbc(-1, 0)
