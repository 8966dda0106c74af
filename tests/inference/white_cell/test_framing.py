"""A single-cell picture may be framed in any way: the cell is found, and its scale."""

import cv2
import numpy as np
import pytest

from core.datasets.fields import read_rgb
from core.imaging.synthetic import draw, draw_cell
from core.inference.white_cell.framing import single_cell_box, single_cell_crop
from core.models import registry
from core.records import Field

SIZES = (32, 64, 200, 700, 2000)


@pytest.fixture(scope="module")
def locator():
    return registry.live("locator")


def white_cell(seed, label):
    """A field's pixels and the box of its white cell."""
    drawn = draw(seed, wbc=[label])
    (box,) = (cell.box_xyxy_px for cell in drawn.cells if cell.kind == "wbc")
    return drawn.field.pixels, box


def cut(pixels, box, size, *, room=1.0, off=(0.0, 0.0), ground=None):
    """The square of ``room`` cells' sides round a cell; outside of the cell ``ground``."""
    x0, y0, x1, y1 = box
    side = max(x1 - x0, y1 - y0)
    middle = np.array([(x0 + x1) / 2, (y0 + y1) / 2])
    copy = np.array(pixels)
    if ground is not None:
        mask = np.zeros(copy.shape[:2], np.uint8)
        axes = (round((x1 - x0) / 2), round((y1 - y0) / 2))
        cv2.ellipse(mask, tuple(int(v) for v in middle), axes, 0, 0, 360, 255, -1)
        copy[mask == 0] = ground
    middle = middle + np.array(off) * side
    corner = middle - side * room / 2
    zoom = size / (side * room)
    move = np.array([[zoom, 0, -corner[0] * zoom], [0, zoom, -corner[1] * zoom]])
    cells = cv2.warpAffine(copy, move, (size, size), borderMode=cv2.BORDER_REFLECT_101)
    return Field("cell.png", np.ascontiguousarray(cells, np.uint8), "")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("ground", [None, (255, 255, 255)])
def test_a_tight_crop_of_any_size_shows_its_cell(locator, size, ground):
    for seed, label in ((11, "lymphocyte"), (12, "segmented_neutrophil"), (13, "monocyte")):
        pixels, box = white_cell(seed, label)
        for room, off in ((1.0, (0, 0)), (1.3, (0.1, -0.08))):
            field = cut(pixels, box, size, room=room, off=off, ground=ground)
            found, _ = single_cell_box(field, locator)
            assert found is not None, (label, room)
            # Its size is that of the cell: no lobe of the nucleus was taken for it.
            longest = max(found[2] - found[0], found[3] - found[1])
            assert 0.6 * size / room < longest <= 1.3 * size, (label, room)
            middle = np.array([found[0] + found[2], found[1] + found[3]]) / 2
            assert (np.abs(middle - size / 2) < 0.25 * size).all()
            crop, was_found = single_cell_crop(field, locator)
            assert was_found and crop.shape == (128, 128, 3)


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("pbc/monocyte/MO_721856.jpg", 1559),
        ("wbc_munich_support/NGB/NGB___NGB_0106_0_8415_107.jpg", 344),
    ],
)
def test_a_square_cut_out_and_laid_on_white_shows_its_cell(locator, data_dir, name, size):
    """The cut edges and what is left of red cells in the corners must not give the scale."""
    pixels = read_rgb(data_dir / name)
    box, _ = single_cell_box(Field(name, pixels, ""), locator)
    assert box is not None
    square = cut(pixels, box, round(size / 1.6), room=1.08).pixels
    side = len(square)
    white = np.full((size, size, 3), 255, np.uint8)
    start = round(0.3 * side)
    white[start : start + side, start : start + side] = square
    found, _ = single_cell_box(Field("cell.png", white, ""), locator)
    assert found is not None
    middle = np.array([found[0] + found[2], found[1] + found[3]]) / 2
    assert (np.abs(middle - size / 2) < 0.25 * side).all()


def test_without_red_cells_the_cell_gives_the_scale(locator):
    """The same cell at two sizes is cut to nearly the same crop."""
    pixels, box = white_cell(21, "lymphocyte")
    crops = [
        single_cell_crop(cut(pixels, box, size, room=1.1), locator)[0].astype(float)
        for size in (150, 900)
    ]
    assert np.corrcoef(crops[0].ravel(), crops[1].ravel())[0, 1] > 0.9


def test_red_cells_round_the_cell_give_the_scale_as_before(locator):
    field = draw_cell(31, "monocyte", size=360)
    box, diameter = single_cell_box(field, locator)
    assert box is not None and diameter is not None
    assert 0.15 * 360 < diameter < 0.3 * 360


@pytest.mark.parametrize("kind", ["white", "ground"])
def test_an_empty_picture_shows_no_cell(locator, kind):
    pixels = {
        "white": np.full((200, 200, 3), 255, np.uint8),
        "ground": np.random.default_rng(0).normal((225, 215, 220), 3, (200, 200, 3)),
    }[kind]
    field = Field("x.png", np.ascontiguousarray(pixels, np.uint8), "")
    assert single_cell_box(field, locator)[0] is None


def test_a_field_of_red_cells_is_no_white_cell(locator):
    for seed in (41, 42, 43):
        field = draw(seed, wbc=[], platelets=0).field
        assert single_cell_box(field, locator)[0] is None


def beside(*seeds_and_labels):
    """Drawn fields in a row as one picture."""
    drawn = [draw(seed, wbc=labels).field.pixels for seed, labels in seeds_and_labels]
    return Field("field.png", np.ascontiguousarray(np.hstack(drawn)), "")


def test_the_only_white_cell_of_a_whole_field_is_meant_wherever_it_lies(locator):
    for seed, label in ((1, "lymphocyte"), (5, "segmented_neutrophil"), (9, "monocyte")):
        _, box = white_cell(seed, label)
        field = beside((seed, [label]), (40, []), (41, []))
        found, diameter = single_cell_box(field, locator)
        assert found is not None and diameter is not None
        middle = (np.array(found[:2]) + np.array(found[2:])) / 2
        expected = (np.array(box[:2]) + np.array(box[2:])) / 2
        assert np.abs(middle - expected).max() < 0.25 * (box[2] - box[0]), seed


def test_of_two_white_cells_away_from_the_middle_neither_is_meant(locator):
    field = beside((1, ["lymphocyte"]), (40, []), (41, []), (9, ["monocyte"]))
    assert single_cell_box(field, locator)[0] is None
