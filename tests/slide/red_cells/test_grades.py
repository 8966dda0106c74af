"""Shares of shapes and the grades they propose, against numbers worked by hand."""

from dataclasses import replace

import pytest
from scipy.stats import binomtest

from core.records.red_cell import SHAPES
from core.review.reading.grade_terms import TERMS
from core.slide.red_cells.grades import MINIMUM_CELLS, grade_at
from core.slide.red_cells.shares import JudgedCell, judged_cell
from core.slide.red_cells.summary import red_cells_in, red_cells_of
from core.slide.red_cells.terms import KEYS, LIMITS_PERCENT, NO_SHAPE, TERM_OF, TITLES
from tests.fixtures.red_cells import MODEL, shape_of, shaped_finding
from tests.fixtures.review import the


def of(findings):
    return the(red_cells_of(findings))


def within(cells, um_per_px=None):
    return the(red_cells_in(cells, um_per_px))


def slide(**cells):
    shapes = [shape_of(name) for name, number in cells.items() for _ in range(number)]
    return shaped_finding(shapes)


@pytest.mark.parametrize(
    ("term", "percent", "grade"),
    [
        ("schistocytes", 0, 0),
        ("schistocytes", 0.1, 1),
        ("schistocytes", 0.99, 1),
        ("schistocytes", 1, 2),
        ("schistocytes", 2, 2),
        ("schistocytes", 2.1, 3),
        ("target_cells", 4.9, 0),
        ("target_cells", 5, 2),
        ("target_cells", 20, 2),
        ("target_cells", 20.1, 3),
        ("microcytes", 10.9, 0),
        ("microcytes", 11, 2),
        ("microcytes", 21, 3),
    ],
)
def test_a_grade_is_that_of_the_table(term, percent, grade):
    assert grade_at(term, percent / 100) == grade


def test_every_shape_but_the_normal_one_is_graded_under_a_term_and_has_a_key():
    assert set(TERM_OF) == set(SHAPES) - {"normal"}
    assert set(TERM_OF.values()) <= set(LIMITS_PERCENT) == set(TERMS)
    assert len(set(KEYS.values())) == len(SHAPES) + 1 == len(KEYS)
    assert tuple(TITLES) == SHAPES


def test_shares_are_over_the_judged_cells_with_exact_intervals():
    finding = shaped_finding(
        [shape_of("normal")] * 940
        + [shape_of("target_cell")] * 60
        + [shape_of("", "overlapped")] * 30
        + [shape_of("schistocyte", "unclear")] * 5
    )
    found = of([finding])
    assert found.shares.judged == 1000
    assert found.shares.not_judged == {"overlapped": 30, "unclear": 5}
    row = found.shares.of("target_cell")
    expected = binomtest(60, 1000).proportion_ci(0.95, "exact")
    assert (row.cells, row.share) == (60, 0.06)
    assert (row.interval.low, row.interval.high) == pytest.approx((expected.low, expected.high))
    assert found.grades["target_cells"].grade == 2
    # 4.6 to 7.7 %: the lower end lies below the limit of 5 %.
    assert not found.grades["target_cells"].is_sure
    assert found.grades["schistocytes"].grade == 0
    assert found.models == (MODEL,)


def test_below_a_thousand_cells_nothing_is_proposed():
    few = of([slide(normal=MINIMUM_CELLS - 2, schistocyte=1)])
    assert not few.is_enough
    assert {one.grade for one in few.grades.values()} == {None}
    assert few.shares.of("schistocyte").cells == 1
    enough = of([slide(normal=MINIMUM_CELLS - 1, schistocyte=1)])
    assert enough.grades["schistocytes"].grade == 1
    assert enough.grades["schistocytes"].per_1000 == 1.0


def test_fields_that_are_left_out_are_in_no_number():
    whole, out = slide(normal=3), replace(slide(schistocyte=4), included_by_person=False)
    assert of([whole, out]).shares.judged == 3


def test_without_the_model_there_is_nothing():
    assert red_cells_of([shaped_finding([None] * 5)]) is None
    assert red_cells_of([]) is None
    # One field without a scale among others: its cells are told apart by their reason.
    mixed = of([slide(normal=2), shaped_finding([None] * 3)])
    assert mixed.shares.not_judged == {"not_asked": 3}


def test_a_correction_counts_in_the_shares():
    said = shape_of("schistocyte")
    assert judged_cell(said, "normal").shape == "normal"
    assert judged_cell(said, "normal").corrected
    assert not judged_cell(said, "schistocyte").corrected
    assert judged_cell(shape_of("", "overlapped"), "teardrop").shape == "teardrop"
    gone = judged_cell(said, NO_SHAPE)
    assert (gone.shape, gone.not_judged, gone.corrected) == ("", "by_reader", True)
    found = within([judged_cell(said, "normal"), judged_cell(said), gone])
    assert (found.shares.judged, found.shares.corrected) == (2, 2)
    assert found.shares.of("schistocyte").cells == 1


def test_sizes_stay_in_pixels_unless_the_scale_is_known():
    cells = [judged_cell(shape_of("normal", diameter_px=float(d))) for d in range(10, 21)]
    in_px = within(cells).measures
    assert [(one.name, one.unit) for one in in_px][:3] == [
        ("diameter", "px"), ("area", "px²"), ("roundness", "")
    ]  # fmt: skip
    assert in_px[0].quantiles[2] == 15
    in_um = within(cells, 0.5).measures
    assert in_um[0].quantiles[2] == 7.5
    assert in_um[1].quantiles[2] == pytest.approx(254.5 / 4)
    with pytest.raises(ValueError, match="above 0"):
        within(cells, 0.0)


def test_a_cell_has_a_shape_or_a_reason():
    with pytest.raises(ValueError, match="shape or the reason"):
        JudgedCell("", "")
    with pytest.raises(ValueError, match="unknown shape"):
        JudgedCell("banana")
