"""Cells of other laboratories beside PBC's: right answers, frames, and what is drawn."""

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from core.datasets import near_duplicates
from core.datasets.public import cbc, other_labs, txl
from core.datasets.public.pbc import CELL_SHARE, LabelledCell
from core.imaging.synthetic import draw
from core.models import registry
from core.models.classifier import INPUT_PX
from core.taxonomy import KINDS
from core.training.white_cells.cell_examples import CellExamples
from core.training.white_cells.foreign_cells import (
    THREE_LABORATORIES,
    ForeignCell,
    load_foreign,
)
from core.training.white_cells.laboratories import learnable_cells
from core.training.white_cells.recipe import answer_loss

CLASSES = ("segmented_neutrophil", "band_neutrophil", "lymphocyte")


def test_with_one_right_answer_the_loss_is_the_usual_cross_entropy():
    logits = torch.randn(7, 3, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([0, 1, 2, 0, 1, 2, 0])
    usual = F.cross_entropy(logits, labels, label_smoothing=0.03)
    assert answer_loss(logits, F.one_hot(labels, 3).float()) == pytest.approx(
        usual.item(), abs=1e-6
    )


def test_a_parent_has_the_probability_of_its_children_together():
    logits = torch.tensor([[2.0, 1.0, 0.0]])
    parent = torch.tensor([[1.0, 1.0, 0.0]])
    together = logits.softmax(1)[0, :2].sum()
    assert answer_loss(logits, parent, smoothing=0.0) == pytest.approx(
        -together.log().item(), abs=1e-6
    )


@pytest.fixture
def examples(tmp_path):
    own = []
    for seed, label in enumerate(("lymphocyte", "band_neutrophil", "segmented_neutrophil") * 2):
        path = tmp_path / f"{seed}.png"
        Image.fromarray(draw(seed).field.pixels[:176, :176]).save(path)
        own.append(LabelledCell(path, label))
    side = round(INPUT_PX / CELL_SHARE)
    foreign = [
        ForeignCell(own[0].path, np.full((side, side, 3), 255, np.uint8), name)
        for name in ("neutrophil", "lymphocyte")
    ]
    return CellExamples(own, CLASSES, 0, foreign)


def test_an_item_is_always_the_same_and_parents_allow_both_children(examples):
    once, again = examples[(3, 1)], examples[(3, 1)]
    assert torch.equal(once["image"], again["image"])
    targets = {tuple(examples[(e, i)]["target"].tolist()) for e in range(40) for i in range(6)}
    assert (1.0, 1.0, 0.0) in targets  # a foreign neutrophil, of which no more is known
    assert {(1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)} <= targets


def test_a_class_that_is_not_learnt_is_refused():
    cell = ForeignCell(Path("x.png"), np.zeros((9, 9, 3), np.uint8), "blast")
    with pytest.raises(ValueError, match="blast is none of the classes"):
        CellExamples([], CLASSES, 0, [cell])


@pytest.mark.data
def test_no_foreign_cell_is_from_a_test_field(data_dir):
    listed = [cell for name in THREE_LABORATORIES for cell in learnable_cells(data_dir, name)]
    assert {"blast", "smudge", "neutrophil", "eosinophil"} <= {cell.label for cell in listed}
    # The smallest of them: locating the cells of all three takes a minute.
    cells = load_foreign(data_dir, registry.live("locator"), ("munich",))
    assert len(cells) > 50
    assert all(cell.pixels.shape == (213, 213, 3) for cell in cells)
    tests = [field.path for field in cbc.load(data_dir / "cbc", "Testing")]
    used = [cell.path for cell, _ in other_labs.cbc_training_cells(data_dir)]
    leaked = near_duplicates.copies_of(
        near_duplicates.hash_files(tests), near_duplicates.hash_files(used)
    )
    assert len(used) > 200 and not leaked.any()


@pytest.mark.data
def test_cells_named_by_this_project_lie_in_white_cell_boxes_of_their_own_microscope(data_dir):
    found = {part: other_labs.txl_cells(data_dir, part) for part in ("train", "val")}
    assert {part: len(cells) for part, cells in found.items()} == {"train": 300, "val": 83}
    boxes = {field.path: field for part in found for field in txl.load(data_dir / "txl", part)}
    for cell, box in (*found["train"], *found["val"]):
        field = boxes[cell.path]
        rows = (field.boxes_xyxy_px == np.array(box, np.float32)).all(axis=1)
        assert (field.kinds[rows] == KINDS.index("wbc")).all() and rows.any()
        with Image.open(cell.path) as picture:
            assert picture.size == (575, 575)
