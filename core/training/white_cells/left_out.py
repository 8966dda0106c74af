"""A training that leaves a laboratory out whole, so that it can be the test."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

from core.files import copy_atomically
from core.models import registry
from core.models.weights import LoadedModel, load_model
from core.store.run_records import Epoch
from core.training.choices import LABORATORIES
from core.training.loop.recipe import Order, Progress
from core.training.loop.train import train
from core.training.presets import RECIPES
from core.training.white_cells.external_lab import refuse_if_learnt
from core.training.white_cells.fit_uncertainty import Amount, fit_uncertainty
from core.training.white_cells.job import prepare

PRESET: Final = "laboratories"
_LINE_EVERY_SECONDS: Final = 30.0
QUICK: Final = replace(
    Amount(), validation=1500, described=1300, described_validation=300, indexed=80
)

Report = Callable[[str], None]


def train_without(
    laboratory: str,
    data: Path,
    folder: Path,
    start: Path,
    *,
    amount: Amount = QUICK,
    report: Report = lambda line: None,
) -> LoadedModel:
    """The classifier trained without a laboratory, with its limits fitted; resumes if stopped.

    Args:
        laboratory: one of ``LABORATORIES``.
        data: folder of the public sets.
        folder: for checkpoints and the model; a finished model there is returned at once.
        start: a classifier to begin with that has not seen the laboratory.
        amount: how many cells the limits are fitted to, at most.
        report: gets a line now and then, with the time left.

    Raises:
        FileNotFoundError: if a set is missing.
        ValueError: for an unknown laboratory, or a start that has learnt from it.
        WeightsRefused: if the start cannot be read.
        Interrupted: if the process was terminated; the state is saved.
    """
    if laboratory not in LABORATORIES:
        raise ValueError(f"laboratory must be one of {', '.join(LABORATORIES)}, got {laboratory!r}")
    target = folder / f"wbc-without-{laboratory}.safetensors"
    # The limits are fitted last, so a model without them was stopped before the end.
    if target.with_suffix(".extras.json").is_file():
        return load_model(target)
    refuse_if_learnt(load_model(start), laboratory)
    copy = folder / "start" / "wbc.safetensors"
    copy.parent.mkdir(parents=True, exist_ok=True)
    for suffix in (".safetensors", ".onnx", ".json"):
        copy_atomically(start.with_suffix(suffix), copy.with_suffix(suffix))
    preset = RECIPES["wbc"].preset(PRESET)
    options = {**preset.options, "leave_out": laboratory}

    def line(text: str) -> None:
        report(f"{laboratory}: {text}")

    def epoch_line(epoch: Epoch) -> None:
        line(f"epoch {epoch.number + 1} done, {epoch.metrics}")

    line("cutting out the cells")
    job = prepare(data, preset.settings, options, folder)
    line(f"{job.facts}")
    with _saved_on_termination(line, preset.settings.batch_size) as control:
        module = train(job.recipe, preset.settings, folder, epoch_line, control)
    model = job.export(module, target)
    fit_uncertainty(model, registry.live("locator"), data, amount=amount, report=line)
    return load_model(target)


@contextmanager
def _saved_on_termination(line: Report, batch_size: int) -> Iterator[Callable[[Progress], Order]]:
    """Control of the loop: a line with the time left, and on SIGTERM it saves and stops.

    Without the handler a terminated training would lose its epoch, which can be an hour.
    """
    terminated = threading.Event()
    last_line = time.monotonic()

    def control(progress: Progress) -> Order:
        nonlocal last_line
        now, speed = time.monotonic(), progress.examples_per_second
        if now - last_line >= _LINE_EVERY_SECONDS and speed > 0:
            last_line = now
            done = progress.epoch * progress.batches + progress.batch
            seconds = (progress.epochs * progress.batches - done) * batch_size / speed
            line(
                f"epoch {progress.epoch + 1} of {progress.epochs}, batch {progress.batch} of "
                f"{progress.batches}, loss {progress.loss:.3f}, {speed:.0f} cells/s, "
                f"{seconds / 60:.0f} min left"
            )
        return "pause" if terminated.is_set() else "go"

    before = signal.signal(signal.SIGTERM, lambda *_: terminated.set())
    try:
        yield control
    finally:
        signal.signal(signal.SIGTERM, before)
