"""Diameters of drawn cells, whose sizes are known, and cases worked by hand."""

import numpy as np
import pytest

from core.imaging import synthetic
from core.records import Cell, CellCounts, Estimate, SmearFinding
from core.slide.red_cell_size import red_cell_sizes

_NONE = Estimate(0, 0, 0)


def _finding(cells, width=640, height=480):
    counts = CellCounts(_NONE, _NONE, _NONE)
    made = tuple(Cell(kind, box, 0.9) for kind, box in cells)
    return SmearFinding("a", width, height, "locator", "m", "all_visible", counts, made)


def _square(x, y, side, kind="rbc"):
    return kind, (x, y, x + side, y + side)


def test_worked_by_hand():
    free = [_square(100, 100, 70), _square(250, 100, 75), _square(400, 100, 80)]
    cut, pair = [_square(0, 300, 70)], [_square(300, 300, 75), _square(330, 300, 75)]
    sizes = red_cell_sizes([_finding(free + cut + pair)], um_per_px=0.1)
    assert sizes.diameters_um == pytest.approx([7.0, 7.5, 8.0])
    assert sizes.median_um == pytest.approx(7.5)
    assert sizes.spread == pytest.approx(0.5 / 7.5)
    assert (sizes.share_at_edge, sizes.share_overlapping) == pytest.approx((1 / 6, 2 / 6))
    assert sizes.calibrated


def test_a_white_cell_overlaps_and_a_platelet_does_not():
    red = _square(200, 200, 80)
    assert red_cell_sizes([_finding([red, _square(210, 210, 20, "platelet")])]).cells == 1
    assert len(red_cell_sizes([_finding([red, _square(210, 210, 20, "platelet")])]).diameters_um)
    assert not len(red_cell_sizes([_finding([red, _square(240, 200, 120, "wbc")])]).diameters_um)


def test_without_a_calibration_the_median_is_seven_and_a_half_at_any_magnification():
    near = [_square(100, 100, 140), _square(300, 100, 150), _square(300, 300, 160)]
    far = [_square(100, 100, 70), _square(250, 100, 75), _square(400, 100, 80)]
    sizes = red_cell_sizes([_finding(near), _finding(far)])
    assert sizes.median_um == pytest.approx(7.5)
    assert not sizes.calibrated
    assert sizes.spread == pytest.approx(np.std([7, 7, 7.5, 7.5, 8, 8], ddof=1) / 7.5)


def test_drawn_cells_have_the_diameter_they_were_drawn_with():
    drawn = synthetic.draw(3, rbc=12, wbc=[], platelets=0, rbc_diameter_px=90)
    cells = [(cell.kind, cell.box_xyxy_px) for cell in drawn.cells]
    sizes = red_cell_sizes([_finding(cells)], um_per_px=7.5 / 90)
    assert sizes.median_um == pytest.approx(7.5, abs=0.8)


def test_no_cells_is_not_determined():
    sizes = red_cell_sizes([_finding([])])
    assert sizes.median_um is None
    assert sizes.spread is None
    with pytest.raises(ValueError, match="above 0"):
        red_cell_sizes([], um_per_px=0)
