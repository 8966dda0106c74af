"""The process that makes one comparison: it shares the run's folder with the screen, no more."""

import fcntl
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import Any, Final

from core.files import write_json
from core.settings import settings
from core.store.database import DatabaseRefused
from core.store.runs import Run
from core.training.promote.compare import compare
from core.training.promote.comparisons import FAILURE, PROGRESS, RESULT, STOP, Asked, read

BEAT_S: Final = 1.0

_EXPECTED: Final = (DatabaseRefused, ValueError, OSError)
"""What models and test sets that cannot be used raise, with a sentence that says so."""


class _Stopped(Exception):
    """Somebody asked for the end."""


class _Pulse:
    """Writes once a second how far it is, from a thread of its own; hears who wants it to stop."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._began = folder, time.monotonic()
        self._said: dict[str, Any] = {"title": "", "words": "starting", "share": 0.0}
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)

    def __enter__(self) -> "_Pulse":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def tell(self, title: str, words: str, share: float) -> None:
        """What :func:`core.training.promote.compare.compare` reports. Raises _Stopped."""
        if (self._folder / STOP).is_file():
            raise _Stopped
        self._said = {"title": title, "words": words, "share": share}

    def _beat(self) -> None:
        while True:
            seconds = time.monotonic() - self._began
            write_json(self._folder / PROGRESS, {**self._said, "seconds": seconds})
            if self._end.wait(BEAT_S):
                return


def work(run: Run, folder: Path) -> Asked:
    """Make the comparison whose lock this process holds; what came of it.

    One at a time in an installation: a second waits, since both would only be slower.
    """
    with _Pulse(folder) as pulse:
        try:
            with (settings().var / "comparing.lock").open("w") as turn:
                _wait_for_turn(turn.fileno(), pulse)
                found = compare(run, pulse.tell)
            write_json(folder / RESULT, found.as_json())
        except _Stopped:
            write_json(folder / FAILURE, {"message": f"{(folder / STOP).read_text()} stopped it"})
        except _EXPECTED as error:
            print(error, file=sys.stderr)
            write_json(folder / FAILURE, {"message": str(error) or type(error).__name__})
        except Exception as error:
            # Whatever it was, somebody waits for a sentence; the log has the whole of it.
            traceback.print_exc()
            write_json(folder / FAILURE, {"message": f"{type(error).__name__}: {error}"})
    return read(folder)


def _wait_for_turn(handle: int, pulse: _Pulse) -> None:
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pulse.tell("", "waiting for another comparison", 0.0)
            time.sleep(BEAT_S)
        else:
            return
