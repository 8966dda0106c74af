"""The average of a model's weights over its last steps, which is what is validated and kept."""

import torch
from torch import nn


class WeightAverage:
    """Moves ``averaged`` after ``model``: weights and running statistics, step by step.

    The tensors are looked up once. Training changes them in place, so they stay the same ones.
    """

    def __init__(self, averaged: nn.Module, model: nn.Module) -> None:
        pairs = list(zip(averaged.state_dict().values(), model.state_dict().values(), strict=True))
        self._old = [old for old, _ in pairs if old.dtype.is_floating_point]
        self._new = [new for old, new in pairs if old.dtype.is_floating_point]
        self._counted = [(old, new) for old, new in pairs if not old.dtype.is_floating_point]

    @torch.no_grad()
    def follow(self, keep: float) -> None:
        """One step: keep that share of the average, take the rest from the model."""
        torch._foreach_lerp_(self._old, self._new, 1 - keep)
        for old, new in self._counted:
            old.copy_(new)


@torch.no_grad()
def between(start: nn.Module, trained: nn.Module, share: float) -> None:
    """Move ``trained`` back: ``share`` of the way from it to the weights it started from.

    What was known before is kept and most of what was learnt stays. Source: Wortsman 2022, WiSE-FT.
    """
    before = start.state_dict()
    for name, value in trained.state_dict().items():
        if value.is_floating_point() and before[name].shape == value.shape:
            value.lerp_(before[name].to(value), share)
