"""Another microscope for the same cells: what may change, and what may not."""

import numpy as np

from core.imaging.synthetic import draw
from core.training.augment import vary_channels, vary_parts, vary_surroundings

CELL = np.ascontiguousarray(draw(11).field.pixels[:128, :128])


def test_now_and_then_colour_is_lost_or_its_channels_change_places():
    rng = np.random.default_rng(0)
    turned = [vary_channels(rng, CELL) for _ in range(200)]
    grey = sum(bool((one[..., :1] == one).all()) for one in turned)
    as_it_was = sum(np.array_equal(one, CELL) for one in turned)
    moved = (
        sum(np.array_equal(np.sort(one, axis=2), np.sort(CELL, axis=2)) for one in turned)
        - as_it_was
    )
    assert 15 <= grey <= 50 and 5 <= moved <= 35 and grey + moved + as_it_was == 200


def test_parts_change_their_colour_and_keep_their_form():
    varied = [vary_parts(np.random.default_rng(seed), CELL) for seed in range(20)]
    assert all(one.shape == CELL.shape and one.dtype == np.uint8 for one in varied)
    change = np.mean([np.abs(one.astype(int) - CELL).mean() for one in varied])
    assert change > 4
    # What absorbs more light than its surroundings still does, mostly.
    before = CELL.astype(float).sum(axis=2).ravel()
    correlations = [
        np.corrcoef(before, one.astype(float).sum(axis=2).ravel())[0, 1] for one in varied
    ]
    assert np.mean(correlations) > 0.8 and min(correlations) > 0.5


def test_a_picture_of_one_colour_stays_one():
    plain = np.full((16, 16, 3), (200, 180, 190), np.uint8)
    varied = vary_parts(np.random.default_rng(1), plain)
    assert (varied == varied[0, 0]).all()


def test_the_cell_stays_and_its_surroundings_are_those_of_another():
    rng = np.random.default_rng(0)
    others = np.zeros_like(CELL)
    for _ in range(30):
        one = vary_surroundings(rng, CELL, others)
        assert np.abs(one[52:76, 52:76].astype(int) - CELL[52:76, 52:76]).max() <= 1
        corner = one[:6, :6].reshape(-1, 3).astype(int)
        assert np.ptp(corner, axis=0).max() <= 3  # black, or one plain colour
