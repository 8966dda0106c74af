"""Inside the process of a job: report progress, notice a stop request, write the result."""

import os
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from core.files import write_json
from core.jobs import folder_lock, job
from core.jobs.heartbeat import BEAT_S, Heartbeat
from core.jobs.job import FAILURE, PROGRESS, RESULT, STOP, Job
from core.settings import settings

_TURNS: Final = "turns"


class JobStopped(Exception):
    """A stop was requested; raised by :meth:`JobContext.report`, caught by :func:`work`."""


class JobContext:
    """The job as its work sees it: task, person, progress, stop request."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.job = job.read(folder)
        self.who = self.job.who
        self._began = time.monotonic()
        self._progress: dict[str, float | str] = {"done": 0, "total": 0, "message": "starting"}

    @property
    def stop_requested(self) -> bool:
        """For work that must finish something before it stops; other work only calls ``report``."""
        return (self.folder / STOP).is_file()

    def report(self, done: float, total: float, message: str) -> None:
        """Report that ``done`` of ``total`` steps are done; ``total`` is 0 if not known yet.

        Cheap enough to call for every picture: the heartbeat writes it to disk once a second.

        Raises:
            JobStopped: if a stop was requested.
        """
        self._progress = {"done": done, "total": total, "message": message}
        if self.stop_requested:
            raise JobStopped

    @contextmanager
    def turn(self, name: str, waiting: str) -> Iterator[None]:
        """Run the block while no other process of this machine is in the turn of this name.

        Args:
            name: a file name without special characters.
            waiting: progress message while another process has the turn.
        """
        folder = settings().var / _TURNS / name
        folder.mkdir(parents=True, exist_ok=True)
        while True:
            try:
                lock = folder_lock.take(folder)
                break
            except BlockingIOError:
                self.report(0, 0, waiting)
                time.sleep(BEAT_S)
        with lock:
            yield

    def beat(self) -> bool:
        """Write the progress file, the job's heartbeat; True, so that the heartbeat goes on."""
        seconds = time.monotonic() - self._began
        row = {**self._progress, "seconds": round(seconds, 1), "process": os.getpid()}
        # The work itself must survive a full disk or a folder that was removed.
        with suppress(OSError):
            write_json(self.folder / PROGRESS, row, durable=False)
        return True


def _in_words(error: BaseException) -> str:
    return str(error) or type(error).__name__


def work(
    folder: Path,
    do: Callable[[JobContext], Mapping[str, object]],
    *,
    expected: tuple[type[Exception], ...] = (ValueError, OSError),
    in_words: Callable[[BaseException], str] = _in_words,
) -> Job:
    """Do the work of a job whose lock this process holds, and write its outcome.

    Args:
        folder: the job's.
        do: the work; returns the result, as JSON.
        expected: exceptions raised for input that cannot be used; their message says why. Any
            other exception is a fault of the program and its traceback goes to the log.
        in_words: turns an exception into the sentence shown to the person who waits.

    Returns:
        The job in its final state.
    """
    context = JobContext(folder)
    with Heartbeat(context.beat):
        try:
            write_json(folder / RESULT, do(context))
        except JobStopped:
            _fail(folder, f"{job.stop_asked_by(folder)} stopped it", stopped=True)
        except KeyboardInterrupt:
            _fail(folder, f"{context.who} stopped it at the terminal", stopped=True)
            raise
        except expected as error:
            print(in_words(error), file=sys.stderr)
            _fail(folder, in_words(error))
        except Exception as error:
            # A fault of the program: traceback into the log, a sentence for the person who waits.
            traceback.print_exc()
            _fail(folder, f"{type(error).__name__}: {error}")
    return job.read(folder)


def _fail(folder: Path, message: str, *, stopped: bool = False) -> None:
    write_json(folder / FAILURE, {"message": message, "stopped": stopped})
