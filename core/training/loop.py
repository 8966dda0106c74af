"""One training loop for every recipe, readable from top to bottom.

Chance comes from three places, all restored on resume: the order of examples and their
augmentation are functions of (seed, epoch, index), and torch's own generator (dropout) is saved.
A run resumed from its last checkpoint therefore gives the weights of one left alone, wherever it
was killed: bit for bit on one CPU with the same number of threads.
"""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, Sampler

from core.training.checkpoint import (
    NEXT_BEST,
    generator_state,
    load_checkpoint,
    remove_unfinished,
    save_checkpoint,
    settle_best,
)
from core.training.history import Epoch, as_history, read_history, write_history
from core.training.loop_settings import LoopSettings, with_defaults

__all__ = ["Batch", "Epoch", "Interrupted", "LoopSettings", "Order", "Progress", "Recipe", "train"]

Batch = dict[str, Tensor]
Order = Literal["go", "pause", "leave"]
"""What the loop is told after a batch: go on, save where it stands and leave, or just leave."""


class Interrupted(Exception):
    """The loop left because it was told to."""


@dataclass(frozen=True)
class Progress:
    """Where a running epoch stands; ``loss`` is the mean of its batches so far."""

    epoch: int
    epochs: int
    batch: int
    batches: int
    loss: float
    learning_rate: float
    examples_per_second: float


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


class _Order(Sampler[tuple[int, int]]):
    """A permutation of the indices that depends on (seed, epoch) only, less its first ones."""

    def __init__(self, length: int, seed: int, epoch: int, skip: int) -> None:
        self._length, self._seed, self._epoch, self._skip = length, seed, epoch, skip

    def __len__(self) -> int:
        return self._length - self._skip

    def __iter__(self) -> Iterator[tuple[int, int]]:
        generator = torch.Generator().manual_seed(self._seed * 1_000_003 + self._epoch)
        for index in torch.randperm(self._length, generator=generator).tolist()[self._skip :]:
            yield self._epoch, index


def rate_at(step: int, total: int, settings: LoopSettings) -> float:
    """Learning rate of a step: linear warm-up, then constant or a half cosine to a hundredth."""
    if step < settings.warmup_steps:
        return settings.learning_rate * (step + 1) / settings.warmup_steps
    if settings.schedule == "constant":
        return settings.learning_rate
    share = (step - settings.warmup_steps) / max(1, total - settings.warmup_steps)
    return settings.learning_rate * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1.0, share))))


def train(
    recipe: Recipe,
    settings: LoopSettings,
    folder: Path,
    report: Callable[[Epoch], None] = lambda epoch: None,
    control: Callable[[Progress], Order] = lambda progress: "go",
) -> nn.Module:
    """Train, or go on where ``folder`` holds a checkpoint; returns the best model by validation.

    ``folder`` gets ``last.safetensors``, ``best.safetensors`` and ``epochs.jsonl`` after every
    epoch. Stops early after ``patience`` epochs without a better score. ``control`` is asked
    before an epoch and after every batch; told to pause, the loop saves where it stands.

    Raises:
        ValueError: if the folder's checkpoint was made with other settings.
        FloatingPointError: if the loss is not finite.
        Interrupted: if ``control`` said so.
    """
    folder.mkdir(parents=True, exist_ok=True)
    remove_unfinished(folder)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(settings.seed)
    model = _built(recipe, device)
    averaged = _built(recipe, device)
    averaged.load_state_dict(model.state_dict())
    optimizer = torch.optim.AdamW(_decayed(model, settings.weight_decay), lr=settings.learning_rate)
    examples = recipe.training_set()
    length = len(examples)  # type: ignore[arg-type]  # every training set here has a length
    steps_per_epoch = max(1, length // settings.batch_size)
    start, best_score, best_epoch = 0, -math.inf, -1
    batches_done, loss_before, seconds_before = 0, 0.0, 0.0
    history: list[Epoch] = []

    last = folder / "last.safetensors"
    if last.exists():
        state = load_checkpoint(last)
        if with_defaults(state["settings"]) != asdict(settings):
            raise ValueError(f"{folder} holds a run with other settings; resume needs the same")
        model.load_state_dict(state["model"])
        averaged.load_state_dict(state["averaged"])
        optimizer.load_state_dict(state["optimizer"])
        _lay_out_like_parameters(optimizer)
        torch.set_rng_state(state["generator"])
        start, best_score, best_epoch = state["epoch"] + 1, state["best_score"], state["best_epoch"]
        batches_done = state.get("batches_done", 0)
        loss_before, seconds_before = state.get("loss_sum", 0.0), state.get("seconds", 0.0)
        # Checkpoints of the first version held no history.
        rows = as_history(state["history"]) if "history" in state else read_history(folder)
        history = [row for row in rows if row.number < start]
        write_history(folder, history)
    settle_best(folder, best_epoch)

    def save(epoch: int, **within: Any) -> None:
        everything = {
            "model": model.state_dict(),
            "averaged": averaged.state_dict(),
            "optimizer": optimizer.state_dict(),
            "generator": generator_state(),
            "epoch": epoch,
            "best_score": best_score,
            "best_epoch": best_epoch,
            "settings": asdict(settings),
            "history": [asdict(row) for row in history],
        }
        save_checkpoint(last, {**everything, **within})

    for epoch in range(start, settings.epochs):
        if epoch - best_epoch > settings.patience:
            break
        began, loss_sum, first = time.monotonic() - seconds_before, loss_before, batches_done
        learnt, since = 0, time.monotonic()
        batches_done, loss_before, seconds_before = 0, 0.0, 0.0
        rate = rate_at(epoch * steps_per_epoch, steps_per_epoch * settings.epochs, settings)
        mean = loss_sum / max(1, first)
        asked = control(Progress(epoch, settings.epochs, first, steps_per_epoch, mean, rate, 0.0))
        if asked != "go":
            raise Interrupted(asked)  # what there is to save was saved at the end of the last epoch
        model.train()
        loader = DataLoader(
            examples,
            batch_size=settings.batch_size,
            sampler=_Order(length, settings.seed, epoch, first * settings.batch_size),
            num_workers=settings.workers,
            drop_last=length >= settings.batch_size,
        )
        batches = iter(loader)
        if first:
            # Making the iterator drew from the generator, as it had before the pause.
            torch.set_rng_state(state["generator"])
        for number, batch in enumerate(batches, start=first):
            step = epoch * steps_per_epoch + number
            rate = rate_at(step, steps_per_epoch * settings.epochs, settings)
            for group in optimizer.param_groups:
                group["lr"] = rate
            batch = {k: v.to(device) for k, v in batch.items()}
            with torch.autocast(device.type, torch.bfloat16, enabled=settings.bfloat16):
                loss = recipe.loss(model, batch)
            if not torch.isfinite(loss):
                raise FloatingPointError(
                    f"loss became {loss.item()} in epoch {epoch + 1}, batch {number + 1}; "
                    f"a lower learning rate may help"
                )
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 10.0)
            optimizer.step()
            _average(averaged, model, min(settings.averaging, (1 + step) / (10 + step)))
            loss_sum += loss.item()

            learnt += settings.batch_size
            speed, done = learnt / max(1e-9, time.monotonic() - since), number + 1
            mean = loss_sum / done
            asked = control(
                Progress(epoch, settings.epochs, done, steps_per_epoch, mean, rate, speed)
            )
            if asked == "pause" and done < steps_per_epoch:
                spent = time.monotonic() - began
                save(epoch - 1, batches_done=done, loss_sum=loss_sum, seconds=spent)
            # After the last batch the epoch is brought to its end first; control is asked again.
            if asked == "leave" or (asked == "pause" and done < steps_per_epoch):
                raise Interrupted(asked)

        averaged.eval()
        metrics = recipe.validate(averaged)
        better = metrics["score"] > best_score
        if better:
            best_score, best_epoch = metrics["score"], epoch
            save_checkpoint(folder / NEXT_BEST, {"model": averaged.state_dict(), "epoch": epoch})
        seconds = time.monotonic() - began
        loss_mean = loss_sum / steps_per_epoch
        history.append(Epoch(epoch, loss_mean, metrics, rate, seconds, learnt))
        save(epoch)
        settle_best(folder, best_epoch)
        write_history(folder, history)
        report(history[-1])

    return best_model(recipe, folder)


def _built(recipe: Recipe, device: torch.device) -> nn.Module:
    # In two steps, since torch's annotations know no call with both.
    return recipe.build().to(device).to(memory_format=torch.channels_last)


def best_model(recipe: Recipe, folder: Path) -> nn.Module:
    """The model of the best epoch so far, on the CPU and in evaluation mode.

    Raises:
        FileNotFoundError: if no epoch has ended yet.
    """
    best = folder / "best.safetensors"
    if not best.exists():
        raise FileNotFoundError(
            f"{folder.name} has no finished epoch, so there is no model to keep"
        )
    model = recipe.build()
    model.load_state_dict(load_checkpoint(best)["model"])
    return model.eval()


def _lay_out_like_parameters(optimizer: torch.optim.Optimizer) -> None:
    """Give loaded moments the memory order of their parameters.

    A checkpoint holds them in plain order; over another order the processor's vector code rounds
    differently, and the resumed run would part from the one left alone.
    """
    for parameter, state in optimizer.state.items():
        for key, value in state.items():
            if isinstance(value, Tensor) and value.shape == parameter.shape:
                state[key] = torch.empty_like(parameter).copy_(value)


def _decayed(model: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Weights decay, biases and normalisation do not."""
    matrices = [p for p in model.parameters() if p.requires_grad and p.ndim > 1]
    vectors = [p for p in model.parameters() if p.requires_grad and p.ndim <= 1]
    return [
        {"params": matrices, "weight_decay": weight_decay},
        {"params": vectors, "weight_decay": 0.0},
    ]


@torch.no_grad()
def _average(averaged: nn.Module, model: nn.Module, keep: float) -> None:
    """Exponential moving average of weights and running statistics."""
    for old, new in zip(averaged.state_dict().values(), model.state_dict().values(), strict=True):
        if old.dtype.is_floating_point:
            old.lerp_(new, 1 - keep)
        else:
            old.copy_(new)
