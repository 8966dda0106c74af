"""The two recipes that learn from counts alone, on a handful of drawn fields."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from torch.utils.data import default_collate

from core.datasets import near_duplicates
from core.datasets.fields import LabelledField, read_rgb
from core.datasets.public import cbc
from core.imaging.synthetic import draw, png_bytes
from core.inference.locate.regression import density_copy
from core.models.regressor import CountRegressor
from core.store.run_records import Epoch
from core.taxonomy import KINDS
from core.training.counts.data import CountingSplit, WholeFields, cbc_split
from core.training.counts.density import DensityRecipe
from core.training.counts.density_data import CANVAS, DensityFields, ScaledField, fitted
from core.training.counts.recipe import RegressionRecipe
from core.training.locator.recipe import LocatorSplit
from core.training.loop.settings import LoopSettings
from core.training.loop.train import train

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
def test_a_field_is_learnt_from_as_an_answer_reads_it(height, width, diameter):
    pixels = np.full((height, width, 3), 230, np.uint8)
    pixels[:9] = pixels[-9:] = pixels[:, :9] = pixels[:, -9:] = 0
    small = fitted(pixels, diameter)
    assert np.array_equal(small, density_copy(pixels, diameter))  # they fit as they are
    close = fitted(pixels, diameter / 4)
    assert close.shape[0] <= CANVAS[1] and close.shape[1] <= CANVAS[0]
    edges = np.concatenate([close[0], close[-1], close[:, 0], close[:, -1]])
    assert edges.max() < 60  # nothing was cut away


def test_the_filling_of_a_smaller_field_adds_nothing_to_its_count(tmp_path):
    made = [draw(seed, width=width, height=240) for seed, width in ((0, 320), (1, 240))]
    fields = []
    for one in made:
        file = tmp_path / one.field.name
        file.write_bytes(png_bytes(one.field))
        counts = np.array([one.count(kind) for kind in KINDS])
        fields.append(ScaledField(file, counts, rbc_diameter_px=50.0))
    recipe = DensityRecipe(LocatorSplit([], [], 0), pretrained=False)
    model = recipe.build()
    examples = DensityFields(fields, model, 0, mirrored=False)
    batch = default_collate([examples[0, 0], examples[0, 1]])
    assert batch["features"].shape[2:] == (CANVAS[1] // 8, CANVAS[0] // 8)
    alone = [model.head(ways[0][None].float()).sum(dim=(2, 3)) for ways in examples.features]
    wanted = torch.tensor(np.stack([field.counts() for field in fields])).float()
    weights = torch.tensor([1.0, 3.0, 3.0])
    by_hand = [
        (F.smooth_l1_loss(predicted[0], true, reduction="none", beta=0.5) * weights).sum().item()
        for predicted, true in zip(alone, wanted, strict=True)
    ]
    assert recipe.loss(model, batch).item() == pytest.approx(np.mean(by_hand), rel=1e-3)


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
