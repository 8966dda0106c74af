"""Benchmark of the training loop against a bare one: throughput, and memory over epochs.

The bare loop does with a batch what torchvision's reference training does (forward, loss, backward,
step, top-1 accuracy), with the same examples, model, optimizer, precision and loader.
"""

import gc
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader

from core.datasets.public.pbc import LabelledCell
from core.statistics.counts import bootstrap_interval
from core.training.loop.order import Batches
from core.training.loop.process_group import ProcessGroup
from core.training.loop.recipe import Order, Progress, Recipe
from core.training.loop.settings import LoopSettings
from core.training.loop.train import train
from core.training.white_cells.recipe import WbcRecipe, WbcSplit

_CLASSES: Final = ("lymphocyte", "monocyte", "eosinophil", "basophil")
_PICTURE_PX: Final = 176


@dataclass(frozen=True)
class TrainingBench:
    """Pictures a second of both loops, ratio with its 95 % interval, and memory after each epoch.

    The first epoch of either loop is left out.
    """

    loop: float
    bare: float
    ratio: float
    low: float
    high: float
    resident_mb: list[float]
    tensors: list[int]


class _WithoutValidation(WbcRecipe):
    """The recipe of white cells with an empty validation: only training is timed."""

    def validate(self, model: nn.Module) -> dict[str, float]:
        return {"score": 0.0, "loss": 0.0}


def measure(
    pairs: int = 5, cells: int = 256, batch_size: int = 32, backbone: str = "mobilenet_v2",
    workers: int = 0,
) -> TrainingBench:  # fmt: skip
    """Run both loops alternately, an epoch each, on random cells."""
    settings = LoopSettings(
        epochs=pairs + 1, batch_size=batch_size, patience=10_000, workers=workers, warmup_steps=0
    )
    with tempfile.TemporaryDirectory(prefix="hemadesk-bench-") as folder:
        drawn = _cells(Path(folder), cells)
        recipe = _WithoutValidation(
            WbcSplit(drawn, drawn), backbone=backbone, pretrained=False, classes=_CLASSES
        )
        bare = _bare_epochs(recipe, settings)
        next(bare)
        loop_rates, bare_rates, resident, tensors = [], [], [], []
        began = 0.0

        def control(progress: Progress) -> Order:
            nonlocal began
            if progress.batch == 0:
                began = time.perf_counter()
            elif progress.batch == progress.batches:
                loop_rates.append(progress.batches * batch_size / (time.perf_counter() - began))
                bare_rates.append(next(bare))
                gc.collect()
                resident.append(_resident_mb())
                tensors.append(tensors_alive())
            return "go"

        train(recipe, settings, Path(folder) / "run", control=control)
    ratios = np.array(loop_rates[1:]) / np.array(bare_rates[1:])
    low, high = bootstrap_interval(ratios)
    return TrainingBench(
        statistics.median(loop_rates[1:]),
        statistics.median(bare_rates[1:]),
        float(np.median(ratios)),
        low,
        high,
        resident,
        tensors,
    )


def tensors_alive() -> int:
    """Number of tensors that the garbage collector knows: a leak adds to it every epoch."""
    return sum(issubclass(type(item), torch.Tensor) for item in gc.get_objects())


def _bare_epochs(recipe: Recipe, settings: LoopSettings) -> Iterator[float]:
    """Pictures a second of one epoch after another; the first ``next`` only prepares."""
    device = ProcessGroup().device()
    model = recipe.build().to(device).to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=settings.weight_decay)
    examples = recipe.training_set()
    length = len(examples)  # type: ignore[arg-type]  # every training set here has a length
    steps = length // settings.batch_size
    yield 0.0
    for epoch in range(10**9):
        order = Batches(
            length, settings.batch_size, steps, seed=0, epoch=epoch, skip=0, group=ProcessGroup()
        )
        loader = DataLoader(examples, batch_sampler=order, num_workers=settings.workers)
        model.train()
        began, right = time.perf_counter(), 0.0
        for batch in loader:
            image = batch["image"].to(device).contiguous(memory_format=torch.channels_last)
            target = batch["target"].to(device)
            with torch.autocast(device.type, torch.bfloat16, enabled=settings.bfloat16):
                output = model(image)
                loss = nn.functional.cross_entropy(output.float(), target, label_smoothing=0.03)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            right += float((output.argmax(1) == target.argmax(1)).float().mean()) + loss.item()
        yield steps * settings.batch_size / (time.perf_counter() - began)


def _cells(folder: Path, count: int) -> list[LabelledCell]:
    rng = np.random.default_rng(0)
    cells = []
    for number in range(count):
        path = folder / f"{number}.png"
        small = rng.integers(0, 255, (12, 12, 3)).astype(np.uint8)
        cv2.imwrite(str(path), cv2.resize(small, (_PICTURE_PX, _PICTURE_PX)))
        cells.append(LabelledCell(path, _CLASSES[number % len(_CLASSES)]))
    return cells


def _resident_mb() -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return float("nan")
