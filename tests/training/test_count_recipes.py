"""The two recipes that learn from counts alone, on a handful of drawn fields."""

import numpy as np
import pytest
import torch
from PIL import Image

from core.datasets import cbc, near_duplicates
from core.datasets.fields import LabelledField, read_rgb
from core.imaging.synthetic import draw
from core.models.regressor import CountRegressor
from core.store.run_records import Epoch
from core.taxonomy import KINDS
from core.training.density import DensityRecipe
from core.training.density_data import CANVAS, on_canvas
from core.training.locator import LocatorSplit
from core.training.loop import train
from core.training.loop_settings import LoopSettings
from core.training.regression import RegressionRecipe
from core.training.regression_data import CountingSplit, WholeFields, cbc_split

_QUICK = LoopSettings(
    epochs=6, batch_size=4, learning_rate=3e-3, warmup_steps=0, averaging=0.0, workers=0
)


@pytest.fixture(scope="module")
def fields(tmp_path_factory):
    folder, made = tmp_path_factory.mktemp("fields"), []
    for seed, red in enumerate((6, 9, 12, 15, 8, 14)):
        drawn = draw(900 + seed, width=320, height=240, rbc=red, wbc=[], rbc_diameter_px=45)
        file = folder / f"{seed}.png"
        Image.fromarray(drawn.field.pixels).save(file)
        boxes = np.array([cell.box_xyxy_px for cell in drawn.cells], np.float32)
        kinds = np.array([KINDS.index(cell.kind) for cell in drawn.cells])
        made.append(LabelledField(file, boxes.reshape(-1, 4), kinds))
    return made


def test_density_learns_counts_and_leaves_its_backbone_alone(fields, tmp_path):
    recipe = DensityRecipe(LocatorSplit(fields[:4], fields[4:], 0), pretrained=False, width=8)
    body = {k: v for k, v in recipe.build().state_dict().items() if k.startswith("body.")}
    rows: list[Epoch] = []
    model = train(recipe, _QUICK, tmp_path, rows.append)
    assert rows[-1].train_loss < rows[0].train_loss
    assert set(rows[-1].metrics) >= {"score", "loss", "mae_sum", "mae_rbc", "mae_platelet"}
    trained = model.state_dict()
    assert body
    assert all(torch.equal(trained[name], value) for name, value in body.items())


@pytest.mark.parametrize("reduced", [True, False])
def test_regression_learns_counts(fields, tmp_path, reduced):
    recipe = RegressionRecipe(
        CountingSplit(fields[:4], fields[4:], 0),
        backbone="resnet18",
        hidden=8,
        pretrained=False,
        reduced=reduced,
    )
    rows: list[Epoch] = []
    settings = LoopSettings(
        epochs=4, batch_size=4, learning_rate=2e-4, warmup_steps=0, averaging=0.0, workers=0
    )
    model = train(recipe, settings, tmp_path, rows.append)
    assert isinstance(model, CountRegressor)
    assert rows[-1].train_loss < rows[0].train_loss
    assert rows[-1].metrics["score"] == -rows[-1].metrics["mae_mean"]


def test_a_frozen_backbone_gives_the_same_counts_as_the_whole(fields):
    model = CountRegressor("resnet18", hidden=8).eval()
    with torch.no_grad():
        whole = model(WholeFields(fields).inputs)
        halved = model.counts_of(WholeFields(fields, frozen=model).inputs)
    assert torch.allclose(whole, halved, atol=1e-4)


@pytest.mark.parametrize(("height", "width", "diameter"), [(480, 640, 97.0), (575, 575, 120.0)])
def test_the_whole_field_lies_on_the_canvas(height, width, diameter):
    pixels = np.full((height, width, 3), 230, np.uint8)
    pixels[:4] = pixels[-4:] = pixels[:, :4] = pixels[:, -4:] = 0
    canvas = on_canvas(pixels, diameter)
    assert canvas.shape == (CANVAS[1], CANVAS[0], 3)
    rows, columns = np.nonzero((canvas < 200).any(axis=2))
    seen = (np.ptp(rows) + 1) / height, (np.ptp(columns) + 1) / width
    assert seen[0] == pytest.approx(seen[1], rel=0.02)
    assert seen[0] <= 50 / diameter + 0.01


def test_cbc_parts_share_no_picture(data_dir):
    """By hashes of our own hash's neighbours: exact bytes, which the copies in Validation share."""
    split = cbc_split(data_dir)
    parts = [split.train, split.validation, cbc.load(data_dir / "cbc", "Testing")]
    assert [len(part) for part in parts] == [240, 60, 60]
    hashes = [near_duplicates.hash_files([f.path for f in part]) for part in parts]
    assert not near_duplicates.copies_of(hashes[0], hashes[1]).any()
    assert not near_duplicates.copies_of(hashes[2], np.concatenate(hashes[:2])).any()
    pixels = [{read_rgb(f.path).tobytes() for f in part} for part in parts]
    assert sum(map(len, pixels)) == len(set.union(*pixels)) == 360
