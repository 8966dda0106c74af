"""From a recipe's name, data and choices to everything a training needs."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from core.datasets import pbc
from core.datasets.intake import DataRefused, read_cells
from core.datasets.pbc import LabelledCell
from core.evaluation.classes import majority_accuracy
from core.models import registry
from core.models.classifier import CellClassifier
from core.models.locator import Locator
from core.models.weights import LoadedModel, load_model
from core.settings import settings as site_settings
from core.taxonomy import KINDS, WBC_CLASSES
from core.training import locked_sets
from core.training.locator import LocatorRecipe, split_fields
from core.training.loop import Recipe
from core.training.loop_settings import LoopSettings
from core.training.publish import PBC_LICENCE, data_hash, publish_locator, publish_wbc
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
        return _locator(data, settings, options, folder)
    if recipe == "wbc":
        return _wbc(data, settings, options, folder)
    raise ValueError(f"unknown recipe {recipe!r}; known are locator, wbc")


def _locator(data: Path, settings: LoopSettings, options: Mapping[str, Any], folder: Path) -> Job:
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

    begin = str(options.get("start", "imagenet"))
    start = _start("locator", begin, folder)
    module = None if start is None else start.module
    assert module is None or isinstance(module, Locator)
    recipe = LocatorRecipe(
        fields,
        settings.seed,
        pretrained=begin == "imagenet",
        start=module,
        stain_strength=0.3 if options.get("stains") == "mild" else 0.8,
    )
    return Job(recipe, digest, facts, publish)


def _wbc(data: Path, settings: LoopSettings, options: Mapping[str, Any], folder: Path) -> Job:
    cells = (
        _pbc_cells(data) if options.get("layout", "pbc") == "pbc" else _folder_cells(data, options)
    )
    used, judged = cells.usable(cells.train), cells.usable(cells.validation)
    if not used or not judged:
        raise ValueError(f"{data}: too few labelled cells to cut into training and validation")
    digest = data_hash([cell.path for cell in used])
    origin = {
        "set": cells.title,
        "training_cells": len(used),
        "validation_cells": len(cells.validation),
        "test_cells": len(cells.test),
        "sha256": digest,
    }
    begin = str(options.get("start", "imagenet"))
    start = _start("wbc", begin, folder)
    module = None if start is None else start.module
    assert module is None or isinstance(module, CellClassifier)
    learnt = set(cells.classes) | set(module.classes if module else ())
    facts = {
        "training": len(used),
        "validation": len(judged),
        "test": len(cells.test),
        "baseline": majority_accuracy([str(cell.label) for cell in judged]),
        "baseline_title": "always the most frequent class",
        "started_from": start.identity if start else begin,
        "cells": dict(Counter(str(cell.label) for cell in used)),
    }
    locked_sets.lock(folder / locked_sets.FILE, f"{cells.title}, test part", cells.test)
    recipe = WbcRecipe(
        WbcSplit(cells.train, cells.validation),
        backbone=str(options.get("backbone", "mobilenet_v2")),
        pretrained=begin == "imagenet",
        seed=settings.seed,
        classes=tuple(name for name in WBC_CLASSES if name in learnt),
        start=module,
        frozen=options.get("frozen", "nothing") == "backbone",
    )

    def publish(module: nn.Module, target: Path) -> LoadedModel:
        assert isinstance(module, CellClassifier)
        return publish_wbc(module, cells.validation, settings, origin, target, cells.licence)

    return Job(recipe, digest, facts, publish)


@dataclass(frozen=True)
class _Cells:
    """Cells in three parts, and what may be said of them. ``classes`` are those to be learnt."""

    title: str
    licence: str
    classes: tuple[str, ...]
    train: list[LabelledCell]
    validation: list[LabelledCell]
    test: list[LabelledCell]

    @staticmethod
    def usable(part: Sequence[LabelledCell]) -> list[LabelledCell]:
        """Those whose class is fully known and whose background gives nothing away."""
        return [cell for cell in part if cell.label and not cell.odd_background]


def _pbc_cells(data: Path) -> _Cells:
    title = "PBC, 0.7 / 0.2 / 0.1 by near-duplicate group"
    return _Cells(title, PBC_LICENCE, PBC_CLASSES, *pbc.split(pbc.load(data / "pbc"), seed=0))


def _folder_cells(data: Path, options: Mapping[str, Any]) -> _Cells:
    found = read_cells(data, site_settings(), names=options.get("names"))
    if found.problems:
        raise DataRefused(f"{data.name} cannot be trained on: {'; '.join(found.problems)}")
    title = f"{data.name}, 0.7 / 0.2 / 0.1 by {found.grouped_by}"
    licence = "the laboratory's own cells"
    return _Cells(title, licence, found.classes, *(found.part(n) for n in range(3)))


def _start(task: registry.Task, choice: str, folder: Path) -> LoadedModel | None:
    """The model to go on from, copied into the folder: another may be live when it resumes."""
    if choice != "live":
        return None
    copy = folder / "start" / f"{task}.safetensors"
    if not copy.with_suffix(".json").is_file():
        live = registry.live(task)
        copy.parent.mkdir(parents=True, exist_ok=True)
        # The sidecar last: it stands for all three.
        for suffix in (".safetensors", ".onnx", ".json"):
            temporary = copy.with_suffix(".writing")
            temporary.write_bytes(live.path.with_suffix(suffix).read_bytes())
            temporary.replace(copy.with_suffix(suffix))
    return load_model(copy)
