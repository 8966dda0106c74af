"""The moving average of a model's weights: it is what is validated and saved."""

import torch
from torch import nn


class WeightAverage:
    """Keeps ``averaged`` as the exponential moving average of ``model``.

    Floating-point tensors (weights, running statistics) are averaged, counters are copied. The
    tensors are looked up once: training changes them in place, so they stay the same objects.
    """

    def __init__(self, averaged: nn.Module, model: nn.Module) -> None:
        pairs = list(zip(averaged.state_dict().values(), model.state_dict().values(), strict=True))
        self._old = [old for old, _ in pairs if old.dtype.is_floating_point]
        self._new = [new for old, new in pairs if old.dtype.is_floating_point]
        self._counted = [(old, new) for old, new in pairs if not old.dtype.is_floating_point]

    @torch.no_grad()
    def follow(self, keep: float) -> None:
        """One step: ``keep`` (in [0, 1]) is the share of the average that stays."""
        torch._foreach_lerp_(self._old, self._new, 1 - keep)
        for old, new in self._counted:
            old.copy_(new)


@torch.no_grad()
def interpolate_towards(start: nn.Module, trained: nn.Module, share: float) -> None:
    """Move ``trained`` back by ``share`` (in [0, 1]) of the way to the weights it started from.

    This retains what the start model knew and most of what was learnt since. Source: Wortsman 2022,
    WiSE-FT.
    """
    before = start.state_dict()
    for name, value in trained.state_dict().items():
        if value.is_floating_point() and before[name].shape == value.shape:
            value.lerp_(before[name].to(value), share)
