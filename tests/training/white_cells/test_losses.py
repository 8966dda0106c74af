"""Focal loss, mixup and the balanced sampler do what their papers say."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import nn
from torchvision.ops import sigmoid_focal_loss

from core.datasets.public.pbc import LabelledCell
from core.training.white_cells.cell_examples import CellExamples
from core.training.white_cells.recipe import WbcRecipe, WbcSplit, answer_loss

CLASSES = ("lymphocyte", "monocyte")


@pytest.fixture
def cells(tmp_path: Path) -> list[LabelledCell]:
    """Eighteen lymphocytes and two monocytes, each of one grey."""
    made = []
    for number in range(20):
        path = tmp_path / f"{number}.png"
        cv2.imwrite(str(path), np.full((72, 72, 3), 10 * number, np.uint8))
        made.append(LabelledCell(path, CLASSES[number >= 18]))
    return made


def test_the_focal_loss_is_torchvisions() -> None:
    """Of two classes it is the binary one on the difference of the logits."""
    logits = torch.randn(6, 2, generator=torch.Generator().manual_seed(3))
    target = torch.eye(2)[[0, 1, 1, 0, 0, 1]]
    ours = answer_loss(logits, target, smoothing=0.0, focus=2.0)
    theirs = sigmoid_focal_loss(
        logits[:, 1] - logits[:, 0], target[:, 1], alpha=-1, gamma=2.0, reduction="mean"
    )
    torch.testing.assert_close(ours, theirs)
    assert ours < answer_loss(logits, target, smoothing=0.0)


def test_balanced_draws_as_many_of_each_class(cells: list[LabelledCell]) -> None:
    for balanced, least, most in ((False, 0.1, 0.1), (True, 0.4, 0.6)):
        drawn = CellExamples(cells, CLASSES, 0, augmentation="none", balanced=balanced)
        assert len(drawn) == 20
        targets = [
            int(drawn[epoch, i]["target"].argmax()) for epoch in range(15) for i in range(20)
        ]
        assert least <= Counter(targets)[1] / len(targets) <= most


class _Seen(nn.Module):
    """Keeps what it is shown; answers with its mean."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        self.images = images
        means = images.mean((1, 2, 3))
        return torch.stack([means, 1 - means], 1)


def test_mixup_blends_pictures_and_answers_and_resumes(cells: list[LabelledCell]) -> None:
    recipe = WbcRecipe(WbcSplit(cells, cells), classes=CLASSES, mixup=0.4)
    batch = {"image": torch.zeros(2, 3, 8, 8), "target": torch.eye(2)}
    batch["image"][1] = 1.0
    blended = []
    for seed in range(12):
        torch.manual_seed(seed)
        model = _Seen().train()
        loss = recipe.loss(model, batch)
        torch.manual_seed(seed)  # the state that a resumed training restores
        assert recipe.loss(_Seen().train(), batch) == loss
        blended.append(float(model.images[0].mean()))
    assert any(0.01 < share < 0.99 for share in blended)
    judged = _Seen().eval()
    recipe.loss(judged, batch)
    assert torch.equal(judged.images, batch["image"])
