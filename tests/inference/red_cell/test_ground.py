"""Taking out ground and depth of stain, on fields drawn by hand."""

import cv2
import numpy as np
import pytest

from core.inference.red_cell.ground import CELLS_BELOW, DENSITIES, GROUND_VALUE, even


def field(ground, cell, diameter=50):
    pixels = np.full((300, 400, 3), ground, np.uint8)
    for x in (60, 160, 260, 340):
        for y in (70, 200):
            cv2.circle(pixels, (x, y), diameter // 2, cell, cv2.FILLED)
    return pixels


@pytest.mark.parametrize(
    ("ground", "cell"),
    [
        ((240, 240, 240), (200, 120, 140)),
        ((150, 190, 230), (120, 90, 150)),
        ((170, 160, 90), (110, 95, 70)),
    ],
)
def test_every_ground_and_stain_becomes_the_same(ground, cell):
    evened = even(field(ground, cell))
    assert abs(int(evened[0, 0]) - GROUND_VALUE) <= 1
    assert DENSITIES[evened[70, 60]] == pytest.approx(0.45, abs=0.02)
    assert evened[70, 60] < CELLS_BELOW <= evened[0, 0]


def test_a_pale_cell_among_others_stays_pale():
    pixels = field((240, 240, 240), (200, 120, 140))
    cv2.circle(pixels, (160, 200), 25, (225, 200, 208), cv2.FILLED)
    evened = even(pixels)
    assert evened[200, 160] > evened[70, 60] + 30


def test_an_empty_field_has_no_cells():
    assert (even(np.full((200, 200, 3), 230, np.uint8)) >= CELLS_BELOW).all()
