import json

import numpy as np
import pytest
import torch

from core.models import registry
from core.models.cards import CellClassifierArchitecture, WhiteCellCard
from core.models.classifier import CellClassifier
from core.models.engine import Engine, engine_for
from core.models.locator import Locator, decode_boxes
from core.models.weights import WeightsRefused, load_model, save_model

ARCHITECTURE = CellClassifierArchitecture(backbone="mobilenet_v2", classes=("a", "b", "c"))
CARD = WhiteCellCard(architecture=ARCHITECTURE, temperature=1, set_limit=0.3, abstain_below=0.5)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    torch.manual_seed(3)
    module = CellClassifier(("a", "b", "c")).eval()
    path = tmp_path_factory.mktemp("weights") / "small.safetensors"
    return module, save_model(path, module, CARD)


@pytest.fixture
def copied(saved, tmp_path):
    for file in saved[1].path.parent.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    return tmp_path / "small.safetensors"


def test_half_precision_costs_nothing_visible(saved):
    module, model = saved
    images = torch.rand(4, 3, 128, 128)
    with torch.no_grad():
        before, after = module(images).softmax(1), model.module(images).softmax(1)
    assert torch.allclose(before, after, atol=2e-3)
    assert model.path.stat().st_size < 0.6 * sum(p.numel() * 4 for p in module.parameters())


def test_the_card_on_disk_says_how_an_input_is_made(saved):
    assert "preprocessing" not in CARD.as_json()
    written = json.loads(saved[1].path.with_suffix(".json").read_text())["preprocessing"]
    assert (written["input_px"], written["crop_side_in_red_cell_diameters"]) == (128, 3.05)
    assert (written["channels"], written["range"]) == ("RGB", [0, 1])


def test_onnx_agrees_with_torch_for_any_batch(saved):
    model = saved[1]
    engine = Engine(model.path.with_suffix(".onnx"), threads=1)
    for count in (1, 5):
        images = np.random.default_rng(0).random((count, 3, 128, 128), dtype=np.float32)
        with torch.no_grad():
            exact = model.module(torch.from_numpy(images)).numpy()
        assert np.abs(engine(images)[0] - exact).max() < 1e-4


def test_onnx_files_name_no_source_file_of_the_machine_that_made_them(saved):
    shipped = [registry.live(task) for task in registry.TASKS]
    for model in (saved[1], *shipped):
        assert b".py" not in model.path.with_suffix(".onnx").read_bytes()


@pytest.mark.parametrize("ending", [".safetensors", ".onnx"])
def test_a_changed_byte_is_noticed(copied, ending):
    file = copied.with_suffix(ending)
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    with pytest.raises(WeightsRefused, match=f"small{ending} is not the file"):
        load_model(copied)


@pytest.mark.parametrize("ending", [".safetensors", ".json", ".onnx"])
def test_a_missing_file_is_named(copied, ending):
    copied.with_suffix(ending).unlink()
    with pytest.raises(WeightsRefused, match=f"small{ending}"):
        load_model(copied)


def test_a_sidecar_that_is_no_json_is_refused(copied):
    copied.with_suffix(".json").write_text("{")
    with pytest.raises(WeightsRefused, match="not valid JSON"):
        load_model(copied)


def test_tensors_of_another_architecture_are_refused(copied):
    card = json.loads(copied.with_suffix(".json").read_text())
    card["architecture"]["classes"] = ["a", "b"]
    copied.with_suffix(".json").write_text(json.dumps(card))
    with pytest.raises(WeightsRefused, match="does not fit its architecture"):
        load_model(copied)


def test_the_published_architecture_stays_buildable():
    module = CellClassifier(("a",) * 8, "resnet18").eval()
    assert module(torch.rand(1, 3, 128, 128)).shape == (1, 8)
    with pytest.raises(ValueError, match="backbone must be one of"):
        CellClassifier(("a",), "vgg")


def test_locator_maps_have_stride_four_and_boxes_are_centred():
    module = Locator().eval()
    heat, sides = module(torch.rand(2, 3, 96, 160))
    assert heat.shape == (2, 3, 24, 40)
    boxes = decode_boxes(torch.full((1, 4, 3, 5), 10.0))
    assert boxes[0, :, 0, 0].tolist() == [-8, -8, 12, 12]
    assert (sides >= 0).all()


def test_shipped_models_load_and_are_small_enough():
    for task in registry.TASKS:
        model = registry.live(task)
        assert model.path.stat().st_size < 30e6
        assert "qualified person" in model.card.intended_use
        assert model.card.evaluation, f"{task} ships without figures"


def test_shipped_engine_agrees_with_torch_at_any_size():
    model = registry.live("locator")
    for shape in ((1, 3, 240, 320), (2, 3, 264, 200)):
        images = np.random.default_rng(1).random(shape, dtype=np.float32)
        with torch.no_grad():
            heat, sides = (out.numpy() for out in model.module(torch.from_numpy(images)))
        fast_heat, fast_sides = engine_for(model)(images)
        assert np.abs(fast_heat - heat).max() < 1e-3
        assert np.abs(fast_sides - sides).max() < 1e-2
