"""What is estimated of a slide, and what gets a mark."""

from dataclasses import replace

import pytest

from core.records import Flag
from core.slide.calibration import Calibration, keep_calibration, read_calibrations
from core.slide.estimates import Entered, estimates, judged
from core.slide.reference_ranges import ADULT_RANGES
from tests.slide.test_blood_count import _finding

SITE = Calibration("100x oil", "DS-Fi2", 640, 480, "Anna", "2026-11-02", wbc_factor_per_ul=400.0)
ADULT = Entered(age_years=40.0)


def marks(findings, entered=ADULT, calibration=None, minimum=100):
    rows = estimates(findings, entered, calibration, minimum)
    return {row.name: (row, judged(row, ADULT_RANGES, entered)) for row in rows}


def test_thirty_fields_of_a_small_camera_raise_no_alarm_with_nothing_entered():
    found = marks([_finding(23, ("lymphocyte",), 1)] * 30)
    assert not any("per µL" in name for name in found)
    assert {against.mark for _, against in found.values()} == {None}
    assert {row.too_few for row, _ in found.values()} == {"30 of 100 white cells"}


def test_the_ratio_comes_first_and_is_judged_on_enough_red_cells():
    entered = replace(ADULT, analyser_rbc_per_ul=4.8e6)
    found = marks([_finding(23, ("lymphocyte",), 1)] * 30, entered, SITE)
    assert list(found)[:2] == ["Platelets per µL, by ratio to RBC", "White cells per µL, by factor"]
    row, against = found["Platelets per µL, by ratio to RBC"]
    assert row.estimate.value == pytest.approx(30 / 690 * 4.8e6)
    assert against.mark == ""
    row, against = marks([_finding(23, (), 0)] * 3, entered)["Platelets per µL, by ratio to RBC"]
    assert row.too_few == "69 of 500 red cells" and against.mark is None
    # No platelet at all on a slide full of red cells is a finding, not too few.
    _, against = marks([_finding(100, (), 0)] * 10, entered)["Platelets per µL, by ratio to RBC"]
    assert against.mark == "critical low"


def test_a_factor_holds_for_its_pictures_only():
    fields = [_finding(60, ("lymphocyte",), 1)] * 12
    row, _ = marks(fields, calibration=SITE)["White cells per µL, by factor"]
    assert row.estimate.value == pytest.approx(400)
    assert "Anna" in row.note and "2026-11-02" in row.note
    cropped = [replace(fields[0], width=320)]
    row, against = marks([*fields, *cropped], calibration=SITE)["White cells per µL, by factor"]
    assert row.estimate is None and against.mark is None and "320 x 480" in row.note
    # What is left out decides nothing.
    out = [replace(cropped[0], flags=(Flag("not_a_smear", "no smear"),))]
    row, _ = marks([*fields, *out], calibration=SITE)["White cells per µL, by factor"]
    assert row.estimate is not None
    row, against = marks(fields[:3], calibration=SITE)["White cells per µL, by factor"]
    assert row.too_few == "180 of 500 red cells" or row.too_few == "3 of 10 fields"
    assert against.mark is None


def test_an_area_scales_the_published_factors():
    # A field of a quarter of a whole oil-immersion field holds a quarter of its cells.
    area = 3.14159265 * 0.11**2 / 4
    small = replace(SITE, wbc_factor_per_ul=None, field_area_mm2=area)
    assert small.platelet_factor == pytest.approx(60_000)
    assert small.wbc_factor == pytest.approx(8_000)
    assert replace(small, wbc_factor_per_ul=5.0).wbc_factor == 5.0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"camera": " "}, "camera takes 1 to"),
        ({"width_px": 0}, "width_px must be"),
        ({"wbc_factor_per_ul": None}, "needs the field's area or a factor"),
        ({"field_area_mm2": -1.0}, "above 0"),
        ({"platelet_factor_per_ul": float("nan")}, "above 0"),
    ],
)
def test_a_calibration_that_says_nothing_is_refused(change, words):
    with pytest.raises(ValueError, match=words):
        replace(SITE, **change)


def test_calibrations_are_kept_and_replaced_by_name(tmp_path):
    file = tmp_path / "new" / "calibrations.json"
    assert read_calibrations(file) == ()
    keep_calibration(file, SITE)
    other = replace(SITE, camera="phone")
    keep_calibration(file, other)
    keep_calibration(file, replace(SITE, camera="ds-fi2", wbc_factor_per_ul=500.0))
    assert [one.wbc_factor_per_ul for one in read_calibrations(file)] == [400.0, 500.0]
    file.write_text('[{"objective": "100x"}]')
    with pytest.raises(ValueError, match="row 1"):
        keep_calibration(file, SITE)
    assert file.read_text() == '[{"objective": "100x"}]'
