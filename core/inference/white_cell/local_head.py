"""A laboratory's own head: fitted to a few of its cells, beside the network that stays as it is.

It reads the network's features beside those of ImageNet's MobileNetV2 from four depths, which keep
what a network trained on blood cells has forgotten, and, where one was fetched, those of a
foundation model of blood cells. The ImageNet weights are the palm classifier's
backbone, which was never trained further, so no second copy is shipped.

A gate, fitted between the two laboratories' cells, decides which cells the head answers: those of
the original laboratory are answered as before. Classes without a local cell stay possible.
"""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from core.inference.white_cell.features import Answers
from core.inference.white_cell.hierarchy import CHILDREN
from core.inference.white_cell.novelty import on_axes
from core.inference.white_cell.uncertainty import Uncertainty
from core.models.cards.uncertainty_card import LocalHeadCard
from core.models.engine import as_batch
from core.models.foundation import InstalledFoundation, foundation_features, installed_foundation
from core.models.palm_classifier import PalmClassifier
from core.models.weights import WeightsRefused, load_model
from core.records import RgbImage
from core.settings import settings

Array = npt.NDArray[np.float32]

DEPTHS: Final = (3, 6, 13, 18)
"""MobileNetV2 blocks whose pooled maps are read: 24, 32, 96 and 1,280 channels."""

WEIGHT, BIAS = "local.weight", "local.bias"
GATE: Final = "local.gate"
"""Weight of each axis (see ``novelty.on_axes``) and last the bias: above 0 the head answers."""

_BATCH: Final = 32


def generic_features(
    crops: Sequence[RgbImage], foundation: InstalledFoundation | None = None
) -> Array:
    """ImageNet features of crops, ``(N, 1432)``, and beside them those of a foundation model.

    Raises:
        WeightsRefused: if the palm classifier's file is missing or is no such network, or the
            foundation model's does not fit.
    """
    pooled = _pooled(crops, settings().weights / "palm.safetensors")
    if foundation is None:
        return pooled
    return np.concatenate([pooled, foundation_features(crops, foundation)], axis=1)


def _foundation_of(local: LocalHeadCard) -> InstalledFoundation | None:
    """The foundation model whose features a head was fitted to; None if to none.

    Raises:
        WeightsRefused: if it is not here, or is another file than then.
    """
    if not local.foundation:
        return None
    installed = installed_foundation()
    if installed is None or installed.identity != local.foundation:
        raise WeightsRefused(
            f"this model was adapted with the features of {local.foundation}, which is not here; "
            f"run python -m core weights fetch {local.foundation.split('@')[0]}, or roll back to "
            "the model before"
        )
    return installed


@torch.no_grad()
def _pooled(crops: Sequence[RgbImage], weights: Path) -> Array:
    blocks, mean, std = _backbone(weights)
    rows = []
    for start in range(0, len(crops), _BATCH):
        maps = (torch.from_numpy(as_batch(list(crops[start : start + _BATCH]))) - mean) / std
        pooled = []
        for number, block in enumerate(blocks):
            maps = block(maps)
            if number in DEPTHS:
                pooled.append(maps.mean((2, 3)))
        rows.append(torch.cat(pooled, dim=1).numpy())
    return np.concatenate(rows) if rows else np.zeros((0, 1432), np.float32)


@lru_cache(maxsize=2)
def _backbone(weights: Path) -> tuple[nn.Sequential, torch.Tensor, torch.Tensor]:
    module = load_model(weights).module
    if not isinstance(module, PalmClassifier) or not isinstance(module.net, nn.Sequential):
        raise WeightsRefused(
            f"{weights.name} is not the palm classifier whose ImageNet backbone an adapted "
            "white-cell model reads; restore it from the release"
        )
    return module.net, module.mean, module.std


def groups_of(labels: Sequence[str], classes: Sequence[str]) -> list[list[int]]:
    """Rows of the network's classes that each local label stands for: itself or its children."""
    return [
        [i for i, name in enumerate(classes) if name == label or name in CHILDREN.get(label, ())]
        for label in labels
    ]


def combined(
    logits: Array, local: Array, groups: Sequence[Sequence[int]], prior: float, absent: float
) -> Array:
    """Log-probabilities ``(N, classes)`` of the network and the local head together.

    Args:
        logits: of the network, ``(N, classes)``.
        local: logits of the local head, ``(N, labels)``.
        groups: which classes each local label stands for.
        prior: share of the network's own log-odds between local labels that is added.
        absent: added to the log-probability of classes without a local cell, below 0. At -3 such a
            class has to be twenty times likelier, by the network alone, than those with cells.
    """
    own = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
    of_group = np.stack([np.logaddexp.reduce(own[:, group], axis=1) for group in groups], axis=1)
    answer = local + prior * of_group
    # The local labels share what the network gives to all of them; the rest stays with the classes
    # that have no local cell.
    mass = np.logaddexp.reduce(of_group, axis=1, keepdims=True)
    answer = answer - np.logaddexp.reduce(answer, axis=1, keepdims=True) + mass
    merged = own + np.float32(absent)
    for column, group in enumerate(groups):
        # Within a label, such as neutrophil, the network alone tells its children apart.
        merged[:, group] = own[:, group] + (answer - of_group)[:, column : column + 1]
    return np.asarray(merged, np.float32)


def answered_by_head(
    features: Array, unfamiliar: npt.NDArray[np.bool_], uncertainty: Uncertainty
) -> npt.NDArray[np.bool_]:
    """Which cells the local head answers, ``(N,)``; none where the model has no such head.

    Args:
        features: of the network, ``(N, width)``.
        unfamiliar: which cells are unlike the original laboratory's. It decides for models that
            were adapted before there was a gate.
        uncertainty: of the model.
    """
    if uncertainty.card.local_head is None:
        return np.zeros(len(features), np.bool_)
    gate = uncertainty.tensors.get(GATE)
    if gate is None:
        return unfamiliar
    rows = on_axes(features, uncertainty.tensors["axes.mean"], uncertainty.tensors["axes.basis"])
    return np.asarray(rows @ gate[:-1] + gate[-1] > 0)


def head_logits(
    answers: Answers, crops: Sequence[RgbImage], uncertainty: Uncertainty, classes: Sequence[str]
) -> Array:
    """Logits ``(N, classes)`` of the local head for cells that it answers."""
    local = uncertainty.card.local_head
    assert local is not None, "only asked for cells that a head answers"
    generic = generic_features(crops, _foundation_of(local))
    features = np.concatenate([answers.features, generic], axis=1)
    head = features @ uncertainty.tensors[WEIGHT].T + uncertainty.tensors[BIAS]
    groups = groups_of(local.labels, classes)
    return combined(answers.logits, head, groups, local.prior, local.absent)
