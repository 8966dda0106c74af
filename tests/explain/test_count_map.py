"""Maps of a count by regression: exact for the density counter, Grad-CAM by hand for the other."""

import cv2
import numpy as np
import pytest
import torch

from core.explain.count_map import (
    explain_regression,
    is_exact,
    outlined,
    regression_verdict,
    regressor_map,
    regressor_verdict,
    whole_square,
)
from core.imaging.synthetic import draw
from core.inference.locate.regression import density_map
from core.models import registry
from core.models.regressor import CountRegressor
from core.models.weights import LoadedModel
from core.records import Cell
from core.taxonomy import KINDS


@pytest.fixture(scope="module")
def field():
    return draw(31).field


@pytest.fixture(scope="module")
def plain_regressor():
    """Output i is the sum of channel i of the last map, so its Grad-CAM is known by hand."""
    torch.manual_seed(0)
    model = CountRegressor("resnet18", hidden=3).eval()
    hidden, last = model.head[1], model.head[3]
    assert isinstance(hidden, torch.nn.Linear)
    assert isinstance(last, torch.nn.Linear)
    with torch.no_grad():
        hidden.weight.zero_()
        hidden.bias.zero_()
        for i in range(3):
            hidden.weight[i, i * 49 : (i + 1) * 49] = 1.0
        last.weight.copy_(torch.eye(3))
        last.bias.zero_()
    return model


@pytest.mark.parametrize("kind", KINDS)
def test_the_map_is_of_the_output_that_is_explained(field, plain_regressor, kind):
    square = whole_square(field.pixels)
    found = regressor_map(plain_regressor, square, kind)
    with torch.no_grad():
        images = torch.from_numpy(square.transpose(2, 0, 1)[None].copy()).float() / 255
        channel = plain_regressor.feature_map(images)[0, KINDS.index(kind)].numpy()
    expected = cv2.resize(channel - channel.min(), (224, 224))
    expected /= expected.max()
    assert np.corrcoef(found.ravel(), expected.ravel())[0, 1] > 0.98


def test_the_regressors_map_is_checked(field, plain_regressor):
    square = whole_square(field.pixels)
    heat = regressor_map(plain_regressor, square, "rbc")
    verdict = regressor_verdict(plain_regressor, square, "rbc", heat)
    assert isinstance(verdict.reliable, bool)
    assert verdict.reliable or verdict.reason


def test_the_shipped_map_is_exact_and_keeps_its_proportions(field):
    model = registry.live("counts")
    assert is_exact(model)
    plane = density_map(field.pixels, 100.0, model)[0]
    heat = explain_regression(field.pixels, "rbc", 100.0, model)
    assert heat.shape == field.pixels.shape[:2]
    small = cv2.resize(heat, plane.shape[::-1], interpolation=cv2.INTER_AREA)
    assert np.corrcoef(small.ravel(), plane.ravel())[0, 1] > 0.95
    with pytest.raises(ValueError, match="exact map needs no check"):
        regression_verdict(field.pixels, "rbc", heat, model)


def test_a_live_regressor_is_explained_by_grad_cam(field, plain_regressor, tmp_path):
    live = registry.live("counts")
    other = LoadedModel("flat", plain_regressor, live.card, "0" * 64, tmp_path / "flat.safetensors")
    assert not is_exact(other)
    heat = explain_regression(field.pixels, "wbc", None, other)
    with pytest.raises(ValueError, match="gives counts without a map"):
        density_map(field.pixels, None, other)
    assert heat.shape == field.pixels.shape[:2]
    assert 0 <= heat.min() <= heat.max() <= 1


def test_located_cells_are_outlined_at_the_pictures_scale():
    ground = np.full((100, 100, 3), 255, np.uint8)
    cells = (Cell("rbc", (20.0, 20.0, 120.0, 120.0), 0.9), Cell("wbc", (0.0, 0.0, 9.0, 9.0), 0.9))
    drawn = outlined(ground, cells, "rbc", 0.5)
    rows, columns = np.nonzero((drawn != 255).any(axis=2))
    assert (rows.min(), columns.max()) == pytest.approx((10, 60), abs=3)
    assert ground.min() == 255
