"""Trainings of the demo: rows as a trainer writes them, of trainings that nobody ran."""

import math
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np
from sqlalchemy import update

from core.settings import settings
from core.store.database import Database
from core.store.runs import Epoch, Run, RunBook
from core.store.schema import runs
from core.training.loop.settings import LoopSettings
from core.training.presets import checked_options
from core.training.runs.steps import LiveFiles, Step

HOST: Final = "demo"
"""No machine: so nobody looks for the process of the run that is shown as running."""
_CLASSES: Final = (
    "segmented_neutrophil", "band_neutrophil", "lymphocyte", "monocyte", "eosinophil", "basophil",
    "immature_granulocyte", "erythroblast",
)  # fmt: skip
_CELLS: Final = 1200
_BATCHES: Final = 19
_NEVER_LOST: Final = timedelta(days=36_500)


def store(database: Database, who: str) -> list[Run]:
    """A finished training and one in its ninth epoch; both learn from invented cells."""
    book = RunBook(database)
    finished = _add(book, who, "White cells of spring", seed=3)
    _epochs(book, finished, 14, seed=3)
    with database.write() as connection:
        connection.execute(
            update(runs)
            .where(runs.c.id == finished.id)
            .values({**_ended(finished.created_at), "state": "done", "device": "cpu"})
        )
    going = _add(book, who, "White cells of summer", seed=4)
    _epochs(book, going, 8, seed=4)
    progress = {"epoch": 8, "epochs": 14, "batch": 7, "batches": _BATCHES,
                "examples_per_second": 41.0}  # fmt: skip
    now = datetime.now(UTC)
    with database.write() as connection:
        connection.execute(
            update(runs)
            .where(runs.c.id == going.id)
            .values(
                state="running",
                attempt=1,
                process=1,
                host=HOST,
                device="cpu",
                started_at=now - timedelta(minutes=5),
                # It stands still for ever, and must not be called lost.
                heartbeat_at=now + _NEVER_LOST,
                progress=progress,
            )
        )
    return [book.get(finished.id), book.get(going.id)]


def _add(book: RunBook, who: str, title: str, seed: int) -> Run:
    name = f"demo-wbc-{seed}"
    (settings().var / "runs" / name).mkdir(parents=True, exist_ok=True)
    chosen = LoopSettings(epochs=14, batch_size=64, averaging=0.99, seed=seed)
    return book.add(
        {
            "name": name,
            "recipe": "wbc",
            "title": f"{title} (invented)",
            "folder": f"runs/{name}",
            "data": "invented",
            "settings": asdict(chosen),
            "options": checked_options("wbc", {}),
            "seed": seed,
            "code_version": "demo",
            "facts": {
                "training": _CELLS, "validation": 240, "test": 240,
                "cells": {label: _CELLS // len(_CLASSES) for label in _CLASSES},
                "baseline": 0.195, "baseline_title": "the most frequent class always",
                "started_from": "ImageNet",
            },
        },
        who,
    )  # fmt: skip


def _ended(began: datetime) -> Mapping[str, Any]:
    now = datetime.now(UTC)
    return {"started_at": min(began, now) - timedelta(minutes=9), "ended_at": now, "attempt": 1}


def _epochs(book: RunBook, run: Run, number: int, seed: int) -> None:
    """Curves such as a training of this size has."""
    rng = np.random.default_rng(seed)
    files = LiveFiles(settings().var / run.folder)
    files.enter("training")
    rows = []
    for epoch in range(number):
        left = math.exp(-epoch / 3.5)
        accuracy = 0.955 - 0.42 * left + rng.normal(0, 0.006)
        metrics = {"accuracy": accuracy, "score": accuracy, "loss": 0.16 + 1.1 * left}
        for place, label in enumerate(_CLASSES):
            hard = 0.03 + 0.05 * (place % 3)
            recall = 0.99 - hard - (0.5 + hard) * left + rng.normal(0, 0.012)
            metrics[f"recall_{label}"] = float(np.clip(recall, 0, 1))
        rate = 1e-3 * 0.5 * (1 + math.cos(math.pi * epoch / 14))
        rows.append(Epoch(epoch, 0.1 + 1.4 * left, metrics, rate, 36.0, _CELLS))
        for batch in range(1, _BATCHES + 1):
            now = math.exp(-(epoch + batch / _BATCHES) / 3.5)
            loss = 0.1 + 1.4 * now + abs(rng.normal(0, 0.08))
            files.step(Step(epoch + 1, batch, _BATCHES, loss, rate, 1.0 + 2 * now, 41.0))
    book.set_epochs(run.id, rows)
    files.write()
