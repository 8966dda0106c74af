"""The palm's map: of the head that answers, for and against, and only at the network's size."""

import numpy as np
import pytest
import torch

from core.explain.palm_map import explain_palm
from core.models.cards import (
    PalmCalibration,
    PalmCard,
    PalmClassifierArchitecture,
    PalmData,
)
from core.models.palm_classifier import PALM_PX, PalmClassifier
from core.models.weights import LoadedModel


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    torch.manual_seed(0)
    module = PalmClassifier(3, 4).eval()
    path = tmp_path_factory.mktemp("palm") / "palm.safetensors"
    card = PalmCard(
        architecture=PalmClassifierArchitecture(heads=3, novelty_rank=4),
        calibration=PalmCalibration(slope=1.0, offset=0.0),
        clear_below=0.4,
        suspect_from=0.6,
        unusual_above=3.0,
        data=PalmData(sha256="0" * 64),
    )
    return LoadedModel("palm", module, card, "0" * 64, path)


@pytest.fixture(scope="module")
def square():
    rng = np.random.default_rng(0)
    return rng.integers(60, 220, (PALM_PX, PALM_PX, 3)).astype(np.uint8)


def test_the_map_has_the_pictures_size_and_a_trial(model, square):
    found = explain_palm(square, model)
    assert found.heat.shape == (PALM_PX, PALM_PX)
    assert 0 <= found.heat.min() <= found.heat.max() <= 1
    assert isinstance(found.trial.reliable, bool)


def test_against_is_another_map_than_for(model, square):
    for_it = explain_palm(square, model).heat
    against = explain_palm(square, model, against=True).heat
    assert not np.allclose(for_it, against)


def test_the_other_heads_have_no_say(model, square):
    before = explain_palm(square, model).heat
    with torch.no_grad():
        model.module.head.weight[1:] *= -3
    assert np.allclose(explain_palm(square, model).heat, before)


def test_another_size_is_refused(model):
    with pytest.raises(ValueError, match="needs a square of 224 pixels"):
        explain_palm(np.zeros((100, 224, 3), np.uint8), model)
