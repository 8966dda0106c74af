"""Training from a terminal: this process is the worker, and queues like any other run."""

import os
import socket
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from core.access.people import AT_THE_TERMINAL, Person
from core.settings import settings
from core.store.runs import Run, RunRefused
from core.training.loop import rate_trial
from core.training.loop.settings import LoopSettings, loop_settings
from core.training.presets import checked_options, recipe_info
from core.training.recipe_info import Options
from core.training.runs import folds
from core.training.runs.lifecycle import book, find, folder_of, start_next, submit, watch


def begin(
    recipe: str,
    data: Path,
    preset: str,
    values: Mapping[str, Any],
    options: Options,
    target: Path | None,
) -> int:
    """Start a new training; returns the exit status.

    Raises:
        ValueError: for an unknown recipe, preset or option, or a value outside its range.
    """
    chosen = recipe_info(recipe).preset(preset)
    numbers = loop_settings({**asdict(chosen.settings), **values})
    run = submit(recipe, data, numbers, {**chosen.options, **options}, who=person())
    return _in_turn(run, target)


def cross_validate(
    recipe: str,
    data: Path,
    preset: str,
    values: Mapping[str, Any],
    options: Options,
    of: int,
) -> int:
    """Train a model for each of ``of`` folds and print what they reach; returns the exit status.

    It ends with the first fold that does not end well: :func:`go_on` resumes each by its name.

    Raises:
        ValueError: for an unknown recipe, preset or option, or a value outside its range.
    """
    chosen = recipe_info(recipe).preset(preset)
    numbers = loop_settings({**asdict(chosen.settings), **values})
    both = {**chosen.options, **options}
    runs = folds.submit_folds(recipe, data, numbers, both, of, who=person())
    for run in runs:
        if status := _in_turn(run, None):
            return status
    found = folds.scores(runs, recipe_info(recipe).metric)
    if found is not None:
        spread = "" if found.spread is None else f", standard deviation {found.spread:.3f}"
        print(
            f"{recipe_info(recipe).metric_title}, mean of {len(found.scores)} folds: "
            f"{found.mean:.3f}{spread}"
        )
    print(f"compare all folds with the live model: python -m core compare {runs[0].name}")
    return 0


def go_on(recipe: str, which: str, target: Path | None) -> int:
    """Resume the run of that number, name or folder; returns the exit status.

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


def try_rates(
    recipe: str,
    data: Path,
    preset: str,
    values: Mapping[str, Any],
    options: Options,
    target: Path | None,
    trial: Path | None,
) -> int:
    """Look for a learning rate and print the result; returns the exit status.

    Args:
        recipe: what is learnt.
        data: folder of the sets.
        preset: settings by name.
        values: numbers that differ from it.
        options: the recipe's own choices.
        target: CSV to write the curve into, None for none.
        trial: folder of a trial that a screen began; its choices count then.

    Raises:
        ValueError: for an unknown recipe, preset or option, or a value outside its range.
        FileNotFoundError: if the data is not there.
    """
    from core.training.runs import rate_trials

    if trial is not None:
        return _trial_in_background(trial)
    chosen = recipe_info(recipe).preset(preset)
    numbers = loop_settings({**asdict(chosen.settings), **values})
    complete = checked_options(recipe, {**chosen.options, **options})
    folder = rate_trials.folder_of(recipe, data, numbers, complete)
    result = _try_rates(recipe, data, numbers, complete, folder)
    for rate, loss in zip(result.rates[::4], result.losses[::4], strict=True):
        print(f"{rate:.1e}  loss {loss:.4f}  {'#' * round(40 * loss / max(result.losses))}")
    print(f"proposed: --learning-rate {result.proposed:g}")
    if target is not None:
        target.write_text(rate_trial.as_csv(result))
    return 0


def _trial_in_background(folder: Path) -> int:
    """Do the job of a trial that a screen began; returns the exit status."""
    from core.jobs import worker
    from core.jobs.worker import JobContext
    from core.training.job import in_words
    from core.training.runs import rate_trials

    os.nice(5)  # a page that a person waits for goes first
    recipe, data, numbers, options = rate_trials.task_of(folder)

    def do(context: JobContext) -> dict[str, object]:
        def report(done: int, total: int) -> None:
            context.report(done, total, "trying")

        return asdict(_try_rates(recipe, data, numbers, options, folder, report))

    expected = (ValueError, OSError, FloatingPointError)
    ended = worker.work(folder, do, expected=expected, in_words=in_words)
    return 0 if ended.state == "done" else 2


def _try_rates(
    recipe: str,
    data: Path,
    numbers: LoopSettings,
    options: Options,
    folder: Path,
    report: Callable[[int, int], None] = lambda done, total: None,
) -> rate_trial.RateTrial:
    """Run the trial and write it into ``folder``."""
    from core.training import recipes
    from core.training.loop import find_rate

    prepared = recipes.prepare(recipe, data, numbers, options, folder)
    result = find_rate.find_rate(prepared.recipe, numbers, report=report)
    rate_trial.write(folder, result)
    return result


def work_on(run_id: int, attempt: int) -> int:
    """Train a run claimed for this process, then start the next; returns the exit status."""
    from core.training.runs.worker import work

    run = book().get(run_id)
    if run.attempt != attempt or run.state != "running":
        print(f"run {run.name} is {run.state}: it was taken back before this process began")
        return 1
    os.nice(5)  # a page that a person waits for goes first
    try:
        left = work(run)
    except RunRefused:
        return 1
    start_next()
    return 0 if left.state != "failed" else 1


def in_process_group(lead: Callable[[], int]) -> int:
    """Run ``lead``; where torchrun started several processes, in the main one only.

    The other processes follow its trainings. Returns the exit status.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        return lead()
    from core.training.loop.process_group import init_group
    from core.training.runs.worker import follow

    with init_group() as group:
        if not group.is_main:
            return follow()
        status = lead()
        if status in (0, 130):
            group.broadcast(None)
        # After a failure the others may still wait within the training: torchrun ends them.
        return status


def _in_turn(run: Run, target: Path | None) -> int:
    from core.training.runs.worker import wait_for_turn, work

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


def person() -> Person:
    """The person at the terminal, named by the operating system."""
    return replace(AT_THE_TERMINAL, name=_who())


def _who() -> str:
    return f"{os.environ.get('USER') or os.environ.get('LOGNAME') or 'somebody'} at a terminal"
