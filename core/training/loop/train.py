"""One training loop for every recipe, readable from top to bottom.

Randomness has three sources, all restored on resume: the order of examples and their augmentation
are functions of (seed, epoch, index), and the state of torch's generator (dropout) is saved. A run
resumed from its last checkpoint therefore gives the same weights as an uninterrupted one, wherever
it was killed: bit for bit on one CPU with the same number of threads.
"""

import math
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from core.store.run_records import Epoch
from core.training.loop.averaging import WeightAverage
from core.training.loop.checkpoint import (
    NEXT_BEST,
    commit_best,
    generator_state,
    load_checkpoint,
    remove_unfinished,
    save_checkpoint,
)
from core.training.loop.history import as_history, read_history, write_history
from core.training.loop.order import Batches, groups_of
from core.training.loop.process_group import current_group
from core.training.loop.recipe import Batch, Interrupted, Order, Progress, Recipe
from core.training.loop.settings import LoopSettings, with_defaults

__all__ = ["Batch", "Epoch", "Interrupted", "LoopSettings", "Order", "Progress", "Recipe", "train"]

OPTIMIZERS: Final = {"adamw": torch.optim.AdamW, "adam": torch.optim.Adam}


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
    """Train, or resume where ``folder`` holds a checkpoint; returns the best model by validation.

    ``folder`` gets ``last.safetensors``, ``best.safetensors`` and ``epochs.jsonl`` after every
    epoch. Stops early after ``patience`` epochs without a better score. ``control`` is called
    before an epoch and after every batch; when it returns "pause", the loop saves its state and
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
    device = group.device()
    torch.manual_seed(settings.seed)
    model = _built(recipe, device)
    averaged = _built(recipe, device)
    averaged.load_state_dict(model.state_dict())
    average, loss_module = WeightAverage(averaged, model), group.wrapped(LossModule(recipe, model))
    matrices, vectors = _by_decay(model)
    optimizer = OPTIMIZERS[settings.optimizer](
        [
            {"params": matrices, "weight_decay": settings.weight_decay},
            {"params": vectors, "weight_decay": 0.0},
        ],
        lr=settings.learning_rate,
    )
    examples = recipe.training_set()
    length = len(examples)  # type: ignore[arg-type]  # every training set here has a length
    group.check(settings.batch_size, length)
    batches_per_epoch = max(1, length // settings.batch_size)
    batches_per_step = min(settings.accumulation, batches_per_epoch)
    steps_per_epoch = batches_per_epoch // batches_per_step
    start, best_score, best_epoch = 0, -math.inf, -1
    steps_done, loss_before, seconds_before = 0, 0.0, 0.0
    history: list[Epoch] = []
    if not group.is_main:
        torch.manual_seed(settings.seed + group.rank)  # each process has its own dropout

    last = folder / "last.safetensors"
    if last.exists():
        state = load_checkpoint(last)
        if with_defaults(state["settings"]) != asdict(settings):
            raise ValueError(f"{folder} holds a run with other settings; resume needs the same")
        generators = [state["generator"], *state.get("other_generators", [])]
        if len(generators) != group.size:
            raise ValueError(
                f"{folder} holds a run of {len(generators)} processes, these are {group.size}; "
                "resume needs as many"
            )
        model.load_state_dict(state["model"])
        averaged.load_state_dict(state["averaged"])
        optimizer.load_state_dict(state["optimizer"])
        _lay_out_like_parameters(optimizer)
        torch.set_rng_state(generators[group.rank])
        start, best_score, best_epoch = state["epoch"] + 1, state["best_score"], state["best_epoch"]
        steps_done = state.get("batches_done", 0)
        loss_before, seconds_before = state.get("loss_sum", 0.0), state.get("seconds", 0.0)
        # Checkpoints of the first version held no history.
        rows = as_history(state["history"]) if "history" in state else read_history(folder)
        history = [row for row in rows if row.number < start]
        if group.is_main:
            write_history(folder, history)
    if group.is_main:
        commit_best(folder, best_epoch)

    def save(epoch: int, **within: Any) -> None:
        first, *others = group.gathered(generator_state())
        everything = {
            "model": model.state_dict(),
            "averaged": averaged.state_dict(),
            "optimizer": optimizer.state_dict(),
            "generator": first,
            "other_generators": others,
            "epoch": epoch,
            "best_score": best_score,
            "best_epoch": best_epoch,
            "settings": asdict(settings),
            "history": [asdict(row) for row in history],
        }
        if group.is_main:
            save_checkpoint(last, {**everything, **within})

    for epoch in range(start, settings.epochs):
        if epoch - best_epoch > settings.patience:
            break
        began, loss_sum, first = time.monotonic() - seconds_before, loss_before, steps_done
        learnt, since = 0, time.monotonic()
        steps_done, loss_before, seconds_before = 0, 0.0, 0.0
        rate = rate_at(epoch * steps_per_epoch, steps_per_epoch * settings.epochs, settings)
        mean = loss_sum / max(1, first)
        order_now = group.broadcast(
            control(Progress(epoch, settings.epochs, first, steps_per_epoch, mean, rate, 0.0))
        )
        if order_now != "go":
            raise Interrupted(order_now)  # the state was saved at the end of the last epoch
        model.train()
        batch_order = Batches(
            length,
            settings.batch_size,
            steps_per_epoch * batches_per_step,
            seed=settings.seed,
            epoch=epoch,
            skip=first * batches_per_step,
            group=group,
        )
        batches = iter(
            DataLoader(examples, batch_sampler=batch_order, num_workers=settings.workers)
        )
        if first:
            # Making the iterator drew from the generator: put back its state at the pause.
            torch.set_rng_state(generators[group.rank])
        for number, parts in enumerate(groups_of(batches, batches_per_step), start=first):
            step = epoch * steps_per_epoch + number
            rate = rate_at(step, steps_per_epoch * settings.epochs, settings)
            for parameters in optimizer.param_groups:
                parameters["lr"] = rate
            optimizer.zero_grad(set_to_none=True)
            step_loss = 0.0
            for batch in parts:
                batch = {k: v.to(device, non_blocking=True) for k, v in batch.items()}
                with torch.autocast(device.type, torch.bfloat16, enabled=settings.bfloat16):
                    loss = loss_module(batch) / len(parts)
                loss.backward()
                step_loss += group.mean(loss)
            if not math.isfinite(step_loss):
                raise FloatingPointError(
                    f"loss became {step_loss} in epoch {epoch + 1}, batch {number + 1}; "
                    f"a lower learning rate may help"
                )
            nn.utils.clip_grad_norm_(model.parameters(), 10.0)
            optimizer.step()
            average.follow(min(settings.averaging, (1 + step) / (10 + step)))
            loss_sum += step_loss

            learnt += settings.batch_size * len(parts)
            speed, done = learnt / max(1e-9, time.monotonic() - since), number + 1
            mean = loss_sum / done
            order_now = group.broadcast(
                control(Progress(epoch, settings.epochs, done, steps_per_epoch, mean, rate, speed))
            )
            if order_now == "pause" and done < steps_per_epoch:
                spent = time.monotonic() - began
                save(epoch - 1, batches_done=done, loss_sum=loss_sum, seconds=spent)
            # After the last batch the epoch ends, with its validation; then control is called.
            if order_now == "leave" or (order_now == "pause" and done < steps_per_epoch):
                raise Interrupted(order_now)

        averaged.eval()
        metrics = group.broadcast(recipe.validate(averaged) if group.is_main else {})
        better = metrics["score"] > best_score
        if better:
            best_score, best_epoch = metrics["score"], epoch
        if better and group.is_main:
            save_checkpoint(folder / NEXT_BEST, {"model": averaged.state_dict(), "epoch": epoch})
        seconds = time.monotonic() - began
        loss_mean = loss_sum / steps_per_epoch
        history.append(Epoch(epoch, loss_mean, metrics, rate, seconds, learnt))
        save(epoch)
        if group.is_main:
            commit_best(folder, best_epoch)
            write_history(folder, history)
            report(history[-1])

    # The other processes may get here before the main one has committed the best checkpoint.
    return best_model(recipe, folder) if group.is_main else averaged


class LossModule(nn.Module):
    """The loss of a batch as one module call: DistributedDataParallel averages what it computes."""

    def __init__(self, recipe: Recipe, model: nn.Module) -> None:
        super().__init__()
        self._recipe, self._model = recipe, model

    def forward(self, batch: Batch) -> Tensor:
        return self._recipe.loss(self._model, batch)


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


def _by_decay(model: nn.Module) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """Parameters that decay (weights), and those that do not (biases and normalisation)."""
    trained = [p for p in model.parameters() if p.requires_grad]
    return [p for p in trained if p.ndim > 1], [p for p in trained if p.ndim <= 1]
