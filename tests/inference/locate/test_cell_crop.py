"""The crop of a cell is the same in a camera field and in a large picture that holds it."""

import cv2
import numpy as np
import pytest

from core.inference.locate.cell_crop import crop_cell

DIAMETER_PX = 60.0


@pytest.fixture(scope="module")
def large():
    """Smooth structure of 2,400 px a side, so that half a pixel more or less changes little."""
    coarse = np.random.default_rng(0).integers(0, 256, (60, 60, 3)).astype(np.uint8)
    return cv2.resize(coarse, (2400, 2400), interpolation=cv2.INTER_CUBIC)


@pytest.mark.parametrize("mirrored", [True, False])
@pytest.mark.parametrize("middle", [(40, 30), (300, 20), (320, 320)])
def test_a_large_picture_gives_the_crop_of_the_field_that_it_holds(large, middle, mirrored):
    x, y = middle
    box = (x - 30.0, y - 30.0, x + 30.0, y + 30.0)
    field = np.ascontiguousarray(large[:640, :640])
    expected = crop_cell(field, box, DIAMETER_PX, mirrored=mirrored).astype(int)
    found = crop_cell(large, box, DIAMETER_PX, mirrored=mirrored).astype(int)
    assert np.abs(found - expected).mean() < 2
    assert np.abs(crop_cell(large, (900.0, 900.0, 960.0, 960.0), 60.0) - expected).mean() > 20
