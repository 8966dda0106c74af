"""The last blocks of the network fine-tuned to a laboratory's few cells.

It begins at the last layer fitted to them (``last_layer.py``).

The first blocks stay and are run once: their maps of every view are stored, so that a step costs
the last blocks only. Cells of the original laboratory are shown in every step, and the network
keeps predicting for them what it predicted before. Batch statistics stay as they are. The choice of
every number: docs/white-cells.md.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.models.classifier import INPUT_PX, CellClassifier
from core.models.engine import as_batch
from core.records import RgbImage
from core.training.augment import vary_sharpness, vary_stain
from core.training.white_cells.adaptation.last_layer import (
    AdaptRefused,
    allowed_classes,
    fit_last_layer,
)

FIRST_BLOCK: Final = 14
"""MobileNetV2's blocks from here on move: those behind the last halving of the map."""

VIEWS: Final = 8
STEPS: Final = 40
BATCH: Final = 24
"""Cells of each laboratory in a step."""

LEARNING_RATE: Final = 5e-4
AVERAGING: Final = 0.95

_DROPPED: Final = 0.2
_STAIN: Final = 0.3


@dataclass(frozen=True)
class RehearsalCells:
    """Crops of the original training cells and their classes, to be remembered by."""

    crops: Sequence[RgbImage]
    labels: Sequence[str]


def can_move(module: nn.Module) -> bool:
    """Is this a network whose last blocks are known here: MobileNetV2 only."""
    return isinstance(module, CellClassifier) and module.backbone == "mobilenet_v2"


def fine_tuned(
    live: CellClassifier,
    home: RehearsalCells,
    crops: Sequence[RgbImage],
    labels: Sequence[str],
    seed: int,
    steps: int = STEPS,
) -> CellClassifier:
    """A copy of the network with its last blocks and its last layer adapted.

    Args:
        live: the network to begin with; it stays as it is.
        home: cells of the original laboratory.
        crops: the new cells, ``(128, 128, 3)`` each.
        labels: their classes, or parents where no more is known.
        seed: of the views and of the cells drawn in a step.
        steps: how many.

    Raises:
        AdaptRefused: for another network than MobileNetV2, or a label it has no class for.
    """
    if not can_move(live):
        raise AdaptRefused("only the last blocks of MobileNetV2 can be adapted; adapt without them")
    rng, classes = np.random.default_rng(seed), list(live.classes)
    module = copy.deepcopy(live).eval()
    blocks, layer = last_blocks(module), module.last_layer()
    new_maps = first_maps(module, [view(rng, crop, n) for crop in crops for n in range(VIEWS)])
    new_labels = np.repeat(labels, VIEWS)
    allowed = allowed_classes(new_labels.tolist(), classes)
    home_maps = first_maps(module, home.crops)
    # A copy answers throughout: the live network may be under Grad-CAM's hooks at this moment.
    with torch.no_grad():
        features = features_of(module, home_maps)
        before = F.softmax(layer(features), dim=1)
        truth = torch.tensor([classes.index(name) for name in home.labels])
        new_features = features_of(module, new_maps)
    weight, bias = fit_last_layer(layer, (features, truth), (new_features, allowed))
    with torch.no_grad():
        layer.weight.copy_(weight)
        layer.bias.copy_(bias)
    moving = [*blocks.parameters(), *layer.parameters()]
    average = [part.detach().clone() for part in moving]
    optimiser = torch.optim.AdamW(moving, lr=LEARNING_RATE, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, LEARNING_RATE, total_steps=steps + 1, pct_start=0.15
    )
    new_groups, home_groups = _by_class(new_labels), _by_class(np.array(home.labels))
    chance = torch.Generator().manual_seed(seed)
    for _ in range(steps):
        here, there = _draw(rng, new_groups), _draw(rng, home_groups)
        maps = blocks(torch.cat([new_maps[here], home_maps[there]]))
        logits = layer(_dropped(maps.mean((2, 3)), chance))
        names = F.log_softmax(logits[:BATCH], dim=1).masked_fill(~allowed[here], -1e9)
        learnt = -torch.logsumexp(names, dim=1).mean()
        rehearsed = -(before[there] * F.log_softmax(logits[BATCH:], dim=1)).sum(1).mean()
        optimiser.zero_grad()
        (learnt + rehearsed).backward()
        optimiser.step()
        schedule.step()
        with torch.no_grad():
            for mean, part in zip(average, moving, strict=True):
                mean.lerp_(part, 1 - AVERAGING)
    with torch.no_grad():
        for mean, part in zip(average, moving, strict=True):
            part.copy_(mean)
    return module


def last_blocks(module: CellClassifier) -> nn.Sequential:
    """The blocks that move, sharing their weights with the module."""
    features = module.net.features
    assert isinstance(features, nn.Sequential)
    return features[FIRST_BLOCK:]


@torch.no_grad()
def first_maps(module: CellClassifier, crops: Sequence[RgbImage]) -> Tensor:
    """What the first blocks make of crops: ``(N, channels, side, side)``."""
    features = module.net.features
    assert isinstance(features, nn.Sequential)
    first, side, maps = features[:FIRST_BLOCK], (module.network_px, module.network_px), []
    for start in range(0, len(crops), 64):
        images = torch.from_numpy(as_batch(list(crops[start : start + 64])))
        if module.network_px != INPUT_PX:
            images = F.interpolate(images, size=side, mode="bilinear", align_corners=False)
        maps.append(first((images - module.mean) / module.std))
    return torch.cat(maps)


@torch.no_grad()
def features_of(module: CellClassifier, maps: Tensor) -> Tensor:
    """What the last layer reads, ``(N, width)``, from the maps of :func:`first_maps`."""
    blocks = last_blocks(module)
    return torch.cat([blocks(part).mean((2, 3)) for part in maps.split(64)])


def view(rng: np.random.Generator, crop: RgbImage, number: int) -> RgbImage:
    """The cell turned, moved, zoomed, mirrored and restained a little; the first view is itself."""
    if number == 0:
        return crop
    middle, zoom = INPUT_PX / 2, float(np.exp(rng.normal(0, 0.08)))
    turn = cv2.getRotationMatrix2D((middle, middle), float(rng.uniform(0, 360)), zoom)
    turn[:, 2] += rng.normal(0, 0.03 * INPUT_PX, 2)
    turned = cv2.warpAffine(
        crop, turn, (INPUT_PX, INPUT_PX), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
    )
    if rng.random() < 0.5:
        turned = turned[:, ::-1]
    return vary_sharpness(rng, vary_stain(rng, np.ascontiguousarray(turned, np.uint8), _STAIN))


def _by_class(labels: npt.NDArray[np.str_]) -> list[npt.NDArray[np.intp]]:
    return [np.flatnonzero(labels == name) for name in sorted(set(labels.tolist()))]


def _draw(rng: np.random.Generator, groups: Sequence[npt.NDArray[np.intp]]) -> npt.NDArray[np.intp]:
    """``BATCH`` rows, the classes in turn."""
    first = int(rng.integers(len(groups)))
    return np.array([rng.choice(groups[(first + i) % len(groups)]) for i in range(BATCH)])


def _dropped(features: Tensor, chance: torch.Generator) -> Tensor:
    kept = torch.rand(features.shape, generator=chance) >= _DROPPED
    return features * kept / (1 - _DROPPED)
