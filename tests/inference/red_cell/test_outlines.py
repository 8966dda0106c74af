"""Outlines and measures of cells whose size and form are known."""

import math

import cv2
import numpy as np
import pytest

from core.inference.red_cell.ground import GROUND_VALUE
from core.inference.red_cell.outlines import DIAMETER_PX, outline
from core.inference.red_cell.shapes import measured, overlaps

GROUND, CELL = (235, 235, 240), (190, 110, 130)


def drawn(*ellipses):
    """A field of cells ``(x, y, half width, half height)`` and their boxes."""
    pixels = np.full((480, 640, 3), GROUND, np.uint8)
    boxes = []
    for x, y, across, down in ellipses:
        cv2.ellipse(pixels, (x, y), (across, down), 0, 0, 360, CELL, cv2.FILLED, cv2.LINE_AA)
        boxes.append((x - across, y - down, x + across, y + down))
    return pixels, boxes


def measures(pixels, boxes, diameter=60.0):
    cells = outline(pixels, boxes, range(len(boxes)), diameter)
    return cells, measured(cells, DIAMETER_PX / diameter)


def test_area_and_diameter_are_those_of_the_circle():
    _, (one, small) = measures(*drawn((150, 150, 30, 30), (400, 300, 20, 20)))
    assert one.area_px == pytest.approx(math.pi * 30**2, rel=0.05)
    assert one.diameter_px == pytest.approx(60, rel=0.03)
    assert small.diameter_px == pytest.approx(40, rel=0.05)
    assert one.chromicity == pytest.approx(1, abs=0.06)


def test_a_circle_is_round_and_an_ellipse_is_not():
    cells, (circle, ellipse) = measures(*drawn((150, 150, 30, 30), (400, 300, 45, 20)))
    assert circle.roundness > 0.93
    # 4 pi area / perimeter² of this ellipse, its perimeter by Ramanujan's formula: 0.754.
    assert ellipse.roundness == pytest.approx(0.754, abs=0.06)
    assert cells[1].elongation == pytest.approx(45 / 20, rel=0.08)


def test_pallor_is_the_share_of_the_pale_middle():
    pixels, boxes = drawn((150, 150, 30, 30), (400, 300, 30, 30))
    cv2.circle(pixels, (150, 150), 15, (230, 220, 226), cv2.FILLED, cv2.LINE_AA)
    _, (ring, full) = measures(pixels, boxes)
    assert ring.pallor == pytest.approx(0.25, abs=0.05)
    assert full.pallor < 0.06
    assert ring.chromicity < full.chromicity


def test_pixels_of_a_touching_neighbour_are_not_the_cells_own():
    _, (one, other, alone) = measures(
        *drawn((200, 200, 30, 30), (258, 200, 30, 30), (450, 350, 30, 30))
    )
    assert one.area_px == pytest.approx(alone.area_px, rel=0.08)
    assert other.area_px == pytest.approx(alone.area_px, rel=0.08)


def test_the_crop_shows_the_cell_alone():
    pixels, boxes = drawn((200, 200, 30, 30), (270, 200, 30, 30), (450, 350, 30, 30))
    cells = outline(pixels, boxes, [0, 2], 60.0)
    beside, alone = (cell.crop for cell in cells)
    assert (beside[:, -4:] == GROUND_VALUE).all()
    assert np.abs(beside.astype(int) - alone).mean() < 3
    assert alone[20, 20] < 180


def test_a_box_with_no_cell_in_it_has_no_measures():
    pixels, boxes = drawn((200, 200, 30, 30))
    cells = outline(pixels, [*boxes, (400, 300, 460, 360)], [1], 60.0)
    assert measured(cells, 1.0) == [None]


def test_a_cell_at_the_border_has_a_crop_too():
    pixels, boxes = drawn((5, 200, 30, 30), (300, 200, 30, 30), (638, 478, 30, 30))
    assert [cell.crop.shape for cell in outline(pixels, boxes, [0, 2], 60.0)] == [(40, 40)] * 2


def test_overlap_is_the_covered_share_of_the_smaller_box():
    boxes = [(0, 0, 10, 10), (5, 0, 25, 20), (100, 100, 110, 110)]
    assert overlaps(boxes).tolist() == pytest.approx([0.5, 0.125, 0.0])
    assert overlaps([]).tolist() == []
