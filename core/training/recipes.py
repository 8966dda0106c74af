"""From a recipe's name, data and choices to everything a training needs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from core.datasets import pbc
from core.evaluation.classes import majority_accuracy
from core.models import registry
from core.models.classifier import CellClassifier
from core.models.locator import Locator
from core.models.weights import LoadedModel, load_model
from core.taxonomy import KINDS
from core.training.locator import LocatorRecipe, split_fields
from core.training.loop import Recipe
from core.training.loop_settings import LoopSettings
from core.training.publish import data_hash, publish_locator, publish_wbc
from core.training.wbc import PBC_CLASSES, WbcRecipe, WbcSplit


@dataclass(frozen=True)
class Job:
    """A training ready to start.

    ``facts`` are what a screen shows beside the curves: sizes of the parts, what a naive answer
    reaches (``baseline``), where the weights come from. ``publish`` makes the model of a trained
    network at a path.
    """

    recipe: Recipe
    data_sha256: str
    facts: dict[str, Any]
    publish: Callable[[nn.Module, Path], LoadedModel]


def prepare(
    recipe: str, data: Path, settings: LoopSettings, options: Mapping[str, Any], folder: Path
) -> Job:
    """Read the data, cut it into parts, find what the weights start from.

    Raises:
        FileNotFoundError: if ``data`` lacks what the recipe learns from.
        ValueError: for an unknown recipe, or data that cannot be trained on.
    """
    if recipe == "locator":
        return _locator(data, settings, options)
    if recipe == "wbc":
        return _wbc(data, settings, options, folder)
    raise ValueError(f"unknown recipe {recipe!r}; known are locator, wbc")


def _locator(data: Path, settings: LoopSettings, options: Mapping[str, Any]) -> Job:
    fields = split_fields(data, seed=0)
    digest = data_hash([field.path for field in fields.train])
    origin: dict[str, Any] = {
        "set": "TXL-PBC train and val",
        "training_fields": len(fields.train),
        "validation_fields": len(fields.validation),
        "left_out_as_copies_of_test_fields": fields.left_out,
        "sha256": digest,
    }
    counts = np.stack([field.counts() for field in fields.train])
    truth = np.stack([field.counts() for field in fields.validation])
    constant = np.abs(np.median(counts, axis=0) - truth).mean(axis=0)
    facts = {
        "training": len(fields.train),
        "validation": len(fields.validation),
        "baseline": float(constant.sum()),
        "baseline_title": "always the training medians",
        "kinds": dict(zip(KINDS, map(int, counts.sum(axis=0)), strict=True)),
    }

    def publish(module: nn.Module, target: Path) -> LoadedModel:
        assert isinstance(module, Locator)
        return publish_locator(module, fields.validation, settings, origin, target)

    pretrained = options.get("start", "imagenet") == "imagenet"
    return Job(LocatorRecipe(fields, settings.seed, pretrained), digest, facts, publish)


def _wbc(data: Path, settings: LoopSettings, options: Mapping[str, Any], folder: Path) -> Job:
    cells, validation, test = pbc.split(pbc.load(data / "pbc"), seed=0)
    used = [cell for cell in cells if cell.label and not cell.odd_background]
    judged = [cell for cell in validation if cell.label and not cell.odd_background]
    if not used or not judged:
        raise ValueError(f"{data}: too few labelled cells to cut into training and validation")
    digest = data_hash([cell.path for cell in used])
    origin = {
        "set": "PBC, 0.7 / 0.2 / 0.1 by near-duplicate group",
        "training_cells": len(used),
        "validation_cells": len(validation),
        "test_cells": len(test),
        "sha256": digest,
    }
    truth = [str(cell.label) for cell in judged]
    start = _start(str(options.get("start", "imagenet")), folder)
    facts = {
        "training": len(used),
        "validation": len(judged),
        "test": len(test),
        "baseline": majority_accuracy(truth),
        "baseline_title": "always the most frequent class",
        "started_from": start.identity if start else options.get("start", "imagenet"),
    }
    module = None if start is None else start.module
    assert module is None or isinstance(module, CellClassifier)
    recipe = WbcRecipe(
        WbcSplit(cells, validation),
        backbone=str(options.get("backbone", "mobilenet_v2")),
        pretrained=options.get("start", "imagenet") == "imagenet",
        seed=settings.seed,
        classes=PBC_CLASSES,
        start=module,
        frozen=options.get("frozen", "nothing") == "backbone",
    )

    def publish(module: nn.Module, target: Path) -> LoadedModel:
        assert isinstance(module, CellClassifier)
        return publish_wbc(module, validation, settings, origin, target)

    return Job(recipe, digest, facts, publish)


def _start(choice: str, folder: Path) -> LoadedModel | None:
    """The model to go on from, copied into the folder: another may be live when it resumes."""
    if choice != "live":
        return None
    copy = folder / "start" / "wbc.safetensors"
    if not copy.with_suffix(".json").is_file():
        live = registry.live("wbc")
        copy.parent.mkdir(parents=True, exist_ok=True)
        # The sidecar last: it stands for all three.
        for suffix in (".safetensors", ".onnx", ".json"):
            temporary = copy.with_suffix(".writing")
            temporary.write_bytes(live.path.with_suffix(suffix).read_bytes())
            temporary.replace(copy.with_suffix(suffix))
    return load_model(copy)
