import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch

from core.commands.reproduce_wbc import as_markdown
from core.studies import paper_wbc
from core.studies.paper_wbc import CLASSES, REDUCED, PaperCells, reproduce_wbc


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
        patch.setattr(paper_wbc, "REDUCED", small)
        patch.setattr(paper_wbc, "FULL", small)
        return reproduce_wbc(broken_data, tmp_path_factory.mktemp("run"))


def test_a_corrupt_file_stops_nothing_and_is_listed(found):
    assert [one["file"] for one in found["skipped"]] == ["BROKEN.jpg"]
    assert found["accuracy"]["n"] == np.array(found["confusion"]).sum() > 0


def test_the_start_is_said(found):
    assert found["start"] == "ImageNet" or "random" in found["start"]


def test_the_table_has_all_four_columns(found):
    live = {"report": {"blast": {"n": 0}}, "eight_class_accuracy": None}
    table = as_markdown(found, live)
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
