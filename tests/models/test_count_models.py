"""The two count models: shapes, exactness, what the fine-tuned backbone takes over, files."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from core.models.cards import CountCard, CountRegressorArchitecture, DensityCounterArchitecture
from core.models.classifier import CellClassifier
from core.models.density import DENSITY_FEATURES, DensityCounter, DensityHead
from core.models.engine import Engine
from core.models.regressor import INPUT_PX, CountRegressor
from core.models.weights import build, save_model
from core.taxonomy import CellKind


@pytest.mark.parametrize("backbone", ["mobilenet_v2", "resnet18"])
def test_regressor_gives_three_counts_from_the_flattened_map(backbone):
    model = CountRegressor(backbone, hidden=8).eval()
    with torch.no_grad():
        images = torch.rand(2, 3, INPUT_PX, INPUT_PX)
        maps = model.feature_map(images)
        assert maps.shape[2:] == (7, 7)
        assert model(images).shape == (2, 3)
        # By hand: flatten, one hidden layer with ReLU, a linear layer.
        hidden, last = model.head[1], model.head[3]
        assert isinstance(hidden, torch.nn.Linear)
        assert isinstance(last, torch.nn.Linear)
        flat = maps.reshape(2, -1) @ hidden.weight.T + hidden.bias
        by_hand = flat.clamp(min=0) @ last.weight.T + last.bias
        assert torch.allclose(model(images), by_hand, atol=1e-4)


def test_regressor_takes_over_a_classifiers_layers():
    classifier = CellClassifier(("lymphocyte", "monocyte"), "resnet18").eval()
    model = CountRegressor("resnet18", hidden=8).eval()
    model.take_backbone(classifier)
    seen: dict[str, torch.Tensor] = {}
    layer = classifier.net.layer4
    assert isinstance(layer, torch.nn.Module)
    layer.register_forward_hook(lambda _m, _i, out: seen.update(map=out))
    with torch.no_grad():
        images = torch.rand(1, 3, INPUT_PX, INPUT_PX)
        classifier.net((images - classifier.mean) / classifier.std)
        assert torch.equal(model.feature_map(images), seen["map"])


def test_a_wrong_backbone_is_refused_by_name():
    with pytest.raises(ValueError, match="backbone must be one of"):
        CountRegressor("vgg16")
    classifier = CellClassifier(("lymphocyte", "monocyte"), "resnet18")
    with pytest.raises(ValueError, match="classifier's backbone is resnet18"):
        CountRegressor("mobilenet_v2", hidden=8).take_backbone(classifier)
    with pytest.raises(ValueError, match="classifier's backbone is resnet18"):
        DensityCounter().take_backbone(classifier)


@settings(max_examples=10)
@given(scale=st.floats(0.01, 50), seed=st.integers(0, 1000))
def test_a_density_is_never_negative(scale, seed):
    head = DensityHead(8).eval()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        features = torch.randn(1, DENSITY_FEATURES, 5, 6, generator=generator) * scale
        assert head(features).min() >= 0


def test_density_map_lies_on_a_grid_of_eight_pixels():
    model = DensityCounter(8).eval()
    with torch.no_grad():
        assert model(torch.rand(1, 3, 96, 128)).shape == (1, 3, 12, 16)


def test_both_kinds_come_back_from_their_files_and_run_in_onnx(tmp_path):
    torch.manual_seed(0)
    model = DensityCounter(8).eval()
    scale: dict[CellKind, float] = {"rbc": 1.0, "wbc": 1.0, "platelet": 1.0}
    card = CountCard(architecture=DensityCounterArchitecture(width=8), interval_scale=scale)
    loaded = save_model(tmp_path / "counts.safetensors", model, card)
    engine = Engine(tmp_path / "counts.onnx", threads=1)
    for height, width in ((96, 128), (160, 80)):
        images = np.random.default_rng(1).random((1, 3, height, width), np.float32)
        with torch.no_grad():
            expected = loaded.module(torch.from_numpy(images)).numpy()
        assert np.allclose(engine(images)[0], expected, atol=1e-5)
    rebuilt = build(CountRegressorArchitecture(backbone="resnet18", hidden=8))
    assert isinstance(rebuilt, CountRegressor)
