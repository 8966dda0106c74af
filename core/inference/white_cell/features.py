"""The white-cell network's answer together with the features its last layer reads."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from core.models.cards import WhiteCellCard
from core.models.classifier import CellClassifier
from core.models.engine import as_batch, engine_for
from core.models.gradient_lock import gradient_lock
from core.models.weights import LoadedModel
from core.records import RgbImage

Array = npt.NDArray[np.float32]

_BATCH = 8
"""More at once takes memory and no less time."""


@dataclass(frozen=True)
class Answers:
    """Of ``N`` crops: ``logits`` ``(N, classes)`` and ``features`` ``(N, width)``."""

    logits: Array
    features: Array


def answers_of(crops: Sequence[RgbImage], model: LoadedModel) -> Answers:
    """Logits and features of crops, each cut by :func:`core.inference.locate.cell_crop.crop_cell`.

    By ONNX Runtime where the file gives the features, otherwise by the torch module.
    """
    width = _last_layer(model).in_features
    if not crops:
        classes = len(model.card_as(WhiteCellCard).classes)
        return Answers(np.zeros((0, classes), np.float32), np.zeros((0, width), np.float32))
    logits, features = [], []
    for start in range(0, len(crops), _BATCH):
        batch = as_batch(list(crops[start : start + _BATCH]))
        out = engine_for(model)(batch) if has_features(model) else _torch_answers(batch, model)
        logits.append(out[0])
        features.append(out[1])
    return Answers(np.concatenate(logits), np.concatenate(features))


def logits_of(crops: Sequence[RgbImage], model: LoadedModel) -> Array:
    """The logits alone, ``(N, classes)``."""
    engine = engine_for(model)
    return np.concatenate(
        [
            engine(as_batch(list(crops[start : start + _BATCH])))[0]
            for start in range(0, len(crops), _BATCH)
        ]
    )


def has_features(model: LoadedModel) -> bool:
    """Does the model's ONNX file give the features beside the logits."""
    return engine_for(model).outputs > 1


def _last_layer(model: LoadedModel) -> torch.nn.Linear:
    module = model.module
    if not isinstance(module, CellClassifier):
        raise ValueError(f"{model.name} is no classifier of single cells")
    return module.last_layer()


@torch.no_grad()
def _torch_answers(batch: Array, model: LoadedModel) -> list[Array]:
    """The same by the torch module; its last layer's input is listened to, under the lock."""
    heard: list[Tensor] = []
    layer = _last_layer(model)
    with gradient_lock:
        handle = layer.register_forward_pre_hook(lambda _, given: heard.append(given[0]))
        try:
            logits = model.module(torch.from_numpy(batch))
        finally:
            handle.remove()
    return [logits.numpy(), heard[0].numpy()]
