"""A job: work in a background process that is known to everybody else by its folder.

The process and those who wait for it share nothing but the folder, so a job can be found again
after a restart of the app, from another browser and from a terminal:

========================  ========================================================================
``order.json``            the task, who ordered it, when, and the machine it runs on
``progress.json``         rewritten by the process once a second: its heartbeat
``stop.json``             who requested a stop; the job ends at its next report
``result.json``           the result; its presence means that the job is done
``failure.json``          why there is no result: the job failed or was stopped
``log.txt``               what the process printed
``.lock``                 locked while the process lives; the system unlocks it when it dies
========================  ========================================================================

Other files that the work writes into the folder stay when the job is started again, so that long
work can resume from them.
"""

import socket
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Final, Literal, TypeVar

from typing_extensions import TypedDict

from core.files import (
    JsonObject,
    json_as,
    read_json,
    read_json_as,
    remove_unfinished,
    write_json,
)
from core.jobs import folder_lock, processes
from core.settings import settings

T = TypeVar("T")
State = Literal["running", "done", "failed", "stopped", "lost"]

ORDER: Final = "order.json"
PROGRESS: Final = "progress.json"
STOP: Final = "stop.json"
RESULT: Final = "result.json"
FAILURE: Final = "failure.json"
LOG: Final = "log.txt"

_EARLIER_ORDER: Final = "task.json"
"""Name of the order in earlier versions, where the task's keys stood beside the others."""

_EXIT_S: Final = 10.0
"""Longest time, in seconds, that a process may take to exit after writing its outcome."""

_LOST: Final = "its process died or its machine was switched off"


class JobRunning(ValueError):
    """A job is running in the folder, so no other can be started there."""


@dataclass(frozen=True)
class Progress:
    """How far a job is: ``done`` of ``total`` steps (0 if not known yet).

    ``seconds`` since its process started; ``process`` is its PID, None before the first heartbeat.
    """

    done: float = 0
    total: float = 0
    message: str = "starting"
    seconds: float = 0.0
    process: int | None = None

    @property
    def share(self) -> float:
        """In [0, 1]."""
        return min(1.0, self.done / self.total) if self.total > 0 else 0.0


@dataclass(frozen=True)
class Job:
    """A job as read from its folder.

    ``task`` is the order's JSON; ``message`` says why there is no result and is empty while the job
    runs and when it is done; ``stopping``: a stop was requested.
    """

    folder: Path
    who: str
    at: datetime
    host: str
    task: JsonObject
    state: State
    progress: Progress
    message: str = ""
    stopping: bool = False

    def result(self) -> JsonObject:
        """The result. Raises FileNotFoundError if there is none, ValueError if it is damaged."""
        found = read_json(self.folder / RESULT)
        if found is None:
            raise FileNotFoundError(f"{self.folder / RESULT} is not there")
        return found

    def result_as(self, kind: type[T]) -> T:
        """The result as its kind of work defines it. Raises as :meth:`result` does."""
        return json_as(self.result(), kind, str(self.folder / RESULT))

    def task_as(self, kind: type[T]) -> T:
        """The task as its kind of work defines it. Raises ValueError for another task."""
        return json_as(self.task, kind, str(self.folder / ORDER))

    def log(self, last_bytes: int = 6000) -> str:
        """The end of what its process printed."""
        return processes.end_of(self.folder / LOG, last_bytes)


@dataclass(frozen=True)
class _Order:
    """``order.json``. Earlier versions wrote neither ``host`` nor ``task``."""

    who: str
    at: str
    host: str = ""
    task: JsonObject = field(default_factory=dict)


@dataclass(frozen=True)
class _Failure:
    """``failure.json``."""

    message: str = ""
    stopped: bool = False


class _StopRequest(TypedDict):
    """``stop.json``."""

    who: str


def start(folder: Path, command: Sequence[str], task: Mapping[str, object], who: str) -> Job:
    """Start a job in a new process, which must call :func:`core.jobs.worker.work`.

    Args:
        folder: created if missing; the files of an earlier job in it are removed.
        command: name of the module and its arguments, run with ``python -m``.
        task: what the process needs to know; must be JSON.
        who: name of the person who orders it.

    Raises:
        JobRunning: if one is running in the folder.
        OSError: if the folder cannot be written or no process can be started.
    """
    with order(folder, task, who) as lock:
        processes.start(command, folder / LOG, lock)
        return read(folder)


def order(folder: Path, task: Mapping[str, object], who: str) -> IO[bytes]:
    """Write the order and return the lock, which must stay open until the work has ended.

    For work that this process does itself; :func:`start` starts another process.

    Raises:
        JobRunning: if one is running in the folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = _take(folder)
    try:
        # The old order and outcome go first, so that nobody can read an old result as the new one.
        for name in (_EARLIER_ORDER, ORDER, RESULT, FAILURE, PROGRESS, STOP, LOG):
            (folder / name).unlink(missing_ok=True)
        remove_unfinished(folder)
        now, host = datetime.now(UTC).isoformat(), socket.gethostname()
        row = {"who": who, "at": now, "host": host, "task": dict(task)}
        write_json(folder / ORDER, row)
    except BaseException:
        lock.close()
        raise
    return lock


def _take(folder: Path) -> IO[bytes]:
    deadline = time.monotonic() + _EXIT_S
    while True:
        try:
            return folder_lock.take(folder)
        except BlockingIOError as error:
            # A process that has written its outcome still needs a moment to exit.
            ended = any((folder / name).is_file() for name in (RESULT, FAILURE))
            if not ended or time.monotonic() > deadline:
                raise JobRunning(f"a job is going on in {folder}") from error
            time.sleep(_EXIT_S / 200)


def find(root: Path) -> list[Job]:
    """The jobs in the folders directly below ``root``, newest first."""
    jobs = (_read(folder) for folder in root.glob("*") if folder.is_dir())
    return sorted((job for job in jobs if job is not None), key=lambda job: job.at, reverse=True)


def latest(folder: Path) -> Job | None:
    """The job in a folder; None if none was ever started there."""
    return _read(folder)


def read(folder: Path) -> Job:
    """The job in a folder. Raises FileNotFoundError if there is none."""
    job = _read(folder)
    if job is None:
        raise FileNotFoundError(f"{folder} holds no job")
    return job


def ask_to_stop(folder: Path, who: str) -> None:
    """Request that the folder's job end at its next report."""
    write_json(folder / STOP, {"who": who})


def stop_asked_by(folder: Path) -> str | None:
    """Name of the person who requested the stop; None if nobody did."""
    request = read_json_as(folder / STOP, _StopRequest)
    return None if request is None else request["who"]


def _read(folder: Path) -> Job | None:
    row = read_json_as(folder / ORDER, _Order) or read_json_as(folder / _EARLIER_ORDER, _Order)
    if row is None:
        return None
    host = row.host or socket.gethostname()
    state, message = _state(folder, host)
    return Job(
        folder=folder,
        who=row.who,
        at=datetime.fromisoformat(row.at),
        host=host,
        task=row.task,
        state=state,
        progress=read_json_as(folder / PROGRESS, Progress) or Progress(),
        message=message,
        stopping=(folder / STOP).is_file(),
    )


def _state(folder: Path, host: str) -> tuple[State, str]:
    # A process writes its outcome before it releases the lock. Without an outcome and with a free
    # lock it is lost, or it ended between our two looks: so look a second time.
    for _ in range(2):
        if (folder / RESULT).is_file():
            return "done", ""
        failure = read_json_as(folder / FAILURE, _Failure)
        if failure is not None:
            return "stopped" if failure.stopped else "failed", failure.message
        if _is_alive(folder, host):
            return "running", ""
    return "lost", _LOST


def _is_alive(folder: Path, host: str) -> bool:
    if host == socket.gethostname():
        return folder_lock.is_held(folder)
    # It runs on another machine. Locks do not work on every network file system, so the age of its
    # last heartbeat decides.
    for name in (PROGRESS, ORDER, _EARLIER_ORDER):
        try:
            age = time.time() - (folder / name).stat().st_mtime
        except FileNotFoundError:
            continue
        return age < settings().heartbeat_timeout_s
    return False
