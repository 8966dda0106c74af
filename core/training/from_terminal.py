"""Training from a terminal: this process is the worker, and waits its turn like any other."""

import os
import socket
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from core.settings import settings
from core.store.runs import Run, RunRefused
from core.training.loop_settings import loop_settings
from core.training.presets import recipe_info
from core.training.runs import book, find, folder_of, start_next, submit, watch


def begin(
    recipe: str,
    data: Path,
    preset: str,
    values: Mapping[str, Any],
    options: Mapping[str, Any],
    target: Path | None,
) -> int:
    """Train anew; the exit status.

    Raises:
        ValueError: for an unknown recipe, preset or option, or a value outside its range.
    """
    chosen = recipe_info(recipe).preset(preset)
    numbers = loop_settings({**asdict(chosen.settings), **values})
    run = submit(recipe, data, numbers, {**chosen.options, **options}, who=_who())
    return _in_turn(run, target)


def go_on(recipe: str, which: str, target: Path | None) -> int:
    """Go on with the run of that number, name or folder; the exit status.

    Raises:
        ValueError: if there is no such run, or it cannot be resumed.
    """
    watch()
    run = find(which)
    if run.recipe != recipe:
        raise RunRefused(f"run {run.name} trains {run.recipe}, not {recipe}")
    if run.state != "queued":
        run = book().ask(run.id, "resume", _who())
    return _in_turn(run, target)


def work_on(run_id: int, attempt: int) -> int:
    """Train a run that was claimed for this process, then start the next; the exit status."""
    from core.training.worker import work

    run = book().get(run_id)
    if run.attempt != attempt or run.state != "running":
        return 1
    os.nice(5)  # a page that a person waits for goes first
    try:
        left = work(run)
    except RunRefused:
        return 1
    start_next()
    return 0 if left.state != "failed" else 1


def _in_turn(run: Run, target: Path | None) -> int:
    from core.training.worker import wait_for_turn, work

    print(f"run {folder_of(run)}", flush=True)

    def claim() -> Run | None:
        start_next(leave=run.id)
        return book().claim(settings().parallel_runs, socket.gethostname(), only=run.id)

    try:
        claimed = claim()
        if claimed is None:
            others = ", ".join(other.name for other in book().all() if other.state == "running")
            print(f"run {run.name} waits for {others or 'those before it'}", flush=True)
            claimed = wait_for_turn(run, claim)
    except KeyboardInterrupt:
        book().ask(run.id, "pause", _who())
        print(f"paused before it began; go on with --resume {run.name}")
        return 130
    if claimed is None:
        print(f"run {run.name} is {book().get(run.id).state}: another process took it")
        return 0
    left = work(claimed, target=target, echo=True)
    start_next()
    if left.state == "paused":
        print(f"go on with --resume {run.name}")
    if left.model_path:
        print(f"saved {left.model_path}")
    if left.state == "failed":
        print(left.message, file=sys.stderr)
        return 2
    return 0


def _who() -> str:
    return f"{os.environ.get('USER') or os.environ.get('LOGNAME') or 'somebody'} at a terminal"
