"""One training loop for every recipe, readable from top to bottom.

Chance comes from three places, all restored on resume: the order of examples and their
augmentation are functions of (seed, epoch, index), and torch's own generator (dropout) is saved.
A run resumed from its last checkpoint therefore gives the weights of one left alone.
"""

import json
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, Sampler

from core.training.checkpoint import generator_state, load_checkpoint, save_checkpoint

Batch = dict[str, Tensor]


@dataclass(frozen=True)
class LoopSettings:
    """How long, how fast, how often. Ranges are checked on construction."""

    epochs: int = 30
    batch_size: int = 16
    learning_rate: float = 1e-3
    weight_decay: float = 1e-2
    warmup_steps: int = 100
    patience: int = 20
    averaging: float = 0.998
    seed: int = 0
    workers: int = 1
    bfloat16: bool = True

    def __post_init__(self) -> None:
        _in_range("epochs", self.epochs, 1, 10_000)
        _in_range("batch_size", self.batch_size, 1, 1024)
        _in_range("learning_rate", self.learning_rate, 1e-8, 1.0)
        _in_range("weight_decay", self.weight_decay, 0.0, 1.0)
        _in_range("warmup_steps", self.warmup_steps, 0, 100_000)
        _in_range("patience", self.patience, 1, 10_000)
        _in_range("averaging", self.averaging, 0.0, 0.99999)
        _in_range("seed", self.seed, 0, 2**31 - 1)
        _in_range("workers", self.workers, 0, 64)


def _in_range(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise ValueError(f"{name} must be from {low:g} to {high:g}, got {value:g}")


class Recipe(Protocol):
    """What a task brings to the loop."""

    name: str

    def build(self) -> nn.Module:
        """A new model, on the CPU."""

    def training_set(self) -> Dataset[Batch]:
        """Examples by ``(epoch, index)``."""

    def loss(self, model: nn.Module, batch: Batch) -> Tensor:
        """Scalar loss of one batch."""

    def validate(self, model: nn.Module) -> dict[str, float]:
        """Metrics on the validation part; ``score`` is the one to raise."""


@dataclass(frozen=True)
class Epoch:
    """What one epoch gave."""

    number: int
    train_loss: float
    metrics: dict[str, float]
    learning_rate: float
    seconds: float


class _Order(Sampler[tuple[int, int]]):
    """A permutation of the indices that depends on (seed, epoch) only."""

    def __init__(self, length: int, seed: int, epoch: int) -> None:
        self._length, self._seed, self._epoch = length, seed, epoch

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[tuple[int, int]]:
        generator = torch.Generator().manual_seed(self._seed * 1_000_003 + self._epoch)
        for index in torch.randperm(self._length, generator=generator).tolist():
            yield self._epoch, index


def rate_at(step: int, total: int, settings: LoopSettings) -> float:
    """Learning rate of a step: linear warm-up, then a half cosine to a hundredth."""
    if step < settings.warmup_steps:
        return settings.learning_rate * (step + 1) / settings.warmup_steps
    share = (step - settings.warmup_steps) / max(1, total - settings.warmup_steps)
    return settings.learning_rate * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1.0, share))))


def train(
    recipe: Recipe,
    settings: LoopSettings,
    folder: Path,
    report: Callable[[Epoch], None] = lambda epoch: None,
) -> nn.Module:
    """Train, or go on where ``folder`` holds a checkpoint; returns the best model by validation.

    ``folder`` gets ``last.safetensors`` and ``best.safetensors`` after every epoch and a line of
    ``epochs.jsonl``. Stops early after ``patience`` epochs without a better score.

    Raises:
        ValueError: if the folder's checkpoint was made with other settings.
        FloatingPointError: if the loss is not finite.
    """
    folder.mkdir(parents=True, exist_ok=True)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(settings.seed)
    model = recipe.build().to(device, memory_format=torch.channels_last)
    averaged = recipe.build().to(device, memory_format=torch.channels_last)
    averaged.load_state_dict(model.state_dict())
    optimizer = torch.optim.AdamW(_decayed(model, settings.weight_decay), lr=settings.learning_rate)
    examples = recipe.training_set()
    length = len(examples)  # type: ignore[arg-type]  # every training set here has a length
    steps_per_epoch = max(1, length // settings.batch_size)
    start, best_score, best_epoch = 0, -math.inf, -1

    last = folder / "last.safetensors"
    if last.exists():
        state = load_checkpoint(last)
        if state["settings"] != asdict(settings):
            raise ValueError(f"{folder} holds a run with other settings; resume needs the same ones")
        model.load_state_dict(state["model"])
        averaged.load_state_dict(state["averaged"])
        optimizer.load_state_dict(state["optimizer"])
        torch.set_rng_state(state["generator"])
        start, best_score, best_epoch = state["epoch"] + 1, state["best_score"], state["best_epoch"]

    for epoch in range(start, settings.epochs):
        if epoch - best_epoch > settings.patience:
            break
        began, loss_sum = time.monotonic(), 0.0
        model.train()
        loader = DataLoader(
            examples,
            batch_size=settings.batch_size,
            sampler=_Order(length, settings.seed, epoch),
            num_workers=settings.workers,
            drop_last=length >= settings.batch_size,
        )
        for number, batch in enumerate(loader):
            step = epoch * steps_per_epoch + number
            rate = rate_at(step, steps_per_epoch * settings.epochs, settings)
            for group in optimizer.param_groups:
                group["lr"] = rate
            batch = {k: v.to(device) for k, v in batch.items()}
            with torch.autocast(device.type, torch.bfloat16, enabled=settings.bfloat16):
                loss = recipe.loss(model, batch)
            if not torch.isfinite(loss):
                raise FloatingPointError(f"loss became {loss.item()} in epoch {epoch}, step {number}")
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 10.0)
            optimizer.step()
            _average(averaged, model, min(settings.averaging, (1 + step) / (10 + step)))
            loss_sum += loss.item()

        averaged.eval()
        metrics = recipe.validate(averaged)
        if metrics["score"] > best_score:
            best_score, best_epoch = metrics["score"], epoch
            save_checkpoint(folder / "best.safetensors", {"model": averaged.state_dict(), "epoch": epoch})
        save_checkpoint(
            last,
            {
                "model": model.state_dict(),
                "averaged": averaged.state_dict(),
                "optimizer": optimizer.state_dict(),
                "generator": generator_state(),
                "epoch": epoch,
                "best_score": best_score,
                "best_epoch": best_epoch,
                "settings": asdict(settings),
            },
        )
        row = Epoch(epoch, loss_sum / steps_per_epoch, metrics, rate, time.monotonic() - began)
        with (folder / "epochs.jsonl").open("a") as log:
            log.write(json.dumps(asdict(row)) + "\n")
        report(row)

    averaged.load_state_dict(load_checkpoint(folder / "best.safetensors")["model"])
    return averaged.eval()


def _decayed(model: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Weights decay, biases and normalisation do not."""
    matrices = [p for p in model.parameters() if p.requires_grad and p.ndim > 1]
    vectors = [p for p in model.parameters() if p.requires_grad and p.ndim <= 1]
    return [{"params": matrices, "weight_decay": weight_decay}, {"params": vectors, "weight_decay": 0.0}]


@torch.no_grad()
def _average(averaged: nn.Module, model: nn.Module, keep: float) -> None:
    """Exponential moving average of weights and running statistics."""
    for old, new in zip(averaged.state_dict().values(), model.state_dict().values(), strict=True):
        if old.dtype.is_floating_point:
            old.lerp_(new, 1 - keep)
        else:
            old.copy_(new)
