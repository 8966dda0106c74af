"""AutoAugment, drawn from a generator of its own."""

from typing import Final

import numpy as np
import torch
from torchvision.transforms import AutoAugment, AutoAugmentPolicy

from core.records import RgbImage

_POLICY: Final = AutoAugment(AutoAugmentPolicy.IMAGENET)


def auto_augment(rng: np.random.Generator, pixels: RgbImage) -> RgbImage:
    """One draw of the ImageNet policy on ``(H, W, 3)``; the same generator, the same picture.

    Source: Cubuk et al. 2019, AutoAugment, as torchvision has it.
    """
    # torchvision draws from torch's own generator, which belongs to the loop.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(rng.integers(2**31)))
        varied = _POLICY(torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1))))
    return np.ascontiguousarray(varied.numpy().transpose(1, 2, 0))
