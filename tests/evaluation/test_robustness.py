"""Changes do what their names say; the table on a counter whose errors are known."""

import numpy as np
import pytest

from core.datasets.fields import LabelledField
from core.evaluation.erasing import drops, erased, free_cells
from core.evaluation.robustness import CHANGES, robustness
from core.imaging.synthetic import draw


@pytest.fixture(scope="module")
def picture():
    return draw(12).field.pixels


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_gives_a_picture_again(picture, name):
    changed = CHANGES[name](picture)
    assert changed.dtype == np.uint8
    height, width = picture.shape[:2]
    # Turned by 10 degrees, all of it is still there: 640 cos + 480 sin, 640 sin + 480 cos.
    turned = (584, 714, 3) if (height, width) == (480, 640) else None
    assert changed.shape in {picture.shape, (width, height, 3), turned}
    assert (changed is picture) == (name == "as taken")


def test_light_and_colour_change_as_named(picture):
    mean = picture.reshape(-1, 3).mean(axis=0)
    assert CHANGES["light x 0.4"](picture).mean() == pytest.approx(0.4 * picture.mean(), rel=0.02)
    warmer = CHANGES["warmer: red x 1.2, blue x 0.8"](picture).reshape(-1, 3).mean(axis=0)
    assert warmer[0] > mean[0]
    assert warmer[2] == pytest.approx(0.8 * mean[2], rel=0.02)


def test_what_misleads_is_counted(picture):
    """A counter that is right in daylight and ten cells off in the dark, which is flagged."""
    truth = np.array([[20, 1, 2]])

    def count(pixels):
        off = 10 if pixels.mean() < 100 else 0
        return np.array([20.0 + off, 1, 2])

    chosen = {name: CHANGES[name] for name in ("as taken", "light x 0.4")}
    rows = robustness([picture], truth, count, chosen)
    assert rows["as taken"]["mean"] == 0
    dark = rows["light x 0.4"]
    assert (dark["rbc"], dark["worse"], dark["flagged"]) == (10, 1, 1)
    assert dark["worse_unflagged"] == 0


def test_free_cells_and_their_erasing_worked_by_hand(tmp_path):
    pixels = np.full((200, 300, 3), 230, np.uint8)
    pixels[50:90, 50:90] = pixels[100:140, 200:240] = 90
    boxes = np.array(
        [[50, 50, 90, 90], [200, 100, 240, 140], [230, 100, 270, 140], [0, 150, 30, 190]],
        np.float32,
    )
    labels = LabelledField(tmp_path / "a.png", boxes, np.zeros(4, np.int64))
    assert free_cells(labels, 0, 300, 200) == [0]
    gone = erased(pixels, boxes[0])
    assert gone[50:90, 50:90].min() > 200
    assert np.array_equal(gone[100:140, 200:240], pixels[100:140, 200:240])
    # A counter of dark pixels loses just that cell.
    fall = drops([pixels], [labels], 0, lambda p: float((p[..., 0] < 150).sum()))
    assert fall.tolist() == [1600.0]
