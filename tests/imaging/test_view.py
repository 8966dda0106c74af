import numpy as np

from core.imaging.view import jpeg, pixels_of, png, shrink

NOISE = np.random.default_rng(0).integers(0, 255, (60, 90, 3), dtype=np.uint8)


def test_png_is_without_loss_and_keeps_the_order_of_colours():
    assert np.array_equal(pixels_of(png(NOISE)), NOISE)


def test_jpeg_keeps_flat_colours():
    flat = np.full((40, 40, 3), (200, 120, 160), np.uint8)
    assert np.abs(pixels_of(jpeg(flat)).astype(int) - flat).max() <= 3


def test_only_larger_pictures_shrink():
    assert shrink(NOISE, 90) is NOISE
    assert shrink(NOISE, 45).shape == (30, 45, 3)
