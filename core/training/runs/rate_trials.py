"""A trial of learning rates in a process of its own, started from a screen or a terminal.

Knows no network, so that a screen can ask it without loading one.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from core.access.people import Person
from core.access.rights import require
from core.files import read_json, write_json
from core.jobs import folder_lock, processes
from core.settings import settings
from core.training.loop.settings import LoopSettings
from core.training.presets import checked_options

TASK: Final = "task.json"
LOG: Final = "log.txt"
PROGRESS: Final = "progress.json"
STOP: Final = "stop"


def folder_of(recipe: str, data: Path, chosen: LoopSettings, options: Mapping[str, Any]) -> Path:
    """Where the trial of these choices lies; the same choices, the same folder."""
    said = _task(recipe, data, chosen, options)
    digest = hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
    return settings().var / "rates" / digest[:16]


def start(
    recipe: str, data: Path, chosen: LoopSettings, options: Mapping[str, Any], who: Person
) -> Path:
    """Begin a trial; returns its folder, which gets ``rates.json`` when it is done.

    One of the same choices that is going on is left as it is.

    Raises:
        ValueError: for an unknown recipe or an option it does not have.
        NotAllowed: if ``who`` may not train.
    """
    require(who, "train")
    folder = folder_of(recipe, data, chosen, options)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        lock = folder_lock.take(folder)
    except BlockingIOError:
        return folder
    for old in (PROGRESS, STOP, LOG):
        (folder / old).unlink(missing_ok=True)
    write_json(folder / TASK, _task(recipe, data, chosen, options))
    with lock:
        words = ["core", "train", recipe, "--find-rate", "--trial", str(folder)]
        processes.start(words, folder / LOG, lock)
    return folder


def is_running(folder: Path) -> bool:
    """Is a trial in the folder going on, whoever began it."""
    return folder_lock.is_held(folder)


def stop(folder: Path, who: Person) -> None:
    """Let a trial end after its present step. Raises NotAllowed if ``who`` may not train."""
    require(who, "train")
    (folder / STOP).touch()


def tell(folder: Path, done: int, total: int) -> None:
    """What the trial's process says after each step. Raises ValueError where it should stop."""
    if (folder / STOP).is_file():
        raise ValueError("it was stopped")
    write_json(folder / PROGRESS, {"done": done, "total": total})


def progress(folder: Path) -> tuple[int, int] | None:
    """Steps done, and all; None before the first."""
    said = read_json(folder / PROGRESS)
    return None if said is None else (int(said["done"]), int(said["total"]))


def task_of(folder: Path) -> tuple[str, Path, LoopSettings, dict[str, Any]]:
    """Recipe, data, settings and options of the trial in a folder."""
    said = json.loads((folder / TASK).read_text())
    return said["recipe"], Path(said["data"]), LoopSettings(**said["settings"]), said["options"]


def refusal_of(folder: Path) -> str:
    """The last line of what a trial's process said; empty while it said nothing."""
    log = folder / LOG
    lines = log.read_text(errors="replace").strip().splitlines() if log.is_file() else []
    return lines[-1] if lines else ""


def _task(
    recipe: str, data: Path, chosen: LoopSettings, options: Mapping[str, Any]
) -> dict[str, Any]:
    complete = checked_options(recipe, dict(options))
    return {
        "recipe": recipe,
        "data": str(data.resolve()),
        "settings": asdict(chosen),
        "options": complete,
    }
