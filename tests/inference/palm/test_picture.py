"""The photo of a hand with what was found drawn onto it."""

import numpy as np
import pytest

from core.inference.palm.hand import Hand
from core.inference.palm.picture import drawn

PHOTO = np.full((600, 400, 3), 128, np.uint8)
SQUARE = np.array([[100, 200], [300, 200], [300, 400], [100, 400]], float)


def changed(picture):
    return (picture != 128).any(axis=2)


def test_the_copy_is_shrunk_and_the_photo_left_alone():
    copy = drawn(PHOTO, [], SQUARE, 300)
    assert copy.shape == (300, 200, 3)
    assert (PHOTO == 128).all()
    assert drawn(PHOTO, [], None, 900).shape == PHOTO.shape


def test_the_square_is_drawn_where_it_was_judged_its_upper_side_thickest():
    marked = changed(drawn(PHOTO, [], SQUARE, 300))
    rows, columns = np.flatnonzero(marked.any(axis=1)), np.flatnonzero(marked.any(axis=0))
    middle = (rows[0] + rows[-1]) / 2, (columns[0] + columns[-1]) / 2
    assert middle == pytest.approx((150, 100), abs=3)
    assert marked[80:120, 100].sum() > marked[180:220, 100].sum() > 0


def test_landmarks_are_drawn_and_numbered_only_where_asked():
    points = np.stack([np.linspace(120, 280, 21), np.linspace(150, 450, 21)], axis=1)
    hand = Hand(points.astype(np.float32), 1.0, 0.9, 0.9)
    plain = drawn(PHOTO, [hand], None, 600)
    numbered = drawn(PHOTO, [hand], None, 600, numbered=True)
    assert all(changed(plain)[round(y), round(x)] for x, y in points)
    assert not changed(plain)[:100].any()
    assert (plain != numbered).any()
