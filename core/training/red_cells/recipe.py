"""Recipe of the classifier of red-cell shapes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from core.inference.red_cell.shapes import as_input
from core.models.red_cell import RedCellClassifier
from core.training.loop.recipe import Batch
from core.training.red_cells.examples import Example, RedCellExamples


@dataclass(frozen=True)
class RedCellSplit:
    """Cells to learn from and labelled ones to judge by."""

    classes: tuple[str, ...]
    train: list[Example]
    validation: list[Example]


class RedCellRecipe:
    """Loss: minus log of the probability of the shapes that are right. Score: mean recall."""

    name = "red_cells"

    def __init__(
        self, split: RedCellSplit, seed: int = 0, start: RedCellClassifier | None = None
    ) -> None:
        self._split, self._seed, self._start = split, seed, start

    def build(self) -> RedCellClassifier:
        model = RedCellClassifier(self._split.classes)
        if self._start is not None:
            model.load_state_dict(self._start.state_dict())
        return model

    def training_set(self) -> Dataset[Batch]:
        return RedCellExamples(self._split.train, self._split.classes, self._seed)

    def loss(self, model: nn.Module, batch: Batch) -> Tensor:
        return shapes_loss(model(batch["image"]).float(), batch["target"])

    def validate(self, model: nn.Module) -> dict[str, float]:
        held_out = self._split.validation
        logits = logits_of(model, [cell.crops[0] for cell in held_out])
        truth = np.array([self._split.classes.index(cell.right[0]) for cell in held_out])
        right = logits.argmax(axis=1) == truth
        recalls = [float(right[truth == k].mean()) for k in np.unique(truth)]
        target = torch.nn.functional.one_hot(torch.from_numpy(truth), len(self._split.classes))
        loss = float(shapes_loss(torch.from_numpy(logits), target.float()))
        score = float(np.mean(recalls))
        return {
            "score": score,
            "loss": loss,
            "balanced_accuracy": score,
            "accuracy": float(right.mean()),
        }


_SMOOTHING = 0.03


def shapes_loss(logits: Tensor, right: Tensor) -> Tensor:
    """Minus the log of the summed probability of the right shapes, ``(B, classes)``; a mean.

    A little of it asks for every shape, so that no label is believed wholly: people disagree.
    """
    logs = torch.log_softmax(logits, dim=1)
    chosen = torch.logsumexp(logs.masked_fill(right == 0, float("-inf")), dim=1)
    return -((1 - _SMOOTHING) * chosen + _SMOOTHING * logs.mean(dim=1)).mean()


@torch.no_grad()
def logits_of(model: nn.Module, crops: Sequence[npt.NDArray[np.uint8]]) -> npt.NDArray[np.float32]:
    """Logits of crops ``(40, 40)``, ``(N, classes)``; the model is in evaluation mode."""
    device = next(model.parameters()).device
    rows = [
        model(torch.from_numpy(as_input(crops[start : start + 512])).to(device)).float().cpu()
        for start in range(0, len(crops), 512)
    ]
    return torch.cat(rows).numpy()
