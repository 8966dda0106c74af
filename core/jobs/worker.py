"""What the process of a job uses: it reports, hears that it should stop, and leaves a result."""

import os
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from core.files import write_json
from core.jobs import folder_lock, job
from core.jobs.heartbeat import BEAT_S, Heartbeat
from core.jobs.job import FAILURE, PROGRESS, RESULT, STOP, Job
from core.settings import settings

_TURNS: Final = "turns"


class JobStopped(Exception):
    """Somebody asked the job to stop; raised by :meth:`JobContext.report`, caught by work()."""


class JobContext:
    """What the work knows of its job."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        ordered = job.read(folder)
        self.task, self.who = ordered.task, ordered.who
        self._began = time.monotonic()
        self._progress: dict[str, float | str] = {"done": 0, "total": 0, "message": "starting"}

    @property
    def stop_requested(self) -> bool:
        """For work that must bring something to an end first; others need only report."""
        return (self.folder / STOP).is_file()

    def report(self, done: float, total: float, message: str) -> None:
        """Say how far the work is; ``total`` is 0 where that is not known yet.

        Cheap enough for every picture: the heartbeat writes it down once a second.

        Raises:
            JobStopped: if somebody asked for the end.
        """
        self._progress = {"done": done, "total": total, "message": message}
        if self.stop_requested:
            raise JobStopped

    @contextmanager
    def turn(self, name: str, waiting: str) -> Iterator[None]:
        """Of all work that takes the turn of this name, one piece at a time runs on this machine.

        Args:
            name: a plain word.
            waiting: message while another holds the turn.
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
        """Write the sign of life."""
        seconds = time.monotonic() - self._began
        row = {**self._progress, "seconds": round(seconds, 1), "process": os.getpid()}
        # A full disk, or a folder that was removed, is no reason to lose the work itself.
        with suppress(OSError):
            write_json(self.folder / PROGRESS, row, durable=False)
        return True


def _in_words(error: BaseException) -> str:
    return str(error) or type(error).__name__


def work(
    folder: Path,
    do: Callable[[JobContext], Mapping[str, Any]],
    *,
    expected: tuple[type[Exception], ...] = (ValueError, OSError),
    in_words: Callable[[BaseException], str] = _in_words,
) -> Job:
    """Do the work of the job whose lock this process holds; returns the job as it was left.

    Args:
        folder: the job's.
        do: the work; returns the result, as JSON.
        expected: what input that cannot be used raises, with a sentence that says why. Anything
            else is a fault of the program, and the log has its traceback.
        in_words: makes the sentence for who waits.
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
            # Whatever it was, somebody waits for a sentence.
            traceback.print_exc()
            _fail(folder, f"{type(error).__name__}: {error}")
    return job.read(folder)


def _fail(folder: Path, message: str, *, stopped: bool = False) -> None:
    write_json(folder / FAILURE, {"message": message, "stopped": stopped})
