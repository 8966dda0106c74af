"""The process of a job in these tests: ``python -m tests.jobs.background KIND FOLDER``."""

import sys
import time
from pathlib import Path

from typing_extensions import TypedDict

from core.jobs.worker import JobContext, JobStopped, work


class Task(TypedDict):
    total: int


def _steps(context: JobContext) -> dict[str, object]:
    """Squares of numbers, each kept in a file: started again it goes on where it was."""
    print("at work")
    file = context.folder / "squares.txt"
    done = file.read_text().splitlines() if file.is_file() else []
    resumed, total = len(done), context.job.task_as(Task)["total"]
    for number in range(resumed, total):
        context.report(number, total, f"squaring {number}")
        with file.open("a") as handle:
            handle.write(f"{number * number}\n")
    return {
        "squares": [int(line) for line in file.read_text().splitlines()],
        "resumed": resumed,
    }


def _endless(context: JobContext) -> dict[str, object]:
    print("at work", flush=True)
    while True:
        context.report(3, 80, "waiting")
        time.sleep(0.01)


def _in_turn(context: JobContext) -> dict[str, object]:
    with context.turn("tests", "waiting for another"):
        return _endless(context)


def _tidy(context: JobContext) -> dict[str, object]:
    """Brings its step to an end before it stops."""
    while not context.stop_requested:
        time.sleep(0.01)
    (context.folder / "tidied").touch()
    raise JobStopped


def _refused(context: JobContext) -> dict[str, object]:
    raise ValueError("picture.png is no picture")


def _broken(context: JobContext) -> dict[str, object]:
    raise ZeroDivisionError("a fault of the program")


if __name__ == "__main__":
    do = {
        "steps": _steps,
        "endless": _endless,
        "in_turn": _in_turn,
        "tidy": _tidy,
        "refused": _refused,
        "broken": _broken,
    }[sys.argv[1]]
    work(Path(sys.argv[2]), do)
