"""The process that trains one run; it shares the database and the run's folder with the app."""

import os
import signal
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any, Final
from urllib.error import URLError

import torch
from sqlalchemy.exc import SQLAlchemyError

from core.jobs.heartbeat import Heartbeat
from core.jobs.job import LOG
from core.models.weights import LoadedModel
from core.settings import settings
from core.store.faults import DatabaseRefused
from core.store.run_records import TrainingFacts
from core.store.runs import Epoch, Request, Run, RunBook, RunRefused, State
from core.training.job import PreparedTraining, in_words
from core.training.loop import wrong_examples
from core.training.loop.history import read_history
from core.training.loop.process_group import current_group
from core.training.loop.recipe import Interrupted, Order, Progress
from core.training.loop.train import best_model, train
from core.training.recipes import prepare
from core.training.runs import messages
from core.training.runs.lifecycle import book, discard_files, folder_of, hold, settings_of
from core.training.runs.steps import LiveFiles, Step
from core.training.runs.tensorboard_files import LiveBoard


class _Pulse:
    """Writes a heartbeat into the run's row, and reads there what a person asked for."""

    def __init__(self, runs: RunBook, run: Run, log: Callable[[str], None]) -> None:
        self._runs, self._run, self._log = runs, run, log
        self.files = LiveFiles(folder_of(run))
        self.board = LiveBoard(folder_of(run), log)
        self.request: Request | None = run.request
        self.progress: Progress | None = None
        self.disowned = False

    def order(self, progress: Progress) -> Order:
        """What the loop should do. Called after every batch, so it only looks at memory."""
        self.progress = progress
        if progress.step_loss is not None and progress.gradient_norm is not None:
            step = Step(
                progress.epoch + 1,
                progress.batch,
                progress.batches,
                progress.step_loss,
                progress.learning_rate,
                progress.gradient_norm,
                progress.examples_per_second,
            )
            self.files.step(step)
            self.board.step(step)
        # After its last step an epoch is validated; the next call is that of the next epoch.
        ended = progress.batch == progress.batches
        self.files.enter("validating" if ended else "training")
        if self.disowned or self.request in ("stop", "discard"):
            return "leave"
        return "pause" if self.request == "pause" else "go"

    def beat(self) -> bool:
        """Called once a second; returns False when the run belongs to another process."""
        with suppress(OSError):  # a full disk must not end a training; the next beat tries again
            self.files.write()
        new = {} if self.progress is None else {"progress": asdict(self.progress)}
        try:
            request = self._runs.beat(self._run.id, self._run.attempt, **new)
        except RunRefused:
            self.disowned = True
            return False
        except (SQLAlchemyError, DatabaseRefused) as error:
            # A database that is away for a while is no reason to lose a training.
            self._log(f"no sign of life could be left: {error}")
            return True
        # A signal may have asked for a pause; the database does not know of it.
        self.request = request or self.request
        return True


def work(run: Run, *, target: Path | None = None, echo: bool = False) -> Run:
    """Train a run that this process has claimed; returns it as it was left.

    Args:
        run: as :meth:`RunBook.claim` returned it.
        target: where to save the model; None for the run's folder.
        echo: also print what goes into the log.

    Raises:
        RunRefused: if another process holds the run.
    """
    runs, folder = book(), folder_of(run)

    def log(line: str) -> None:
        with (folder / LOG).open("a") as handle:
            handle.write(f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} {line}\n")
        if echo:
            print(line, flush=True)

    with hold(run):
        runs.beat(run.id, run.attempt, process=os.getpid(), progress=None)
        pulse = _Pulse(runs, run, log)
        with pulse.board, Heartbeat(pulse.beat), _pause_on_signals(pulse, log):
            state: State
            try:
                state, detail, model = _train(runs, run, pulse, log, target)
            except Exception as error:
                # Whatever it was, the run must not stay "running"; the log has the traceback.
                if pulse.disowned:
                    raise RunRefused(f"run {run.name} was taken from this process") from error
                log(traceback.format_exc() if not isinstance(error, _EXPECTED) else in_words(error))
                state, detail, model = "failed", in_words(error), None
            pulse.files.enter(None)
        if pulse.disowned:
            raise RunRefused(f"run {run.name} was taken from this process")
        log(f"{state}{': ' + detail if detail else ''}")
        saved = {}
        if model is not None:
            saved = {"model_path": str(model.path), "model_identity": model.identity}
        left = runs.release(run.id, run.attempt, state, detail, **saved)
    if left.state == "discarded":
        discard_files(left)
    for sentence in messages.send(left, runs.epochs(left.id), settings()):
        log(sentence)
    return left


_EXPECTED: Final = (FileNotFoundError, ValueError, FloatingPointError, URLError)
"""Errors of bad data or settings: their message says what is wrong, so no traceback is logged."""


def _train(
    runs: RunBook, run: Run, pulse: _Pulse, log: Callable[[str], None], target: Path | None
) -> tuple[State, str, LoadedModel | None]:
    """The state to leave the run in, why, and the model if one was made."""
    folder = folder_of(run)
    if pulse.request == "discard":
        return "discarded", "", None
    threads = int((run.facts or {}).get("threads", torch.get_num_threads()))
    # Sums are split by threads: the same number makes a resumed run the same, bit for bit.
    torch.set_num_threads(threads)
    log(f"attempt {run.attempt}: reading the data in {run.data}")
    training = prepare(run.recipe, Path(run.data), settings_of(run), run.options, folder)
    if run.data_sha256 not in (None, training.data_sha256):
        raise ValueError(
            f"the data in {run.data} changed since the run was started; "
            f"it can be stopped and its best model kept, or started anew"
        )
    device = torch.cuda.get_device_name(0) if torch.cuda.is_available() else "CPU"
    group = current_group()
    facts: TrainingFacts = {
        **training.facts,
        **_start_metrics(run, training),
        "threads": threads,
        "torch": torch.__version__.split("+")[0],
        "processes": group.size,
    }
    runs.beat(run.id, run.attempt, data_sha256=training.data_sha256, facts=facts, device=device)
    # The folder is right: an earlier process may have died before it wrote to the database.
    runs.set_epochs(run.id, read_history(folder))
    log(f"{facts['training']} to learn from, {facts['validation']} to choose on, {device}")
    if start := facts.get("start"):
        log("the starting model: " + ", ".join(f"{k} {v:.4f}" for k, v in start.items()))

    def report(epoch: Epoch) -> None:
        runs.add_epoch(run.id, epoch)
        pulse.board.epoch(epoch)
        wrong_examples.write(folder, epoch.number, getattr(training.recipe, "wrong", ()))
        metrics = ", ".join(f"{name} {value:.4f}" for name, value in epoch.metrics.items())
        log(
            f"epoch {epoch.number + 1}: loss {epoch.train_loss:.4f}, "
            f"{metrics} ({epoch.seconds:.0f} s)"
        )

    group.broadcast(run.id)
    try:
        module = train(training.recipe, settings_of(run), folder, report, pulse.order)
    except Interrupted:
        return _interrupted(run, training, pulse, log, target)
    pulse.files.enter("calibrating")
    return "done", "", _export(run, training, module, target, log)


def _start_metrics(run: Run, training: PreparedTraining) -> TrainingFacts:
    """What the starting model reaches on the validation part, measured once for a run.

    Empty where a run does not go on from a model: a new last layer knows nothing.
    """
    known = (run.facts or {}).get("start")
    if known is not None:
        return {"start": known}
    if run.options.get("start") != "live" or run.attempt > 1 or not current_group().is_main:
        return {}
    device = current_group().device()
    model = training.recipe.build().to(device).to(memory_format=torch.channels_last).eval()
    return {"start": training.recipe.validate(model)}


def _interrupted(
    run: Run,
    training: PreparedTraining,
    pulse: _Pulse,
    log: Callable[[str], None],
    target: Path | None,
) -> tuple[State, str, LoadedModel | None]:
    if pulse.disowned or pulse.request == "pause":
        return "paused", "", None
    if pulse.request == "discard":
        return "discarded", "", None
    try:
        module = best_model(training.recipe, folder_of(run))
    except FileNotFoundError:
        return "stopped", "no epoch had ended, so there is no model to keep", None
    pulse.files.enter("calibrating")
    return "stopped", "", _export(run, training, module, target, log)


def _export(
    run: Run,
    training: PreparedTraining,
    module: torch.nn.Module,
    target: Path | None,
    log: Callable[[str], None],
) -> LoadedModel:
    log("calibrating the best epoch's model on the validation part")
    # Each run's model has a name of its own, by which every finding made with it is known.
    model = training.export(module, target or folder_of(run) / f"{run.name}.safetensors")
    log(f"saved {model.path}")
    return model


class _pause_on_signals:  # noqa: N801 - used like a function
    """A shutdown of the machine or Ctrl-C pauses the run; a second Ctrl-C ends it at once."""

    def __init__(self, pulse: _Pulse, log: Callable[[str], None]) -> None:
        self._pulse, self._log = pulse, log
        self._before: dict[int, Any] = {}

    def __enter__(self) -> None:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._on_signal)

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if self._pulse.request == "pause" and number == signal.SIGINT:
            raise KeyboardInterrupt
        self._pulse.request = "pause"
        self._log(f"{signal.Signals(number).name}: pausing after this batch")


def follow() -> int:
    """Train along with the main process, run by run; returns the exit status."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # the main process handles them for all
    while (run_id := current_group().broadcast(None)) is not None:
        run = book().get(run_id)
        torch.set_num_threads(int((run.facts or {})["threads"]))
        training = prepare(
            run.recipe, Path(run.data), settings_of(run), run.options, folder_of(run)
        )
        with suppress(Interrupted):
            train(training.recipe, settings_of(run), folder_of(run))
    return 0


def wait_for_turn(run: Run, claim: Callable[[], Run | None], every_s: float = 2.0) -> Run | None:
    """Wait until ``claim`` gives the run, or it is no longer in the queue (None)."""
    while True:
        claimed = claim()
        if claimed is not None:
            return claimed
        if book().get(run.id).state != "queued":
            return None
        time.sleep(every_s)
