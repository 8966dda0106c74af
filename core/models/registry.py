"""Which model answers. Loaded once in a process; the lock guards gradients and hooks."""

import threading
from functools import lru_cache
from pathlib import Path
from typing import Literal

from core.models.weights import LoadedModel, load_model
from core.settings import settings

Task = Literal["locator", "wbc"]
TASKS: tuple[Task, ...] = ("locator", "wbc")

gradient_lock = threading.Lock()
"""Held round whatever puts hooks or gradients on a shared model: grad-cam is not thread-safe."""


def live(task: Task) -> LoadedModel:
    """The model in use for a task.

    Raises:
        WeightsRefused: if its files are missing or not what their sidecar says.
    """
    return _load(settings().weights / f"{task}.safetensors")


@lru_cache(maxsize=8)
def _load(path: Path) -> LoadedModel:
    return load_model(path)
