"""Finding a learning rate: a short trial in which it grows until the loss grows.

Source: Smith 2017, "Cyclical Learning Rates for Training Neural Networks", section 3.3; the rate
proposed is the one at which the smoothed loss falls most steeply (as fastai does).
"""

import itertools
import math
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Final

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

from core.training.loop.order import Batches
from core.training.loop.process_group import ProcessGroup
from core.training.loop.rate_trial import RateTrial
from core.training.loop.recipe import Batch, Recipe
from core.training.loop.settings import LoopSettings

LOWEST: Final = 1e-7
HIGHEST: Final = 1.0
STEPS: Final = 80
_SMOOTHING: Final = 0.9
_TOO_FAR: Final = 4.0
"""The trial ends where the smoothed loss is this many times its least value so far."""

_CLEAR: Final = 0.25
"""Share by which the loss must fall before its steepest fall means anything."""

_ABOUT: Final = 1.1
"""A loss up to this many times the least one counts as equally low."""


def find_rate(
    recipe: Recipe,
    settings: LoopSettings,
    steps: int = STEPS,
    report: Callable[[int, int], None] = lambda done, total: None,
) -> RateTrial:
    """Train for some steps on the training part, each at a higher rate; the weights are discarded.

    Raises:
        FloatingPointError: if the loss is not finite from the start.
    """
    device = ProcessGroup().device()
    torch.manual_seed(settings.seed)
    model = recipe.build().to(device)
    model.train()
    learnt = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(learnt, lr=LOWEST, weight_decay=settings.weight_decay)
    examples = recipe.training_set()
    length = len(examples)  # type: ignore[arg-type]  # every training set here has a length
    rates, losses, smooth = [], [], 0.0
    for step, batch in enumerate(islice(_batches(examples, length, settings), steps)):
        rate = LOWEST * (HIGHEST / LOWEST) ** (step / (steps - 1))
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast(device.type, torch.bfloat16, enabled=settings.bfloat16):
            loss = recipe.loss(model, {k: v.to(device) for k, v in batch.items()})
        loss.backward()
        nn.utils.clip_grad_norm_(learnt, 10.0)
        optimizer.step()
        report(step + 1, steps)
        if not math.isfinite(loss.item()):
            break
        smooth = _SMOOTHING * smooth + (1 - _SMOOTHING) * loss.item()
        rates.append(rate)
        losses.append(smooth / (1 - _SMOOTHING ** (step + 1)))
        if step > steps // 4 and losses[-1] > _TOO_FAR * min(losses):
            break
    if len(rates) < 3:
        raise FloatingPointError("the loss is not finite even at the lowest rates")
    return RateTrial(tuple(rates), tuple(losses), proposed_rate(rates, losses))


def _batches(examples: Dataset[Batch], length: int, settings: LoopSettings) -> Iterator[Batch]:
    """The batches of one epoch after another, as the loop would see them."""
    count = max(1, length // settings.batch_size)
    for epoch in itertools.count():
        order = Batches(
            length,
            settings.batch_size,
            count,
            seed=settings.seed,
            epoch=epoch,
            skip=0,
            group=ProcessGroup(),
        )
        yield from DataLoader(examples, batch_sampler=order, num_workers=settings.workers)


def proposed_rate(rates: list[float], losses: list[float]) -> float:
    """The rate of the steepest fall before the least loss, to two digits.

    Where the loss never falls clearly, as in a network that has learnt already, the steepest
    fall is noise. The proposal is then a tenth of the highest rate at which the loss is still about
    as low as its least value.
    """
    # The first smoothed losses are those of a few batches.
    first = len(rates) // 8
    least = first + int(np.argmin(losses[first:]))
    fall = np.array(losses[first : least + 1])
    if len(fall) < 3 or fall.max() - fall[-1] < _CLEAR * fall.max():
        low = np.flatnonzero(np.array(losses) <= _ABOUT * losses[least])
        return float(f"{max(LOWEST, rates[int(low[-1])] / 10):.1e}")
    slope = np.gradient(fall, np.log(rates[first : least + 1]))
    return float(f"{rates[first + int(np.argmin(slope))]:.1e}")
