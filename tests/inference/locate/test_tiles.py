"""Tiles of a large picture: each pixel counts once, and seams change nothing that matters."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.imaging.synthetic import draw
from core.inference.locate import locator
from core.inference.locate.cell_crop import crop_cell
from core.inference.locate.locator import locate
from core.inference.locate.tiles import tiles
from core.models import registry
from core.models.cards import LocatorCard
from core.taxonomy import KINDS


@given(st.integers(8, 300), st.integers(8, 300), st.sampled_from([8, 16]), st.integers(0, 4))
def test_every_place_of_the_map_is_filled_exactly_once(rows, columns, multiple, margins):
    height, width, margin = rows * multiple, columns * multiple, margins * multiple
    filled = np.zeros((height // 8, width // 8), int)
    for tile in tiles(height, width, multiple=multiple, margin=margin, longest=480):
        read = np.zeros((height, width), np.uint8)[tile.read]
        assert read.shape[0] % multiple == read.shape[1] % multiple == 0
        answer = np.ones((read.shape[0] // 8, read.shape[1] // 8), int)[tile.kept(8)]
        filled[tile.place(8)] += answer
    assert (filled == 1).all()


def test_a_small_picture_is_one_tile_without_margins():
    (tile,) = tiles(240, 320, multiple=8, margin=32, longest=800)
    assert tile.read == tile.inner == (slice(0, 240), slice(0, 320))


@pytest.fixture(scope="module")
def wide():
    """A drawn view of 12 x 9 red-cell diameters beyond what one tile holds."""
    return draw(11, width=1400, height=1100, rbc_diameter_px=52)


def test_seams_neither_lose_nor_double_a_cell(wide, monkeypatch):
    model = registry.live("locator")
    thresholds = model.card_as(LocatorCard).thresholds
    limits = np.array([thresholds[kind] for kind in KINDS], np.float32)
    in_tiles = locate(wide.field.pixels, model).peaks.above(limits)
    monkeypatch.setattr(
        locator, "tiles", lambda h, w, **given: tiles(h, w, **{**given, "longest": 5000})
    )
    whole = locate(wide.field.pixels, model).peaks.above(limits)
    assert len(whole) > 100
    assert len(in_tiles) == pytest.approx(len(whole), abs=2)


def test_a_wide_view_finds_what_was_drawn(wide):
    model = registry.live("locator")
    thresholds = model.card_as(LocatorCard).thresholds
    limits = np.array([thresholds[kind] for kind in KINDS], np.float32)
    located = locate(wide.field.pixels, model)
    boxes = np.array([cell.box_xyxy_px for cell in wide.cells if cell.kind == "rbc"])
    diameter = float(np.median(np.sqrt((boxes[:, 2:] - boxes[:, :2]).prod(axis=1))))
    red = int((located.peaks.above(limits).kinds == 0).sum())
    assert located.rbc_diameter_px == pytest.approx(diameter, rel=0.15)
    assert red == pytest.approx(len(boxes), rel=0.08)


@pytest.mark.parametrize("middle", [(40, 30), (700, 500), (1380, 1090)])
def test_the_crop_of_a_cell_in_a_wide_view_is_that_of_the_whole_picture(wide, middle):
    x, y = middle
    box = (x - 35.0, y - 35.0, x + 35.0, y + 35.0)
    from_part = crop_cell(wide.field.pixels, box, 52.0).astype(int)
    # The whole picture resized first, as it is done for a camera field.
    side = 4 * 1400
    padded = cv2.copyMakeBorder(wide.field.pixels, side, side, side, side, cv2.BORDER_REFLECT_101)
    moved = (box[0] + side, box[1] + side, box[2] + side, box[3] + side)
    from_whole = crop_cell(np.asarray(padded, np.uint8), moved, 52.0).astype(int)
    assert np.abs(from_part - from_whole).mean() < 6
