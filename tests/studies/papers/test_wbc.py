import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torchvision.models import resnet18

from core.commands.reproduce.wbc import as_markdown
from core.statistics.figures import ClassRow
from core.studies.papers import wbc_setting
from core.studies.papers.start_weights import Start, start_of, start_weights
from core.studies.papers.wbc import CLASSES, PaperCells, forecast, reproduce_wbc
from core.studies.papers.wbc_setting import REDUCED, setting_for


@pytest.fixture(scope="module")
def broken_data(tiny_data, tmp_path_factory):
    """The drawn cells, and one file that is none."""
    root = tmp_path_factory.mktemp("published")
    shutil.copytree(tiny_data / "pbc", root / "pbc")
    (root / "pbc" / "basophil" / "BROKEN.jpg").write_bytes(b"no picture")
    return root


@pytest.fixture(scope="module")
def found(broken_data, tmp_path_factory):
    small = replace(
        REDUCED, name="tiny", side_px=32, per_class=8, loop=replace(REDUCED.loop, epochs=2)
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wbc_setting, "REDUCED", small)
        patch.setattr(wbc_setting, "FULL", small)
        return reproduce_wbc(broken_data, tmp_path_factory.mktemp("run"))


def test_a_corrupt_file_stops_nothing_and_is_listed(found):
    assert [one["file"] for one in found["skipped"]] == ["BROKEN.jpg"]
    assert found["accuracy"]["n"] == np.array(found["confusion"]).sum() > 0


def test_the_start_is_said(found):
    assert found["start"] == "ImageNet" or "random" in found["start"]


def test_the_table_has_all_four_columns(found):
    never_seen: ClassRow = {"precision": None, "recall": None, "f1": None, "n": 0}
    table = as_markdown(found, {"report": {"blast": never_seen}})
    assert "| blast | 1.00 / 1.00 / 1.00 | no test cells | no test cells | 0 |" in table
    assert "Setting: tiny" in table and "published 0.988" in table
    assert f"most frequent class {found['majority_baseline']:.3f}" in table


def test_pictures_are_flipped_and_turned_the_same_way_every_time(tiny_data):
    from core.datasets.public import pbc

    cells = PaperCells(pbc.load(tiny_data / "pbc")[:3], 32, seed=0)
    first, again, later = cells[(0, 1)], cells[(0, 1)], cells[(1, 1)]
    assert torch.equal(first["image"], again["image"])
    assert not torch.equal(first["image"], later["image"])
    assert first["image"].shape == (3, 32, 32) and CLASSES[int(first["label"])] == "basophil"


def test_a_full_run_takes_every_cell_and_ends_when_told() -> None:
    full = setting_for(full=True, epochs=3)
    assert full.per_class is None
    assert full.side_px >= 128
    assert full.loop.epochs == 3
    assert "ended after 3 epochs" in full.name


def test_the_forecast_names_cells_time_and_memory(tiny_data):
    words = forecast(tiny_data)
    assert "training cells" in words
    assert "minutes an epoch" in words
    assert "MB of memory" in words


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_weights_of_a_file_start_the_network(tmp_path, suffix):
    net = resnet18(weights=None)
    file = tmp_path / f"net{suffix}"
    if suffix == ".pth":
        torch.save(net.state_dict(), file)
    else:
        save_file(net.state_dict(), file)
    loaded = start_weights(file)
    assert torch.equal(loaded["layer1.0.conv1.weight"], net.layer1[0].conv1.weight)
    assert not [name for name in loaded if name.startswith("fc.")]


def test_weights_of_another_network_are_refused(tmp_path):
    file = tmp_path / "other.safetensors"
    save_file({"conv1.weight": torch.zeros(1)}, file)
    with pytest.raises(ValueError, match="does not hold the weights of a ResNet-18"):
        start_weights(file)


def test_a_pickle_that_would_run_code_is_refused(tmp_path):
    class Harm:
        def __reduce__(self):
            return (print, ("harm",))

    file = tmp_path / "harm.pth"
    torch.save({"conv1.weight": Harm()}, file)
    with pytest.raises(ValueError, match="no weights that can be read"):
        start_weights(file)


def test_a_study_resumes_only_from_the_start_it_began_with(tmp_path, monkeypatch):
    file = tmp_path / "net.safetensors"
    save_file(resnet18(weights=None).state_dict(), file)
    monkeypatch.setattr(
        "core.studies.papers.start_weights._start", lambda *_: Start(None, "random")
    )
    start_of("resnet18", None, tmp_path / "study")
    assert start_of("resnet18", None, tmp_path / "study").words == "random"
    monkeypatch.undo()
    with pytest.raises(ValueError, match=r"began from random.*weights of net.safetensors"):
        start_of("resnet18", file, tmp_path / "study")
