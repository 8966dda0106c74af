"""A trained network becomes a model: thresholds and calibration from validation, and its card."""

import hashlib
import json
import platform
import subprocess
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch

from core.datasets.fields import LabelledField, read_rgb
from core.datasets.public.pbc import LabelledCell
from core.inference.locate.locator import locate
from core.models.classifier import CellClassifier
from core.models.locator import Locator
from core.models.weights import LoadedModel, save_model, write_card
from core.settings import ROOT
from core.statistics.calibration import (
    abstention_limit,
    as_probabilities,
    best_temperature,
    conformal_scale,
    expected_calibration_error,
    set_limit,
)
from core.taxonomy import KINDS, title
from core.training.locator.recipe import choose_thresholds
from core.training.loop.settings import LoopSettings
from core.training.white_cells.cell_examples import as_input, centre_crop

PBC_LICENCE = "MIT; trained on PBC (CC BY 4.0, Acevedo et al. 2019)"
FOREIGN_LICENCE = (
    f"{PBC_LICENCE}, CBC (MIT), TXL-PBC (MIT) and the Munich AML-Cytomorphology support set "
    "(CC BY 3.0)"
)
MAX_IOUS = (0.4, 0.5, 0.6, 0.7)


def publish_locator(
    module: Locator,
    validation: Sequence[LabelledField],
    settings: LoopSettings,
    data: dict[str, Any],
    target: Path,
) -> LoadedModel:
    """Save a locator with thresholds, overlap limit and count intervals chosen on ``validation``.

    The fields are located as the product does, scale search included.
    """
    start = dict.fromkeys(KINDS, 0.4)
    card: dict[str, Any] = {
        "task": "locator",
        "architecture": {"kind": "locator", "width": module.lateral[0].out_channels},
        "thresholds": start,
        "max_iou": 0.6,
        "interval_scale": dict.fromkeys(KINDS, 1.0),
        "intended_use": "Counting and showing cells of stained blood-smear fields. "
        "Research use, a qualified person decides.",
        "limits": "Thin parts of the smear. Thick parts and bone marrow were never shown to it.",
        "licence": "MIT",
        **origin_of(settings, data),
    }
    model = save_model(target, module, card)
    truth = np.stack([field.counts() for field in validation])
    best: tuple[float, float, np.ndarray, list[Any]] | None = None
    for max_iou in MAX_IOUS:
        trial = LoadedModel(
            model.name, model.module, {**model.card, "max_iou": max_iou}, model.sha256, model.path
        )
        found = [locate(read_rgb(field.path), trial).peaks for field in validation]
        limits, errors = choose_thresholds(found, truth)
        if best is None or errors.sum() < best[0] - 1e-9:
            best = (float(errors.sum()), max_iou, limits, found)
    assert best is not None
    _, max_iou, limits, found = best
    counted = np.stack([np.bincount(p.above(limits).kinds, minlength=len(KINDS)) for p in found])
    card |= {
        "sha256": model.sha256,
        "onnx_sha256": model.card["onnx_sha256"],
        "thresholds": {kind: round(float(t), 3) for kind, t in zip(KINDS, limits, strict=True)},
        "max_iou": max_iou,
        "interval_scale": {
            k: conformal_scale(counted[:, i], truth[:, i]) for i, k in enumerate(KINDS)
        },
        "validation": {
            "fields": len(validation),
            "mean_absolute_error": {
                k: float(np.abs(counted - truth)[:, i].mean()) for i, k in enumerate(KINDS)
            },
        },
    }
    write_card(model.path, card)
    return model


@torch.no_grad()
def publish_wbc(
    module: CellClassifier,
    validation: Sequence[LabelledCell],
    settings: LoopSettings,
    data: dict[str, Any],
    target: Path,
    licence: str = PBC_LICENCE,
) -> LoadedModel:
    """Save a classifier; temperature, conformal limit and abstention come from ``validation``."""
    cells = [
        cell for cell in validation if cell.label in module.classes and not cell.odd_background
    ]
    labels = np.array([module.classes.index(str(cell.label)) for cell in cells])
    logits = np.concatenate(
        [
            module(
                torch.stack([as_input(centre_crop(read_rgb(c.path))) for c in cells[i : i + 64]])
            ).numpy()
            for i in range(0, len(cells), 64)
        ]
    )
    temperature = best_temperature(logits, labels)
    said = as_probabilities(logits, temperature)
    card = {
        "task": "wbc",
        "architecture": {
            "kind": "cell_classifier",
            "backbone": module.backbone,
            "classes": list(module.classes),
            "network_px": module.network_px,
        },
        "temperature": temperature,
        "set_limit": set_limit(said, labels),
        "abstain_below": abstention_limit(said, labels),
        "validation": {
            "cells": len(cells),
            "accuracy": float((said.argmax(1) == labels).mean()),
            "expected_calibration_error": expected_calibration_error(said, labels),
        },
        "intended_use": "Class of single white cells of stained blood smears. "
        "Research use, a qualified person decides.",
        "limits": _limits_of_wbc(module.classes, foreign="foreign_cells" in data),
        "licence": licence,
        **origin_of(settings, data),
    }
    return save_model(target, module, card)


def _limits_of_wbc(classes: Sequence[str], foreign: bool) -> str:
    rare = [name for name in ("blast", "smudge") if name in classes]
    unknown = [name for name in ("blast", "smudge") if name not in classes]
    learnt = "mostly from one laboratory, with a few cells of others" if foreign else ""
    said = f"Learnt {learnt or 'from one laboratory'}. It does not know atypical lymphocytes"
    said += "".join(f" or {title(name).lower()}s" for name in unknown) + "."
    if rare:
        named = " and ".join(title(name).lower() + "s" for name in rare)
        said += f" It has seen few {named}: low evidence, a person must look for them."
    return said


def data_hash(paths: Sequence[Path]) -> str:
    """Hash of a training set: the names and bytes of its files, in the order of their names."""
    digest = hashlib.sha256()
    for path in sorted(paths):
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def origin_of(settings: LoopSettings, data: dict[str, Any]) -> dict[str, Any]:
    """Where a model comes from: its data, seed, settings, commit, day and tools."""
    return {
        "data": data,
        "seed": settings.seed,
        "training": json.loads(json.dumps(asdict(settings))),
        **made_now(),
    }


def made_now() -> dict[str, Any]:
    """Commit, day and tools of a model that is made now."""
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return {
        "commit": commit.stdout.strip() or "unknown",
        "made": datetime.now(UTC).date().isoformat(),
        "made_with": {
            "torch": torch.__version__.split("+")[0],
            "python": platform.python_version(),
        },
    }
