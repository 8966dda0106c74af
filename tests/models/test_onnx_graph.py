"""Graphs from the cache give the same files as graphs traced now."""

import os

import onnxruntime
import pytest
import torch

from core.models.onnx_files.export import export_onnx
from core.models.onnx_files.graph import FOLDER
from core.models.paper_palm_cnn import PaperPalmCnn
from core.settings import settings


@pytest.fixture
def graphs(tmp_path, monkeypatch):
    """The folder of a cache that is empty."""
    monkeypatch.setenv("HEMADESK_CACHE", str(tmp_path / "cache"))
    settings.cache_clear()
    yield tmp_path / "cache" / FOLDER
    settings.cache_clear()


def network(seed, size_px=(40, 32)):
    torch.manual_seed(seed)
    return PaperPalmCnn(size_px).eval()


def exported(module, file):
    export_onnx(module, file)
    return file.read_bytes()


def test_other_weights_on_a_kept_graph_are_those_of_a_new_trace(graphs, tmp_path):
    exported(network(0), tmp_path / "first.onnx")
    (kept,) = graphs.iterdir()
    assert kept.stat().st_size < 20_000, "weights are not kept"
    cached = exported(network(1), tmp_path / "cached.onnx")
    kept.unlink()
    assert exported(network(1), tmp_path / "traced.onnx") == cached
    session = onnxruntime.InferenceSession(cached, providers=["CPUExecutionProvider"])
    images = torch.rand(3, 3, 32, 40)
    (answer,) = session.run(None, {session.get_inputs()[0].name: images.numpy()})
    assert answer == pytest.approx(network(1)(images).detach().numpy(), abs=1e-5)


def test_what_changes_the_graph_changes_its_file(graphs, tmp_path):
    one, another = network(0), network(0)
    one.offset, another.offset = 0.5, 0.25  # a number that forward might read
    for module in (one, another, network(0, (48, 32))):
        exported(module, tmp_path / "model.onnx")
    assert len(list(graphs.iterdir())) == 3


def test_a_damaged_graph_is_traced_again(graphs, tmp_path):
    whole = exported(network(0), tmp_path / "model.onnx")
    (kept,) = graphs.iterdir()
    for damaged in (b"", b"no graph at all", kept.read_bytes()[:900]):
        kept.write_bytes(damaged)
        assert exported(network(0), tmp_path / "model.onnx") == whole


def test_a_cache_that_cannot_be_written_costs_only_time(tmp_path, monkeypatch):
    monkeypatch.setenv("HEMADESK_CACHE", os.devnull)
    settings.cache_clear()
    try:
        assert exported(network(0), tmp_path / "model.onnx")
    finally:
        settings.cache_clear()
