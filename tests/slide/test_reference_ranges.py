"""Marks and editing of reference ranges; expected marks read off the limits by hand."""

import pytest

from core.records import Estimate
from core.slide.reference_ranges import (
    ADULT_RANGES,
    ReferenceRange,
    is_sure,
    mark,
    range_for,
    ranges_of,
    read_ranges,
    write_ranges,
)

_PLATELETS = ReferenceRange("platelets_per_ul", "any", 18, 150, 150_000, 400_000, 20_000, 1e6)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (19_999, "critical low"),
        (20_000, "low"),
        (149_999, "low"),
        (150_000, ""),
        (400_000, ""),
        (400_001, "high"),
        (1_000_001, "critical high"),
    ],
)
def test_marks(value, said):
    assert mark(value, _PLATELETS) == said


def test_a_mark_is_sure_only_if_both_ends_agree():
    assert is_sure(Estimate(200_000, 160_000, 240_000), _PLATELETS)
    assert not is_sure(Estimate(160_000, 120_000, 200_000), _PLATELETS)


def test_a_row_for_the_persons_sex_comes_first():
    anyone = ReferenceRange("wbc_per_ul", "any", 18, 150, 4_000, 11_000)
    women = ReferenceRange("wbc_per_ul", "female", 18, 150, 4_500, 11_500)
    child = ReferenceRange("wbc_per_ul", "any", 1, 18, 5_000, 15_000)
    rows = (anyone, women, child)
    assert range_for(rows, "wbc_per_ul", "female", 40) is women
    assert range_for(rows, "wbc_per_ul", "male", 40) is anyone
    assert range_for(rows, "wbc_per_ul", "female", 17.9) is child
    assert range_for(rows, "wbc_per_ul", "male", 0.5) is None


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"analyte": "haemoglobin"}, "row 1: unknown analyte 'haemoglobin'"),
        ({"sex": "other"}, "sex must be one of any, female, male"),
        ({"low": 9, "high": 5}, "must rise"),
        ({"low": None}, "None is not a number"),
        ({"critical_low": 5_000}, "must rise"),
        ({"age_from": 20, "age_to": 20}, "the age must go up"),
        ({"high": float("inf")}, "0 or more, got inf"),
    ],
)
def test_says_what_is_wrong_with_a_row(row, reason):
    good = {"analyte": "wbc_per_ul", "sex": "any", "age_from": 18, "age_to": 150}
    good |= {"low": 4_000, "high": 11_000}
    with pytest.raises(ValueError, match=reason):
        ranges_of([{**good, **row}])


def test_two_rows_for_the_same_persons_are_refused():
    row = {"analyte": "monocyte", "sex": "any", "low": 2, "high": 10}
    with pytest.raises(ValueError, match="rows 1 and 2 are for the same persons"):
        ranges_of([{**row, "age_from": 0, "age_to": 20}, {**row, "age_from": 18, "age_to": 90}])


def test_kept_ranges_come_back(tmp_path):
    file = tmp_path / "site" / "ranges.json"
    assert read_ranges(file) == ADULT_RANGES
    write_ranges(file, [_PLATELETS])
    assert read_ranges(file) == (_PLATELETS,)
    file.write_text("{}")
    with pytest.raises(ValueError, match="must hold a list"):
        read_ranges(file)
