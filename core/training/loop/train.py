"""One training loop for every recipe, readable from top to bottom.

Randomness has three sources, all restored on resume: the order of examples and their augmentation
are functions of (seed, epoch, index), and the state of torch's generator (dropout) is saved. A run
resumed from its last checkpoint therefore gives the same weights as an uninterrupted one, wherever
it was killed: bit for bit on one CPU with the same number of threads.
"""

import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from core.store.run_records import Epoch
from core.training.loop.checkpoint import commit_best, load_checkpoint, remove_unfinished
from core.training.loop.order import Batches, groups_of
from core.training.loop.process_group import current_group
from core.training.loop.recipe import Batch, Interrupted, Order, Progress, Recipe
from core.training.loop.settings import LoopSettings
from core.training.loop.state import EpochSoFar, TrainingState

__all__ = ["Batch", "Epoch", "Interrupted", "LoopSettings", "Order", "Progress", "Recipe", "train"]

Control = Callable[[Progress], Order]


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
    control: Control = lambda progress: "go",
) -> nn.Module:
    """Train, or resume where ``folder`` holds a checkpoint; returns the best model by validation.

    ``folder`` gets ``last.safetensors``, ``best.safetensors`` and ``epochs.jsonl`` after every
    epoch. Stops early after ``patience`` epochs without a better score. ``control`` is called
    before an epoch and after every step; when it returns "pause", the loop saves its state and
    ends.

    Raises:
        ValueError: if the folder's checkpoint was made with other settings.
        FloatingPointError: if the loss is not finite.
        Interrupted: if ``control`` asked for an end.
    """
    group = current_group()
    folder.mkdir(parents=True, exist_ok=True)
    if group.is_main:
        remove_unfinished(folder)
    torch.manual_seed(settings.seed)
    state = TrainingState(recipe, settings, group)
    epochs = _Epochs(recipe, settings, state, folder, control)
    if not group.is_main:
        torch.manual_seed(settings.seed + group.rank)  # each process has its own dropout
    state.restore(folder)
    if group.is_main:
        commit_best(folder, state.best_epoch)
    for epoch in range(state.next_epoch, settings.epochs):
        if epoch - state.best_epoch > settings.patience:
            break
        row = epochs.run(epoch)
        state.end_epoch(folder, row)
        if group.is_main:
            report(row)
    # The other processes may get here before the main one has committed the best checkpoint.
    return best_model(recipe, folder) if group.is_main else state.averaged


class _Epochs:
    """Trains and validates one epoch of a training after the other."""

    def __init__(
        self,
        recipe: Recipe,
        settings: LoopSettings,
        state: TrainingState,
        folder: Path,
        control: Control,
    ) -> None:
        self._recipe, self._settings, self._state = recipe, settings, state
        self._folder, self._control = folder, control
        self._group = current_group()
        self._device = self._group.device()
        self._loss = self._group.wrapped(LossModule(recipe, state.model))
        self._examples = recipe.training_set()
        self._length = len(self._examples)  # type: ignore[arg-type]  # ours all have a length
        self._group.check(settings.batch_size, self._length)
        batches = max(1, self._length // settings.batch_size)
        self._batches_per_step = min(settings.accumulation, batches)
        self._steps = batches // self._batches_per_step

    def run(self, epoch: int) -> Epoch:
        """Train an epoch, from where a pause left it, and validate it.

        Raises:
            FloatingPointError: if the loss is not finite.
            Interrupted: if ``control`` asked for an end; for a pause the state was saved.
        """
        state, settings = self._state, self._settings
        sofar, state.paused = state.paused, EpochSoFar()
        began = time.monotonic() - sofar.seconds
        examples, since = 0, time.monotonic()
        rate = rate_at(epoch * self._steps, self._steps * settings.epochs, settings)
        order = self._ask(epoch, sofar, rate, 0.0)
        if order != "go":
            raise Interrupted(order)  # the state was saved at the end of the last epoch
        state.model.train()
        for batches in self._batches(epoch, sofar.steps):
            step = epoch * self._steps + sofar.steps
            rate = rate_at(step, self._steps * settings.epochs, settings)
            loss, norm = self._step(batches, step, rate)
            if not math.isfinite(loss):
                raise FloatingPointError(
                    f"loss became {loss} in epoch {epoch + 1}, batch {sofar.steps + 1}; "
                    f"a lower learning rate may help"
                )
            sofar.loss_sum += loss
            sofar.steps += 1
            examples += settings.batch_size * len(batches)
            speed = examples / max(1e-9, time.monotonic() - since)
            order = self._ask(epoch, sofar, rate, speed, loss, norm)
            # After the last step the epoch ends with its validation; then control is called again.
            pausing = order == "pause" and sofar.steps < self._steps
            if pausing:
                sofar.seconds = time.monotonic() - began
                state.save_paused(self._folder, epoch, sofar)
            if order == "leave" or pausing:
                raise Interrupted(order)
        metrics = self._validated()
        seconds = time.monotonic() - began
        return Epoch(epoch, sofar.loss_sum / self._steps, metrics, rate, seconds, examples)

    def _batches(self, epoch: int, skip: int) -> Iterator[list[Batch]]:
        """The batches of each step, without those of the first ``skip`` steps."""
        order = Batches(
            self._length,
            self._settings.batch_size,
            self._steps * self._batches_per_step,
            seed=self._settings.seed,
            epoch=epoch,
            skip=skip * self._batches_per_step,
            group=self._group,
        )
        loader = DataLoader(self._examples, batch_sampler=order, num_workers=self._settings.workers)
        batches = iter(loader)
        if skip and self._state.generator is not None:
            # Making the iterator drew from the generator: put back its state at the pause.
            torch.set_rng_state(self._state.generator)
        return groups_of(batches, self._batches_per_step)

    def _step(self, batches: list[Batch], step: int, rate: float) -> tuple[float, float]:
        """One step of the optimizer: the mean loss of its batches over all processes, and the norm
        of the gradient before it is clipped.

        Where the loss is not finite the weights stay as they are.
        """
        state, settings = self._state, self._settings
        for parameters in state.optimizer.param_groups:
            parameters["lr"] = rate
        state.optimizer.zero_grad(set_to_none=True)
        step_loss, norm = 0.0, math.nan
        for batch in batches:
            batch = {k: v.to(self._device, non_blocking=True) for k, v in batch.items()}
            with torch.autocast(self._device.type, torch.bfloat16, enabled=settings.bfloat16):
                loss = self._loss(batch) / len(batches)
            loss.backward()
            step_loss += self._group.mean(loss)
        if math.isfinite(step_loss):
            norm = float(nn.utils.clip_grad_norm_(state.model.parameters(), 10.0))
            state.optimizer.step()
            # The average follows fast at first: it begins as a copy of untrained weights.
            state.average.follow(min(settings.averaging, (1 + step) / (10 + step)))
        return step_loss, norm

    def _ask(
        self,
        epoch: int,
        sofar: EpochSoFar,
        rate: float,
        speed: float,
        step_loss: float | None = None,
        norm: float | None = None,
    ) -> Order:
        """The main process's order, in every process; ``speed`` in examples a second."""
        mean = sofar.loss_sum / max(1, sofar.steps)
        progress = Progress(
            epoch,
            self._settings.epochs,
            sofar.steps,
            self._steps,
            mean,
            rate,
            speed,
            step_loss,
            norm,
        )
        order: Order = self._group.broadcast(self._control(progress))
        return order

    def _validated(self) -> dict[str, float]:
        """Metrics of the averaged weights, in every process."""
        averaged = self._state.averaged
        averaged.eval()
        metrics: dict[str, float] = self._group.broadcast(
            self._recipe.validate(averaged) if self._group.is_main else {}
        )
        return metrics


class LossModule(nn.Module):
    """The loss of a batch as one module call: DistributedDataParallel averages what it computes."""

    def __init__(self, recipe: Recipe, model: nn.Module) -> None:
        super().__init__()
        self._recipe, self._model = recipe, model

    def forward(self, batch: Batch) -> Tensor:
        return self._recipe.loss(self._model, batch)


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
