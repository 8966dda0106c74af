from functools import partial

import numpy as np
import pytest
import torch

from core.inference.white_cell.features import answers_of
from core.inference.white_cell.uncertainty import uncertainty_of
from core.models import registry
from core.models.cards import WhiteCellCard
from core.models.classifier import CellClassifier
from core.training.white_cells.adaptation.adapt import adapt_to
from core.training.white_cells.adaptation.last_blocks import (
    FIRST_BLOCK,
    RehearsalCells,
    can_move,
    features_of,
    fine_tuned,
    first_maps,
    view,
)
from core.training.white_cells.adaptation.last_layer import AdaptRefused
from core.training.white_cells.adaptation.rehearsal_cells import rehearsal_cells

CLASSES = ("segmented_neutrophil", "band_neutrophil", "lymphocyte")


@pytest.fixture(scope="module")
def crops():
    """Two kinds that differ in brightness only: enough to be told apart."""
    rng = np.random.default_rng(0)
    lights = np.tile([70, 190], 6)
    return [
        np.clip(rng.normal(light, 25, (128, 128, 3)), 0, 255).astype(np.uint8) for light in lights
    ]


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return CellClassifier(CLASSES).eval()


@pytest.fixture(scope="module")
def tuned(network, crops):
    home = RehearsalCells(crops[:4], ["band_neutrophil", "lymphocyte"] * 2)
    return fine_tuned(network, home, crops[4:8], ["neutrophil", "lymphocyte"] * 2, 3, steps=3)


def test_only_the_last_blocks_and_the_last_layer_move(network, tuned):
    before, after = network.state_dict(), tuned.state_dict()
    moved = {key for key in before if not torch.equal(before[key], after[key])}
    blocks = {int(key.split(".")[2]) for key in moved if key.startswith("net.features")}
    assert blocks and min(blocks) >= FIRST_BLOCK
    assert any(key.startswith("net.classifier") for key in moved)
    assert not any("running" in key or "num_batches" in key for key in moved)
    assert not tuned.training


def test_the_same_seed_gives_the_same_network(network, crops, tuned):
    home = RehearsalCells(crops[:4], ["band_neutrophil", "lymphocyte"] * 2)
    again = fine_tuned(network, home, crops[4:8], ["neutrophil", "lymphocyte"] * 2, 3, steps=3)
    assert all(
        torch.equal(a, b)
        for a, b in zip(tuned.state_dict().values(), again.state_dict().values(), strict=True)
    )


def test_maps_and_blocks_give_the_features_of_the_products_own_path(crops):
    # Independent: ONNX Runtime on the shipped file.
    live = registry.live("wbc")
    assert can_move(live.module)
    assert isinstance(live.module, CellClassifier)
    mine = features_of(live.module, first_maps(live.module, crops)).numpy()
    assert np.allclose(mine, answers_of(crops, live).features, atol=1e-3)


def test_the_first_view_is_the_cell_itself_and_the_others_are_not(crops):
    rng = np.random.default_rng(1)
    assert view(rng, crops[0], 0) is crops[0]
    other = view(rng, crops[0], 1)
    assert other.shape == crops[0].shape and other.dtype == np.uint8
    assert not np.array_equal(other, crops[0])


def test_another_network_is_refused(crops):
    other = CellClassifier(CLASSES, "resnet18").eval()
    with pytest.raises(AdaptRefused, match="MobileNetV2"):
        fine_tuned(other, RehearsalCells(crops[:2], CLASSES[1:]), crops[:2], CLASSES[1:], 0)


def test_without_the_original_pictures_it_says_what_to_do(tmp_path):
    uncertainty = uncertainty_of(registry.live("wbc"))
    assert uncertainty is not None
    with pytest.raises(AdaptRefused, match="adapt the last layer only"):
        rehearsal_cells(uncertainty, tmp_path, registry.live("locator"))


@pytest.mark.data
def test_the_deep_challenger_brings_no_extras_and_says_so(data_dir, tmp_path, monkeypatch):
    live = registry.live("wbc")
    for folder, name in (("LYT", "lymphocyte"), ("EOS", "eosinophil")):
        (tmp_path / name).mkdir()
        source = sorted((data_dir / "wbc_munich_support" / folder).glob("*.jpg"))[:3]
        for picture in source:
            (tmp_path / name / picture.name).write_bytes(picture.read_bytes())
    # The same parts on fewer cells and steps: what is tested does not depend on how many.
    monkeypatch.setattr(
        "core.training.white_cells.adaptation.adapt.rehearsal_cells",
        partial(rehearsal_cells, per_class=13),
    )
    monkeypatch.setattr(
        "core.training.white_cells.adaptation.adapt.fine_tuned", partial(fine_tuned, steps=2)
    )
    target = tmp_path / "made" / "deep.safetensors"
    made = adapt_to(tmp_path, per_class=2, target=target, deep=True)
    assert made.deep and made.left_for_test == 2
    assert uncertainty_of(made.model) is None
    assert "fit-uncertainty" in made.in_words()
    assert "last blocks" in made.model.card.licence
    assert made.model.card_as(WhiteCellCard).adapted_from == live.identity
