"""Which model answers. Loaded once in a process; the lock guards gradients and hooks.

``var/models/live.json`` names the promoted model of a task; without one the shipped model answers.
It is looked at with every answer, so that a promotion needs no restart.
"""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path
from typing import Final, Literal

from core.files import read_json, write_json
from core.models.weights import LoadedModel, WeightsRefused, load_model
from core.settings import settings

Task = Literal["locator", "wbc", "counts", "palm"]
TASKS: tuple[Task, ...] = ("locator", "wbc", "counts")
OTHER_TASKS: tuple[Task, ...] = ("palm",)
"""Answered by a shipped model too, on a screen of their own: a smear is read without them."""
MODELS: Final = "models"

gradient_lock = threading.Lock()
"""Held round whatever puts hooks or gradients on a shared model: grad-cam is not thread-safe."""


_instead: ContextVar[Mapping[str, LoadedModel]] = ContextVar("instead")


def live(task: Task) -> LoadedModel:
    """The model in use for a task.

    Raises:
        WeightsRefused: if its files are missing or not what their sidecar says.
    """
    instead = _instead.get({})
    if task in instead:
        return instead[task]
    name = promoted(task)
    if name is not None:
        return _load(settings().var / MODELS / name)
    return _load(settings().weights / f"{task}.safetensors")


@contextmanager
def answering(models: Mapping[str, LoadedModel]) -> Iterator[None]:
    """Within it, and in this thread only, these models answer for their tasks."""
    token = _instead.set({**_instead.get({}), **models})
    try:
        yield
    finally:
        _instead.reset(token)


def named(identity: str) -> LoadedModel:
    """The model of that identity (``name@hash``), live or not.

    Raises:
        WeightsRefused: if no such file is here any more.
    """
    name = identity.rpartition("@")[0]
    for folder in (settings().weights, settings().var / MODELS):
        file = folder / f"{name}.safetensors"
        # Only a plain name: an identity must not lead anywhere else.
        if name and Path(name).name == name and file.is_file():
            model = _load(file)
            if model.identity == identity:
                return model
    raise WeightsRefused(f"the model {identity} is not here any more")


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
    write_json(file, {**(read_json(file) or {}), task: name})


@lru_cache(maxsize=8)
def _names(file: Path, _state: tuple[int, int, int]) -> dict[str, str | None]:
    try:
        return dict(json.loads(file.read_text()))
    except (ValueError, TypeError) as error:
        raise WeightsRefused(f"{file} does not say which models are live ({error})") from error


def load(path: Path) -> LoadedModel:
    """The model of a file, loaded once. Raises WeightsRefused."""
    return _load(path)


@lru_cache(maxsize=8)
def _load(path: Path) -> LoadedModel:
    return load_model(path)
