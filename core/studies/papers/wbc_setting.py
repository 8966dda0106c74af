"""Settings of the repeated white-cell system on this machine."""

from dataclasses import dataclass, replace
from typing import Final

import torch

from core.training.loop.settings import LoopSettings
from core.training.paper_settings import PAPER_CLASSIFIER


@dataclass(frozen=True)
class Setting:
    """Settings of the training. ``per_class`` cells of each class, None for all of them."""

    name: str
    side_px: int
    per_class: int | None
    loop: LoopSettings


FULL: Final = Setting(
    "as published: 224 px, all cells, 20 epochs",
    224,
    None,
    replace(PAPER_CLASSIFIER, epochs=20),
)
FULL_WITHOUT_CUDA: Final = Setting(
    "full: 128 px, all cells, at most 20 epochs",
    128,
    None,
    replace(
        PAPER_CLASSIFIER,
        epochs=20,
        patience=6,
        learning_rate=5e-4,
        warmup_steps=200,
        schedule="cosine",
        workers=0,
    ),
)
"""From random weights the paper's constant rate of 1e-4 needs several times as many epochs, so the
rate is higher and falls by a half cosine; batch, optimizer and augmentation are the paper's."""
REDUCED: Final = Setting(
    "reduced for a processor without CUDA: 96 px, 300 cells a class, 5 epochs",
    96,
    300,
    replace(PAPER_CLASSIFIER, epochs=5, learning_rate=3e-4, workers=0, bfloat16=False),
)


def setting_for(*, full: bool, epochs: int | None = None) -> Setting:
    """The full setting with CUDA or with ``full``, otherwise the reduced one."""
    without_cuda = FULL_WITHOUT_CUDA if full else REDUCED
    setting = FULL if torch.cuda.is_available() else without_cuda
    if epochs is None:
        return setting
    name = f"{setting.name}, ended after {epochs} epochs"
    return replace(setting, name=name, loop=replace(setting.loop, epochs=epochs))
