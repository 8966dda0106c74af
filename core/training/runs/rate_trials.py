"""A trial of learning rates in a process of its own, started from a screen or a terminal.

Loads no network library, so that a screen can ask it without loading one.
"""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

from typing_extensions import TypedDict

from core.access.people import Person
from core.access.rights import require
from core.files import JsonObject
from core.jobs import job
from core.jobs.job import Job, JobRunning
from core.settings import settings
from core.training.loop.settings import LoopSettings, loop_settings
from core.training.presets import checked_options
from core.training.recipe_info import Options, OptionValue


class _Task(TypedDict):
    recipe: str
    data: str
    settings: JsonObject
    options: dict[str, OptionValue]


def folder_of(recipe: str, data: Path, chosen: LoopSettings, options: Options) -> Path:
    """Folder of the trial of these choices; equal choices have one folder."""
    task = _task(recipe, data, chosen, options)
    digest = hashlib.sha256(json.dumps(task, sort_keys=True).encode()).hexdigest()
    return settings().var / "rates" / digest[:16]


def start(recipe: str, data: Path, chosen: LoopSettings, options: Options, who: Person) -> Job:
    """Begin a trial; one of the same choices that is going on is returned as it is.

    Raises:
        ValueError: for an unknown recipe or an option it does not have.
        NotAllowed: if ``who`` may not train.
    """
    require(who, "train")
    task = _task(recipe, data, chosen, options)
    folder = folder_of(recipe, data, chosen, options)
    command = ["core", "train", recipe, "--find-rate", "--trial", str(folder)]
    try:
        return job.start(folder, command, task, who.name)
    except JobRunning:
        return job.read(folder)


def latest(folder: Path) -> Job | None:
    """The trial in the folder, whoever began it; None where there was none."""
    return job.latest(folder)


def ask_to_stop(folder: Path, who: Person) -> None:
    """Let a trial end after its present step. Raises NotAllowed if ``who`` may not train."""
    require(who, "train")
    job.ask_to_stop(folder, who.name)


def task_of(folder: Path) -> tuple[str, Path, LoopSettings, dict[str, OptionValue]]:
    """Recipe, data, settings and options of the trial in a folder."""
    task = job.read(folder).task_as(_Task)
    chosen = loop_settings(task["settings"])
    return task["recipe"], Path(task["data"]), chosen, task["options"]


def _task(recipe: str, data: Path, chosen: LoopSettings, options: Options) -> _Task:
    complete = checked_options(recipe, dict(options))
    return {
        "recipe": recipe,
        "data": str(data.resolve()),
        "settings": asdict(chosen),
        "options": complete,
    }
