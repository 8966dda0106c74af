"""An adaptation in a process of its own, started from a screen; one at a time, the last is kept.

Its folder is all that the process and the screen share: closing the page loses nothing.
"""

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal

from core.access.people import Person
from core.access.rights import require
from core.files import read_json, write_json
from core.jobs import folder_lock, processes
from core.settings import settings

_TASK: Final = "task.json"
_PROGRESS: Final = "progress.json"
_RESULT: Final = "result.json"
_FAILURE: Final = "failure.json"
_LOG: Final = "log.txt"

WITHOUT_EXTRAS: Final = (
    "Its features moved: once it is live, python -m core fit-uncertainty fits novelty, limits and "
    "attributes to it anew; until then it answers without them."
)


class AdaptationRunning(ValueError):
    """Another one is going on."""


@dataclass(frozen=True)
class Adaptation:
    """How far the last one came: ``words`` say what it does, or why there is nothing.

    ``made`` is what ``python -m core adapt --json`` prints, where it is done.
    """

    state: Literal["running", "done", "failed", "lost"]
    who: str
    at: datetime
    words: str
    made: Mapping[str, Any] | None = None


def start(data: Path, per_class: int, deep: bool, who: Person) -> "subprocess.Popen[bytes]":
    """Begin one and return its process; see :func:`latest`.

    Raises:
        NotAllowed: if ``who`` may not train.
        AdaptationRunning: if one is going on.
        OSError: if the folder cannot be written.
    """
    require(who, "train")
    folder = _folder()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        lock = folder_lock.take(folder)
    except BlockingIOError as error:
        raise AdaptationRunning("another adaptation is going on; wait for its end") from error
    with lock:
        for old in (_PROGRESS, _RESULT, _FAILURE, _LOG):
            (folder / old).unlink(missing_ok=True)
        at = datetime.now(UTC).isoformat()
        said = {"data": str(data), "per_class": per_class, "deep": deep, "who": who.name, "at": at}
        write_json(folder / _TASK, said)
        return processes.start(["core", "adapt", "--folder", str(folder)], folder / _LOG, lock)


def latest() -> Adaptation | None:
    """The last one that was begun; None before the first."""
    folder = _folder()
    running = folder_lock.is_held(folder)
    task = read_json(folder / _TASK)
    if task is None:
        return None
    who, at = str(task["who"]), datetime.fromisoformat(task["at"])
    if (made := read_json(folder / _RESULT)) is not None:
        return Adaptation("done", who, at, "", made)
    if (failure := read_json(folder / _FAILURE)) is not None:
        return Adaptation("failed", who, at, str(failure["words"]))
    if running:
        where = read_json(folder / _PROGRESS) or {"words": "starting"}
        return Adaptation("running", who, at, str(where["words"]))
    return Adaptation("lost", who, at, "its process ended before it was done")


def work(folder: Path) -> None:
    """Make the one that was begun in a folder: what its process does."""
    # Heavy libraries, which the screen that asks for it does without.
    from core.datasets.skipped import DataRefused
    from core.models.weights import WeightsRefused
    from core.store.database import DatabaseRefused
    from core.training.white_cells.adaptation.adapt import adapt_to
    from core.training.white_cells.adaptation.last_layer import AdaptRefused

    task = read_json(folder / _TASK)
    assert task is not None
    try:
        made = adapt_to(
            Path(task["data"]),
            per_class=int(task["per_class"]),
            deep=bool(task["deep"]),
            who=str(task["who"]),
            report=lambda words: write_json(folder / _PROGRESS, {"words": words}),
        )
    except (AdaptRefused, DataRefused, WeightsRefused, DatabaseRefused, OSError) as refusal:
        write_json(folder / _FAILURE, {"words": str(refusal)})
        return
    write_json(folder / _RESULT, made.as_json())


def _folder() -> Path:
    return settings().var / "adaptation"
