import json

import numpy as np
import onnxruntime
import pytest
import torch

from core.imaging.synthetic import draw
from core.inference.locate.cell_crop import crop_cell
from core.models import registry
from core.models.cards import WhiteCellCard
from core.models.classifier import CellClassifier
from core.models.onnx_files import check as onnx_check
from core.models.onnx_files.check import ExportDiffers, export_checked, largest_gap


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    file = tmp_path_factory.mktemp("export") / "cells.onnx"
    return file, export_checked("wbc", file)


def test_it_agrees_on_drawn_cells_in_any_batch(exported):
    file, words = exported
    crops = []
    for seed in range(3):
        item = draw(seed, wbc=["lymphocyte"])
        crops.append(crop_cell(item.field.pixels, (200, 150, 280, 230), 50))
    for count in (1, 3):
        batch = np.stack(crops[:count]).transpose(0, 3, 1, 2).astype(np.float32) / 255
        assert largest_gap(registry.live("wbc"), file, np.ascontiguousarray(batch)) < 1e-4
    assert "dynamic batch" in words


def test_the_file_carries_what_a_program_needs(exported):
    session = onnxruntime.InferenceSession(str(exported[0]), providers=["CPUExecutionProvider"])
    metadata = session.get_modelmeta().custom_metadata_map
    card = registry.live("wbc").card_as(WhiteCellCard)
    assert tuple(json.loads(metadata["classes"])) == card.classes
    assert json.loads(metadata["temperature"]) == card.temperature
    assert json.loads(metadata["preprocessing"])["layout"] == "NCHW"
    assert [out.name for out in session.get_outputs()] == ["logits", "features"]


def test_features_are_the_second_output(exported):
    session = onnxruntime.InferenceSession(str(exported[0]), providers=["CPUExecutionProvider"])
    images = np.random.default_rng(0).random((2, 3, 128, 128), dtype=np.float32)
    logits, features = session.run(None, {session.get_inputs()[0].name: images})
    with torch.no_grad():
        module = registry.live("wbc").module
        assert isinstance(module, CellClassifier)
        again = module.last_layer()(torch.from_numpy(features))
    assert again.numpy() == pytest.approx(logits, abs=1e-4)


def test_a_file_that_differs_is_not_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_check, "TOLERANCE", -1.0)
    with pytest.raises(ExportDiffers, match="was not kept"):
        export_checked("wbc", tmp_path / "x.onnx")
    assert not (tmp_path / "x.onnx").exists()


def test_an_unknown_model_is_refused(tmp_path):
    with pytest.raises(ValueError, match="neither one of"):
        export_checked("sickle", tmp_path / "x.onnx")
