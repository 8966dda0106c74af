"""The ruler's scale: a calibration that fits alone, else the red cells, else none."""

import pytest

from core.slide.calibration import Calibration
from core.slide.scale import scale_of


def calibration(objective="100x", area=0.01):
    return Calibration(objective, "camera", 1000, 1000, "Anna", "2026-01-02", field_area_mm2=area)


def test_a_calibration_goes_before_the_red_cells():
    # 0.01 mm2 is a square of 100 um: 0.1 um for each of 1000 pixels.
    found = scale_of(1000, 1000, 50.0, [calibration()])
    assert found is not None and found.um_per_px == pytest.approx(0.1)
    assert "100x" in found.basis


@pytest.mark.parametrize("fitting", [[], [calibration(), calibration("40x", 0.06)]])
def test_red_cells_give_it_where_no_calibration_does(fitting):
    found = scale_of(1000, 1000, 75.0, fitting)
    assert found is not None and found.um_per_px == pytest.approx(0.1)
    assert "red cells" in found.basis


def test_none_without_either():
    assert scale_of(640, 480, None, [calibration()]) is None
