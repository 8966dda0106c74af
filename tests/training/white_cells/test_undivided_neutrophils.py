"""A set in which nobody told segmented from band neutrophils is learnt and judged by the parent."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from core.datasets.fields import read_rgb
from core.datasets.public.pbc import LabelledCell
from core.evaluation.kept_epoch import classes_found
from core.models.cards import CellData, WhiteCellCard
from core.models.weights import load_model
from core.taxonomy import parent_of
from core.training.loop.settings import LoopSettings
from core.training.white_cells.cell_examples import as_input, centre_crop
from core.training.white_cells.export import export_white_cells
from core.training.white_cells.recipe import WbcRecipe, WbcSplit, class_weights_of

CLASSES = ("segmented_neutrophil", "band_neutrophil", "lymphocyte")


class Answers(nn.Module):
    """Gives the same answers, one row for each cell of validation."""

    def __init__(self, rows: list[list[float]]) -> None:
        super().__init__()
        self.rows = nn.Parameter(torch.tensor(rows))

    def forward(self, pictures: Tensor) -> Tensor:
        assert len(pictures) == len(self.rows)
        return self.rows


@pytest.fixture
def recipe(tmp_path: Path) -> WbcRecipe:
    cells = []
    for n, label in enumerate(("neutrophil", "neutrophil", "neutrophil", "lymphocyte")):
        path = tmp_path / f"{n}.png"
        noise = np.random.default_rng(n).integers(0, 255, (64, 64, 3)).astype(np.uint8)
        Image.fromarray(noise).save(path)
        cells.append(LabelledCell(path, label))
    return WbcRecipe(WbcSplit(cells, cells), pretrained=False, classes=CLASSES)


def test_either_kind_of_neutrophil_is_right(recipe: WbcRecipe) -> None:
    segmented, band, lymphocyte = torch.eye(3).mul(9).tolist()
    scores = recipe.validate(Answers([segmented, band, lymphocyte, lymphocyte]))
    assert scores["accuracy"] == scores["accuracy_neutrophils_together"] == 0.75
    assert scores["recall_neutrophil"] == pytest.approx(2 / 3)
    assert scores["recall_lymphocyte"] == 1
    # Nobody knows which of the two they were, so no figure says so.
    assert not {"recall_segmented_neutrophil", "recall_band_neutrophil"} & scores.keys()
    assert len(recipe.wrong) == 1


def test_the_loss_asks_for_the_two_together(recipe: WbcRecipe) -> None:
    certain = [9.0, -9.0, -9.0], [9.0, 9.0, -9.0], [-9.0, 9.0, -9.0], [-9.0, -9.0, 9.0]
    assert recipe.validate(Answers([*certain]))["loss"] < 1e-3


def test_balanced_weights_count_them_for_both() -> None:
    labels = ["neutrophil"] * 8 + ["lymphocyte"] * 2
    weights = class_weights_of("balanced", labels, CLASSES)
    assert weights is not None
    # Four cells each of segmented and band, two lymphocytes: 10 / (3 x 4) and 10 / (3 x 2).
    np.testing.assert_allclose(weights.numpy(), [10 / 12, 10 / 12, 10 / 6], rtol=1e-6)
    plain = class_weights_of("balanced", ["lymphocyte"] * 2 + ["band_neutrophil"], CLASSES)
    assert plain is not None
    np.testing.assert_allclose(plain.numpy(), [1, 1.5, 0.75], rtol=1e-6)


def test_a_models_card_is_judged_on_undivided_neutrophils_too(
    recipe: WbcRecipe, tmp_path: Path
) -> None:
    """Leaving them out would give limits and an accuracy without the commonest class."""
    model = recipe.build().eval()
    cells = recipe._validation
    pictures = torch.stack([as_input(centre_crop(read_rgb(cell.path))) for cell in cells])
    with torch.no_grad():
        answers = [CLASSES[i] for i in model(pictures).argmax(1).tolist()]
    data = CellData(set="own cells", sha256="0" * 64)
    saved = export_white_cells(
        model, cells, LoopSettings(epochs=1), data, tmp_path / "model.safetensors"
    )
    card = saved.card_as(WhiteCellCard)
    assert card.validation is not None and card.validation.cells == 4
    right = [cell.label in (a, parent_of(a)) for cell, a in zip(cells, answers, strict=True)]
    assert card.validation.accuracy == pytest.approx(np.mean(right))
    # The table that Fine-tune draws adds up to the same.
    assert card.validation.confusion is not None and card.validation.reliability is not None
    table = np.array(card.validation.confusion)
    assert table.sum() == 4 == sum(cells for _, _, cells in card.validation.reliability)
    assert np.trace(table) / 4 == pytest.approx(card.validation.accuracy)
    assert sum(row.cells for row in classes_found(card)) == 4
    # And it is read again from the file.
    again = load_model(saved.path).card_as(WhiteCellCard)
    assert again.validation == card.validation
    assert "no figure tells segmented neutrophil and band neutrophil apart" in card.limits
