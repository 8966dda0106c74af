"""Settings and starting weights of the repeated white-cell system on this machine."""

import pickle
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor
from torchvision.models import resnet18

from core.training.loop.recipe import Order, Progress
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


def start_weights(file: Path) -> dict[str, Tensor]:
    """ResNet-18 weights of a file, without the last layer.

    Args:
        file: ``.safetensors`` or ``.pth`` (read without running code), with the names of
            torchvision or timm, which are the same for this network.

    Raises:
        ValueError: if the file cannot be read or holds another network.
    """
    try:
        if file.suffix == ".safetensors":
            state = load_file(file)
        else:
            state = torch.load(file, map_location="cpu", weights_only=True)
    except (OSError, SafetensorError, pickle.UnpicklingError, RuntimeError, EOFError) as error:
        raise ValueError(f"{file.name} holds no weights that can be read ({error})") from error
    expected = resnet18(weights=None).state_dict()
    body = {name: value for name, value in state.items() if not name.startswith("fc.")}
    wrong = [
        name
        for name, value in expected.items()
        if not name.startswith("fc.") and (name not in body or body[name].shape != value.shape)
    ]
    if wrong or body.keys() - expected.keys():
        raise ValueError(f"{file.name} does not hold the weights of a ResNet-18 ({wrong[:3]})")
    return body


class ProgressLines:
    """A ``control`` of the loop that reports about every half minute and never stops it."""

    def __init__(self, report_line: Callable[[str], None], every_s: float = 30.0) -> None:
        self._report_line, self._every_s, self._last = report_line, every_s, time.monotonic()

    def __call__(self, progress: Progress) -> Order:
        now = time.monotonic()
        if progress.examples_per_second > 0 and now - self._last >= self._every_s:
            self._last = now
            steps = (progress.epochs - progress.epoch) * progress.batches - progress.batch
            left_s = steps * PAPER_CLASSIFIER.batch_size / progress.examples_per_second
            self._report_line(
                f"epoch {progress.epoch + 1} of {progress.epochs}, batch {progress.batch} of "
                f"{progress.batches}: loss {progress.loss:.3f}, "
                f"{progress.examples_per_second:.0f} pictures/s, at most {left_s / 60:.0f} min left"
            )
        return "go"
