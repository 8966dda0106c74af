"""White-cell models whose every answer is known: each says one class, whatever it is shown."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from core.access.people import Person
from core.datasets.public.pbc import LabelledCell
from core.models.classifier import CellClassifier
from core.models.weights import save_model
from core.settings import settings
from core.store.runs import Run
from core.training.loop.settings import LoopSettings
from core.training.promote import locked_sets
from core.training.runs import lifecycle

ADA = Person("Ada", "trainer", "test:ada")
BOB = Person("Bob", "trainer", "test:bob")
CLASSES = ("lymphocyte", "monocyte", "blast")
_SHIPPED = Path(__file__).resolve().parents[1] / "weights"


def make_models(folder: Path) -> dict[str, Path]:
    """A model file for each class it always says."""
    module = CellClassifier(CLASSES)
    torch.nn.init.zeros_(module.last_layer().weight)
    made = {}
    for number, label in enumerate(CLASSES):
        with torch.no_grad():
            module.last_layer().bias.zero_()
            module.last_layer().bias[number] = 3.0
        card = {
            "task": "wbc",
            "architecture": {
                "kind": "cell_classifier",
                "backbone": module.backbone,
                "classes": list(CLASSES),
            },
            **{"temperature": 1.0, "set_limit": 0.3, "abstain_below": 0.1},
        }
        made[label] = save_model(folder / f"always_{label}.safetensors", module, card).path
    return made


@contextmanager
def installed(
    folder: Path, models: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """An installation whose shipped model always says monocyte, without the public sets."""
    for name in ("var", "weights", "data"):
        monkeypatch.setenv(f"HEMADESK_{name.upper()}", str(folder / name))
        (folder / name).mkdir()
    settings.cache_clear()
    card = json.loads(models["monocyte"].with_suffix(".json").read_text())
    for suffix in (".safetensors", ".onnx"):
        target = folder / "weights" / f"wbc{suffix}"
        target.write_bytes(models["monocyte"].with_suffix(suffix).read_bytes())
    (folder / "weights" / "wbc.json").write_text(json.dumps({**card, "name": "wbc"}))
    for suffix in (".safetensors", ".onnx", ".json"):  # finds the cell in each picture
        shutil.copy(_SHIPPED / f"locator{suffix}", folder / "weights")
    yield folder
    settings.cache_clear()


def finished_run(models: dict[str, Path], label: str, data: Path, **cells: int) -> Run:
    """A run whose model always says ``label``, with so many test cells of each class."""
    run = lifecycle.submit("wbc", data, LoopSettings(), {}, who=ADA, title=label)
    kept: list[LabelledCell] = []
    for name, count in cells.items():
        for number in range(count):
            path = lifecycle.folder_of(run) / f"{name}_{number}.png"
            noise = np.random.default_rng(len(kept)).integers(0, 255, (64, 64, 3))
            cv2.imwrite(str(path), noise.astype(np.uint8))
            kept.append(LabelledCell(path, name))
    locked_sets.lock(lifecycle.folder_of(run) / locked_sets.FILE, "our cells", kept)
    model = lifecycle.folder_of(run) / models[label].name
    for suffix in (".safetensors", ".onnx", ".json"):
        shutil.copy(models[label].with_suffix(suffix), model.with_suffix(suffix))
    held = lifecycle.book().claim(9, "here", only=run.id)
    assert held is not None
    return lifecycle.book().release(run.id, held.attempt, "done", "", model_path=str(model))
