"""The interface between the training loop and a task, and the loop's reports."""

from dataclasses import dataclass
from typing import Literal, Protocol

from torch import Tensor, nn
from torch.utils.data import Dataset

Batch = dict[str, Tensor]
Order = Literal["go", "pause", "leave"]
"""What the loop should do after a step: go on; save its state and end; or end without saving."""


class Interrupted(Exception):
    """The loop ended because its ``control`` asked for it."""


@dataclass(frozen=True)
class Progress:
    """How far a running epoch is; ``loss`` is the mean of its steps so far.

    ``step_loss`` and ``gradient_norm`` (before clipping) are of the last step, None before one.
    ``batches`` are steps of the optimizer: several batches each where gradients are accumulated.
    """

    epoch: int
    epochs: int
    batch: int
    batches: int
    loss: float
    learning_rate: float
    examples_per_second: float
    step_loss: float | None = None
    gradient_norm: float | None = None


class Recipe(Protocol):
    """What a task provides to the loop."""

    name: str

    def build(self) -> nn.Module:
        """A new model, on the CPU."""

    def training_set(self) -> Dataset[Batch]:
        """Examples by ``(epoch, index)``."""

    def loss(self, model: nn.Module, batch: Batch) -> Tensor:
        """Scalar loss of one batch."""

    def validate(self, model: nn.Module) -> dict[str, float]:
        """Metrics on the validation part; ``score`` is the one to maximise."""
