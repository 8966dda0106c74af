"""What is drawn to learn from."""

from collections import Counter

import numpy as np
import pytest
import torch

from core.inference.red_cell.ground import GROUND_VALUE
from core.training.red_cells.examples import Example, RedCellExamples, varied
from core.training.red_cells.recipe import RedCellRecipe, RedCellSplit, shapes_loss

CLASSES = ("normal", "schistocyte", "teardrop")


def crop(value, radius=12):
    rows, columns = np.ogrid[:40, :40]
    disc = (rows - 19.5) ** 2 + (columns - 19.5) ** 2 < radius**2
    return np.where(disc, value, GROUND_VALUE).astype(np.uint8)[None]


def cells():
    common = [Example(crop(120), ("normal",), "slide 1") for _ in range(180)]
    rare = [Example(crop(90, 6), ("teardrop",), "slide 2") for _ in range(20)]
    other = [Example(crop(150), ("normal",), "elsewhere: there") for _ in range(20)]
    return common + rare + other


def test_an_item_is_always_the_same_and_differs_by_epoch():
    examples = RedCellExamples(cells(), CLASSES, seed=3)
    again = RedCellExamples(cells(), CLASSES, seed=3)
    assert torch.equal(examples[0, 5]["image"], again[0, 5]["image"])
    assert not torch.equal(examples[0, 5]["image"], examples[1, 5]["image"])


def test_rare_shapes_and_slides_are_drawn_more_often_than_they_are():
    examples = RedCellExamples(cells(), CLASSES, seed=0, length=2000)
    drawn = Counter(tuple(examples[0, i]["target"].tolist()) for i in range(2000))
    share = drawn[(0.0, 0.0, 1.0)] / 2000
    # sqrt(20) / (sqrt(20) + sqrt(200)) of the draws, against 9 % of the cells.
    assert share == pytest.approx(0.24, abs=0.03)


def test_the_ground_stays_flat_whatever_is_varied():
    rng = np.random.default_rng(0)
    for _ in range(20):
        changed = varied(rng, crop(120, 8)[0])
        assert (changed[:3] == GROUND_VALUE).all() and (changed[:, -3:] == GROUND_VALUE).all()
        assert changed[20, 20] < 200


def test_a_cell_without_a_shape_to_learn_is_refused():
    with pytest.raises(ValueError, match="needs a shape"):
        RedCellExamples([Example(crop(120), ("stomatocyte",), "slide 1")], CLASSES, seed=0)


def test_an_unnamed_cell_asks_only_that_the_suspects_are_improbable():
    right = torch.tensor([[1.0, 0.0, 0.0], [1.0, 0.0, 0.0]])
    sure = torch.tensor([[9.0, 0.0, 0.0], [0.0, 9.0, 0.0]])
    losses = [float(shapes_loss(sure[i : i + 1], right[i : i + 1])) for i in (0, 1)]
    assert losses[0] < 0.5 < 5 < losses[1]
    either = shapes_loss(torch.tensor([[4.0, 0.0, 4.0]]), torch.tensor([[1.0, 0.0, 1.0]]))
    assert float(either) < 0.2


def test_the_recipe_scores_by_mean_recall():
    held_out = [Example(crop(120), ("normal",), "a")] * 9 + [Example(crop(90), ("teardrop",), "a")]
    recipe = RedCellRecipe(RedCellSplit(CLASSES, cells(), held_out))
    model = recipe.build().eval()
    with torch.no_grad():
        model.head.weight.zero_()
        model.head.bias.copy_(torch.tensor([1.0, 0.0, 0.0]))
    metrics = recipe.validate(model)
    assert metrics["accuracy"] == pytest.approx(0.9)
    assert metrics["score"] == metrics["balanced_accuracy"] == pytest.approx(0.5)
