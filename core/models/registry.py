"""Which model answers. Loaded once in a process; the lock guards gradients and hooks.

``var/models/live.json`` names the promoted model of a task; without one the shipped model answers.
It is looked at with every answer, so that a promotion needs no restart.
"""

import json
import threading
from functools import lru_cache
from pathlib import Path
from typing import Final, Literal

from core.models.weights import LoadedModel, WeightsRefused, load_model
from core.settings import settings

Task = Literal["locator", "wbc"]
TASKS: tuple[Task, ...] = ("locator", "wbc")
MODELS: Final = "models"

gradient_lock = threading.Lock()
"""Held round whatever puts hooks or gradients on a shared model: grad-cam is not thread-safe."""


def live(task: Task) -> LoadedModel:
    """The model in use for a task.

    Raises:
        WeightsRefused: if its files are missing or not what their sidecar says.
    """
    name = promoted(task)
    if name is not None:
        return _load(settings().var / MODELS / name)
    return _load(settings().weights / f"{task}.safetensors")


def promoted(task: Task) -> str | None:
    """File in ``var/models`` of the promoted model; None where the shipped one is live.

    Raises:
        WeightsRefused: if the file that says so cannot be read.
    """
    file = settings().var / MODELS / "live.json"
    try:
        now = file.stat()
    except FileNotFoundError:
        return None
    # Two changes within one tick of the clock still differ in the file's number.
    name = _names(file, (now.st_mtime_ns, now.st_ino, now.st_size)).get(task)
    # Only a plain name: the file must not lead anywhere else.
    if name is not None and Path(name).name != name:
        raise WeightsRefused(f"{file} names {name!r}, which is not a file beside it")
    return name


def set_live(task: Task, name: str | None) -> None:
    """Name the promoted model of a task, or None for the shipped one; atomically."""
    file = settings().var / MODELS / "live.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    said = json.loads(file.read_text()) if file.is_file() else {}
    temporary = file.with_suffix(".writing")
    temporary.write_text(json.dumps({**said, task: name}))
    temporary.replace(file)


@lru_cache(maxsize=8)
def _names(file: Path, _state: tuple[int, int, int]) -> dict[str, str | None]:
    try:
        return dict(json.loads(file.read_text()))
    except (ValueError, TypeError) as error:
        raise WeightsRefused(f"{file} does not say which models are live ({error})") from error


@lru_cache(maxsize=8)
def _load(path: Path) -> LoadedModel:
    return load_model(path)
