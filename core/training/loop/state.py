"""What a training must keep to resume exactly: networks, optimizer, progress, random state."""

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, NotRequired, cast

import torch
from torch import Tensor, nn
from typing_extensions import TypedDict

from core.files import JsonObject
from core.store.run_records import Epoch
from core.training.loop.averaging import WeightAverage
from core.training.loop.checkpoint import (
    NEXT_BEST,
    commit_best,
    generator_state,
    load_checkpoint,
    save_checkpoint,
)
from core.training.loop.history import as_history, read_history, write_history
from core.training.loop.process_group import ProcessGroup
from core.training.loop.recipe import Recipe
from core.training.loop.settings import LoopSettings, with_defaults

OPTIMIZERS: Final = {"adamw": torch.optim.AdamW, "adam": torch.optim.Adam}
LAST: Final = "last.safetensors"


@dataclass
class EpochSoFar:
    """The part of an epoch that is done: its steps, the sum of their losses, and the time taken."""

    steps: int = 0
    loss_sum: float = 0.0
    seconds: float = 0.0


class _Checkpoint(TypedDict):
    """``last.safetensors``. The first versions did not write the keys that may be absent.

    ``epoch`` is the last finished one; ``batches_done``, ``loss_sum`` and ``seconds`` are of the
    next, where a pause came in the middle of it. ``generator`` is the main process's.
    """

    model: dict[str, Tensor]
    averaged: dict[str, Tensor]
    optimizer: dict[str, object]
    generator: Tensor
    other_generators: NotRequired[list[Tensor]]
    epoch: int
    best_score: float
    best_epoch: int
    settings: JsonObject
    history: NotRequired[list[JsonObject]]
    batches_done: NotRequired[int]
    loss_sum: NotRequired[float]
    seconds: NotRequired[float]


class TrainingState:
    """A training between two steps, as ``last.safetensors`` stores it.

    ``averaged`` holds the averaged weights, which are validated and kept. ``next_epoch`` is the one
    to train next and ``paused`` the part of it that a pause left behind. ``best_epoch`` is -1
    before the first epoch has ended. ``generator`` is the random state that was restored.
    """

    def __init__(self, recipe: Recipe, settings: LoopSettings, group: ProcessGroup) -> None:
        self._settings, self._group = settings, group
        device = group.device()
        self.model = _built(recipe, device)
        self.averaged = _built(recipe, device)
        self.averaged.load_state_dict(self.model.state_dict())
        self.average = WeightAverage(self.averaged, self.model)
        self.optimizer = _optimizer(self.model, settings)
        self.next_epoch, self.paused = 0, EpochSoFar()
        self.best_score, self.best_epoch = -math.inf, -1
        self.history: list[Epoch] = []
        self.generator: Tensor | None = None

    def restore(self, folder: Path) -> None:
        """Go back to the folder's checkpoint, if it holds one.

        Raises:
            ValueError: if it was made with other settings or another number of processes.
        """
        last = folder / LAST
        if not last.exists():
            return
        # Written by _save(), so the keys are known.
        stored = cast(_Checkpoint, load_checkpoint(last))
        if with_defaults(stored["settings"]) != asdict(self._settings):
            raise ValueError(f"{folder} holds a run with other settings; resume needs the same")
        generators = [stored["generator"], *stored.get("other_generators", [])]
        if len(generators) != self._group.size:
            raise ValueError(
                f"{folder} holds a run of {len(generators)} processes, these are "
                f"{self._group.size}; resume needs as many"
            )
        self.model.load_state_dict(stored["model"])
        self.averaged.load_state_dict(stored["averaged"])
        self.optimizer.load_state_dict(stored["optimizer"])
        _lay_out_like_parameters(self.optimizer)
        self.generator = generators[self._group.rank]
        torch.set_rng_state(self.generator)
        self.next_epoch = stored["epoch"] + 1
        self.best_score, self.best_epoch = stored["best_score"], stored["best_epoch"]
        self.paused = EpochSoFar(
            stored.get("batches_done", 0), stored.get("loss_sum", 0.0), stored.get("seconds", 0.0)
        )
        # Checkpoints of the first version held no history.
        rows = as_history(stored["history"]) if "history" in stored else read_history(folder)
        self.history = [row for row in rows if row.number < self.next_epoch]
        if self._group.is_main:
            write_history(folder, self.history)

    def save_paused(self, folder: Path, epoch: int, done: EpochSoFar) -> None:
        """Write a checkpoint in the middle of ``epoch``; every process must call it."""
        within = {"batches_done": done.steps, "loss_sum": done.loss_sum, "seconds": done.seconds}
        self._save(folder, epoch - 1, within)

    def end_epoch(self, folder: Path, row: Epoch) -> None:
        """Add a validated epoch: new best weights, checkpoint, history. All processes call it.

        The order of the writes makes a kill between any two of them harmless; see
        :func:`core.training.loop.checkpoint.commit_best`.
        """
        before = next((one for one in self.history if one.number == self.best_epoch), None)
        better = row.metrics["score"] > self.best_score or (
            before is not None and row.rank > before.rank
        )
        if better:
            self.best_score, self.best_epoch = row.metrics["score"], row.number
        if better and self._group.is_main:
            best = {"model": self.averaged.state_dict(), "epoch": row.number}
            save_checkpoint(folder / NEXT_BEST, best)
        self.history.append(row)
        self._save(folder, row.number, {})
        if self._group.is_main:
            commit_best(folder, self.best_epoch)
            write_history(folder, self.history)

    def _save(self, folder: Path, epoch: int, within: dict[str, float]) -> None:
        first, *others = self._group.gathered(generator_state())
        if not self._group.is_main:
            return
        state = {
            "model": self.model.state_dict(),
            "averaged": self.averaged.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "generator": first,
            "other_generators": others,
            "epoch": epoch,
            "best_score": self.best_score,
            "best_epoch": self.best_epoch,
            "settings": asdict(self._settings),
            "history": [asdict(row) for row in self.history],
        }
        save_checkpoint(folder / LAST, {**state, **within})


def _built(recipe: Recipe, device: torch.device) -> nn.Module:
    # In two steps, since torch's annotations know no call with both.
    return recipe.build().to(device).to(memory_format=torch.channels_last)


def _optimizer(model: nn.Module, settings: LoopSettings) -> torch.optim.Optimizer:
    """Weights decay; biases and the parameters of normalisation do not."""
    trained = [p for p in model.parameters() if p.requires_grad]
    matrices, vectors = [p for p in trained if p.ndim > 1], [p for p in trained if p.ndim <= 1]
    return OPTIMIZERS[settings.optimizer](
        [
            {"params": matrices, "weight_decay": settings.weight_decay},
            {"params": vectors, "weight_decay": 0.0},
        ],
        lr=settings.learning_rate,
    )


def _lay_out_like_parameters(optimizer: torch.optim.Optimizer) -> None:
    """Give loaded moments the memory order of their parameters.

    A checkpoint holds them in plain order; over another order the processor's vector code rounds
    differently, and the resumed run would part from the one left alone.
    """
    for parameter, state in optimizer.state.items():
        for key, value in state.items():
            if isinstance(value, Tensor) and value.shape == parameter.shape:
                state[key] = torch.empty_like(parameter).copy_(value)
