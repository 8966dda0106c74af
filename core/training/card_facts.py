"""What the card of every trained model says of its origin: data, seed, commit, day, tools."""

import hashlib
import json
import platform
import subprocess
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TypedDict

import torch

from core.models.cards import JsonObject
from core.settings import ROOT
from core.training.loop.settings import LoopSettings


def data_hash(paths: Sequence[Path]) -> str:
    """Hash of a training set: the names and bytes of its files, in the order of their names."""
    digest = hashlib.sha256()
    for path in sorted(paths):
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


class MadeNow(TypedDict):
    """When and with what a model was made; see :class:`core.models.cards.ModelCard`."""

    commit: str
    made: str
    made_with: dict[str, str]


class Origin(MadeNow):
    """Where a model comes from, apart from its data."""

    seed: int
    training: JsonObject


def origin_of(settings: LoopSettings) -> Origin:
    """Where a model comes from: its seed, settings, commit, day and tools."""
    return {
        "seed": settings.seed,
        "training": json.loads(json.dumps(asdict(settings))),
        **made_now(),
    }


def made_now() -> MadeNow:
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
