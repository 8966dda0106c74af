"""Training from the command line: a folder per run, a model at its end."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from core.datasets import pbc
from core.models.classifier import CellClassifier
from core.models.locator import Locator
from core.models.weights import LoadedModel
from core.training.locator import LocatorRecipe, split_fields
from core.training.loop import Epoch, LoopSettings, train
from core.training.publish import data_hash, publish_locator, publish_wbc
from core.training.wbc import WbcRecipe, WbcSplit

DEFAULTS: Final = {
    "locator": LoopSettings(epochs=36, batch_size=16, learning_rate=1e-3, patience=36),
    "wbc": LoopSettings(epochs=14, batch_size=64, learning_rate=1e-3, patience=14, averaging=0.999),
}
"""What the shipped models were trained with."""


def run(
    recipe: str, data: Path, settings: LoopSettings, folder: Path, target: Path, report: Callable[[Epoch], None]
) -> LoadedModel:
    """Train ``recipe`` in ``folder``, going on where it stopped, and save the model at ``target``.

    Raises:
        ValueError: for an unknown recipe or a folder of another run.
        FileNotFoundError: if ``data`` lacks a set.
    """
    if recipe == "locator":
        return _locator(data, settings, folder, target, report)
    if recipe == "wbc":
        return _wbc(data, settings, folder, target, report)
    raise ValueError(f"unknown recipe {recipe!r}; known are {', '.join(DEFAULTS)}")


def _locator(data: Path, settings: LoopSettings, folder: Path, target: Path, report: Callable[[Epoch], None]) -> LoadedModel:
    fields = split_fields(data, seed=0)
    module = train(LocatorRecipe(fields, settings.seed), settings, folder, report)
    assert isinstance(module, Locator)
    origin: dict[str, Any] = {
        "set": "TXL-PBC train and val",
        "training_fields": len(fields.train),
        "validation_fields": len(fields.validation),
        "left_out_as_copies_of_test_fields": fields.left_out,
        "sha256": data_hash([field.path for field in fields.train]),
    }
    return publish_locator(module, fields.validation, settings, origin, target)


def _wbc(data: Path, settings: LoopSettings, folder: Path, target: Path, report: Callable[[Epoch], None]) -> LoadedModel:
    cells, validation, test = pbc.split(pbc.load(data / "pbc"), seed=0)
    module = train(WbcRecipe(WbcSplit(cells, validation), seed=settings.seed), settings, folder, report)
    assert isinstance(module, CellClassifier)
    used = [cell for cell in cells if cell.label and not cell.odd_background]
    origin = {
        "set": "PBC, 0.7 / 0.2 / 0.1 by near-duplicate group",
        "training_cells": len(used),
        "validation_cells": len(validation),
        "test_cells": len(test),
        "sha256": data_hash([cell.path for cell in used]),
    }
    return publish_wbc(module, validation, settings, origin, target)
