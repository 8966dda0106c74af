"""Comparisons with the live model: a folder within the run's and a process each, found again.

Knows no network, so that a screen can ask it without loading one. What the process finds lies in
``result.json`` or ``failure.json``; as long as it lives it holds the folder's lock, which the
system lets go of when it dies.
"""

import fcntl
import json
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Final, Literal

from core.access.people import Person
from core.access.rights import require
from core.files import read_json, write_json
from core.jobs import folder_lock, processes
from core.models.registry import Task
from core.settings import settings
from core.store.runs import Run
from core.training.promote.evidence import Comparison, PromotionRefused, from_json
from core.training.runs.lifecycle import folder_of

State = Literal["running", "done", "failed", "lost"]

TASK_OF: Final[dict[str, Task]] = {"wbc": "wbc", "locator": "locator", "counts": "counts"}
"""Recipe -> task of the model it makes."""

FOLDER: Final = "comparisons"
RESULT: Final = "result.json"
FAILURE: Final = "failure.json"
PROGRESS: Final = "progress.json"
STOP: Final = "stop"
LOG: Final = "log.txt"
_TASK: Final = "task.json"
_LOCK: Final = ".lock"


@dataclass(frozen=True)
class Asked:
    """One comparison as its folder tells of it.

    ``progress`` holds ``title``, ``words``, ``share`` (in [0, 1]) and ``seconds`` since it began,
    empty until its process says something; ``message`` is why there is no result.
    """

    folder: Path
    who: str
    at: datetime
    state: State
    progress: Mapping[str, Any]
    message: str = ""

    def result(self) -> Comparison:
        """What was found. Raises ValueError if the file is damaged, OSError if it is gone."""
        return from_json(json.loads((self.folder / RESULT).read_text()))


def task_of(run: Run) -> Task:
    """Which model a run's would replace. Raises PromotionRefused if it made none of the kind."""
    task = TASK_OF.get(run.recipe)
    if task is None or not run.model_path:
        raise PromotionRefused(f"run {run.label} made no model that can be compared")
    return task


def start(run: Run, who: Person) -> Asked:
    """Compare in a process of its own; one that is already going on is returned as it is.

    Raises:
        PromotionRefused: for a run without a model that can be compared.
        NotAllowed: if ``who`` may not train.
    """
    begun = _begin(run, who)
    if isinstance(begun, Asked):
        return begun
    folder, lock = begun
    with lock:
        processes.start(["core", "compare", run.name, "--folder", str(folder)], folder / LOG, lock)
    return read(folder)


def begin_here(run: Run, who: Person) -> tuple[Path, IO[str]]:
    """A folder for a comparison that this process makes, and its lock, to be kept open meanwhile.

    Raises:
        PromotionRefused: also if one of this run is going on.
        NotAllowed: if ``who`` may not train.
    """
    begun = _begin(run, who)
    if isinstance(begun, Asked):
        raise PromotionRefused(f"run {run.label} is being compared since {begun.at:%H:%M} UTC")
    return begun


def latest(run: Run, *, done: bool = False) -> Asked | None:
    """The newest comparison of a run, whatever came of it, or the newest with a result."""
    folders = sorted(one for one in (folder_of(run) / FOLDER).glob("*") if (one / _TASK).is_file())
    found = (read(folder) for folder in reversed(folders))
    return next((one for one in found if not done or one.state == "done"), None)


def read(folder: Path) -> Asked:
    """The comparison in a folder. Raises FileNotFoundError if there is none."""
    task = json.loads((folder / _TASK).read_text())
    # Held or not is asked first: a process writes what it found before it lets go.
    alive = _is_alive(folder, task["host"])
    progress = read_json(folder / PROGRESS) or {}
    state: State = "running" if alive else "lost"
    message = "" if alive else "its process died or its machine was switched off"
    if (folder / RESULT).is_file():
        state, message = "done", ""
    elif (failure := read_json(folder / FAILURE)) is not None:
        state, message = "failed", str(failure.get("message", ""))
    return Asked(folder, task["who"], datetime.fromisoformat(task["at"]), state, progress, message)


def ask_to_stop(asked: Asked, who: Person) -> None:
    """Let it end at its next picture. Raises NotAllowed if ``who`` may not train."""
    require(who, "train")
    (asked.folder / STOP).write_text(who.name)


def read_log(asked: Asked, last_bytes: int = 6000) -> str:
    """The end of what its process printed."""
    log = asked.folder / LOG
    return log.read_bytes()[-last_bytes:].decode("utf-8", "replace") if log.is_file() else ""


def _begin(run: Run, who: Person) -> tuple[Path, IO[str]] | Asked:
    require(who, "train")
    task_of(run)
    root = folder_of(run) / FOLDER
    root.mkdir(parents=True, exist_ok=True)
    with (root / _LOCK).open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)  # two people press at once: the second finds the first's
        going = latest(run)
        if going is not None and going.state == "running":
            return going
        now = datetime.now(UTC)
        # Their names sort by time, also of two within a second.
        folder = root / f"{now:%Y%m%d-%H%M%S-%f}"
        folder.mkdir()
        lock = folder_lock.take(folder)
        said = {"who": who.name, "at": now.isoformat(), "host": socket.gethostname()}
        write_json(folder / _TASK, said)
        return folder, lock


def _is_alive(folder: Path, host: str) -> bool:
    if host != socket.gethostname():
        # Locks do not reach over the network everywhere; the progress is written every second.
        sign = folder / PROGRESS if (folder / PROGRESS).is_file() else folder / _TASK
        return time.time() - sign.stat().st_mtime < settings().heartbeat_timeout_s
    return folder_lock.is_held(folder)
