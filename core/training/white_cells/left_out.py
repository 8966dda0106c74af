"""A laboratory left out of training whole: the training without it, and the test on it.

What is reported is what an installation meets in a laboratory that nothing was learnt from. The
locator, which cuts the cells out, has seen fields of CBC and TXL-PBC; it names no classes.
"""

import math
import shutil
import signal
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from core.inference.white_cell.classify import call_crops
from core.inference.white_cell.hierarchy import CHILDREN
from core.models import registry
from core.models.weights import LoadedModel, load_model
from core.records import WbcCall
from core.statistics.calibration import expected_calibration_error
from core.statistics.classes import accuracy_row, majority_accuracy, report
from core.store.run_records import Epoch
from core.taxonomy import parent_of
from core.training.choices import LABORATORIES
from core.training.loop.recipe import Order, Progress
from core.training.loop.train import train
from core.training.presets import RECIPES
from core.training.white_cells.cell_examples import centre_crop
from core.training.white_cells.fit_uncertainty import Amount, characterise
from core.training.white_cells.foreign_cells import frames_of
from core.training.white_cells.job import prepare
from core.training.white_cells.laboratories import (
    COMMON_CLASSES,
    LABORATORY_TITLES,
    all_cells,
    balanced_accuracy,
)

PRESET: Final = "laboratories"
_RESAMPLES: Final = 2000
_EACH_SECONDS: Final = 30.0
_FILES: Final = (".safetensors", ".onnx", ".json")

Report = Callable[[str], None]


def train_without(
    laboratory: str, data: Path, folder: Path, start: Path, *, tell: Report = lambda line: None
) -> LoadedModel:
    """The classifier trained without a laboratory, with its limits fitted; goes on if stopped.

    Args:
        laboratory: one of ``LABORATORIES``.
        data: folder of the public sets.
        folder: where checkpoints and model are kept; a finished model there is returned at once.
        start: a classifier to begin with that has not seen the laboratory.
        tell: gets a line now and then, with the time left.

    Raises:
        FileNotFoundError: if a set is missing.
        ValueError: for an unknown laboratory, or a start that has learnt from it.
        WeightsRefused: if the start cannot be read.
        Interrupted: if the process was terminated; where it stood is saved.
    """
    if laboratory not in LABORATORIES:
        raise ValueError(f"laboratory must be one of {', '.join(LABORATORIES)}, got {laboratory!r}")
    target = folder / f"wbc-without-{laboratory}.safetensors"
    if target.with_suffix(".extras.json").is_file():
        return load_model(target)
    _refuse_if_learnt(load_model(start), laboratory)
    copy = folder / "start" / "wbc.safetensors"
    copy.parent.mkdir(parents=True, exist_ok=True)
    for suffix in _FILES:
        shutil.copyfile(start.with_suffix(suffix), copy.with_suffix(suffix))
    preset = RECIPES["wbc"].preset(PRESET)
    options = {**preset.options, "leave_out": laboratory}
    tell(f"{laboratory}: cutting out the cells")
    job = prepare(data, preset.settings, options, folder)
    tell(f"{laboratory}: {job.facts}")
    module = train(
        job.recipe, preset.settings, folder, _told_epochs(laboratory, tell), _told(laboratory, tell)
    )
    model = job.export(module, target)
    quick = replace(Amount(), validation=1500, described=1300, described_validation=300, indexed=80)
    locator = registry.live("locator")
    characterise(
        model, locator, data, amount=quick, report=lambda line: tell(f"{laboratory}: {line}")
    )
    return load_model(target)


def _refuse_if_learnt(start: LoadedModel, laboratory: str) -> None:
    """A card without a list of laboratories but with foreign cells is the shipped one's kind."""
    origin = start.card.get("data", {})
    known = origin.get("laboratories")
    if known is None:
        known = ("cbc", "txl", "munich") if "foreign_cells" in origin else ()
    if laboratory in known:
        raise ValueError(
            f"{start.identity} has learnt from {laboratory}, so a training that begins with it "
            "does not leave that laboratory out; give --start a model that learnt from PBC alone"
        )


def evaluate_left_out(
    model: LoadedModel, locator: LoadedModel, data: Path, laboratory: str
) -> dict[str, Any]:
    """What a model answers on every labelled cell of a laboratory it never saw.

    Cells that were not found in their picture count as wrong. Only cells of the five common
    classes are judged.

    Raises:
        FileNotFoundError: if the set is missing.
        ValueError: if the model has learnt from that laboratory.
    """
    _refuse_if_learnt(model, laboratory)
    cells = all_cells(data, laboratory)
    frames, located = frames_of(f"{laboratory}-all", cells, locator)
    common = [i for i, cell in enumerate(cells) if parent_of(cell.label) in COMMON_CLASSES]
    truth = [parent_of(cells[i].label) for i in common]
    cut = [i for i in common if located[i]]
    calls = dict(zip(cut, call_crops([centre_crop(frames[i]) for i in cut], model), strict=True))
    predicted = [parent_of(calls[i].label) if i in calls else "not_found" for i in common]
    answered = [(t, calls[i]) for t, i in zip(truth, common, strict=True) if i in calls]
    right = [t == parent_of(call.label) for t, call in answered]
    kept = [not call.abstained for _, call in answered]
    low, high = _balanced_interval(truth, predicted)
    return {
        "laboratory": LABORATORY_TITLES[laboratory],
        "model": model.identity,
        "learnt_from": model.card.get("data", {}).get("laboratories"),
        "balanced_accuracy": {
            "value": balanced_accuracy(truth, predicted),
            "low": low,
            "high": high,
            "n": len(truth),
            "classes": len(set(truth)),
        },
        "accuracy": accuracy_row([t == p for t, p in zip(truth, predicted, strict=True)]),
        "balanced_baseline": 1 / len(set(truth)),
        "majority_baseline": majority_accuracy(truth),
        "white_cell_not_found": len(common) - len(cut),
        "kept": accuracy_row(kept),
        "accuracy_where_kept": accuracy_row([r for r, k in zip(right, kept, strict=True) if k]),
        "expected_calibration_error": _calibration_error(answered),
        "set_coverage": accuracy_row([_holds(call.prediction_set, t) for t, call in answered]),
        "set_mean_size": float(np.mean([len(call.prediction_set) for _, call in answered])),
        "wide_set_coverage": accuracy_row([_holds(call.could_be, t) for t, call in answered]),
        "report": report(truth, predicted, sorted({*truth, *predicted})),
    }


def _balanced_interval(truth: Sequence[str], predicted: Sequence[str]) -> tuple[float, float]:
    """95 % interval by resampling the cells within each class."""
    rng = np.random.default_rng(0)
    right = np.array([t == p for t, p in zip(truth, predicted, strict=True)])
    names = np.array(truth)
    resampled = [
        rng.binomial(int((names == name).sum()), right[names == name].mean(), _RESAMPLES)
        / (names == name).sum()
        for name in sorted(set(truth))
    ]
    low, high = np.quantile(np.mean(resampled, axis=0), (0.025, 0.975))
    return float(low), float(high)


def _holds(labels: Sequence[str], truth: str) -> bool:
    return any(name == truth or name in CHILDREN.get(truth, ()) for name in labels)


def _calibration_error(answered: Sequence[tuple[str, WbcCall]]) -> float:
    """Over parent classes: the probabilities of their children are added."""
    if not answered:
        return math.nan
    names = list(dict.fromkeys(parent_of(name) for name in answered[0][1].probabilities))
    rows = np.zeros((len(answered), len(names)))
    for row, (_, call) in zip(rows, answered, strict=True):
        for name, share in call.probabilities.items():
            row[names.index(parent_of(name))] += share
    return expected_calibration_error(rows, np.array([names.index(t) for t, _ in answered]))


def _told(laboratory: str, tell: Report) -> Callable[[Progress], Order]:
    """A line every half minute with the time left; when terminated, the loop saves and stops."""
    last = [time.monotonic()]
    terminated = threading.Event()
    # Without this, a terminated training would lose its epoch, which can be an hour.
    signal.signal(signal.SIGTERM, lambda *_: terminated.set())

    def control(progress: Progress) -> Order:
        now = time.monotonic()
        if now - last[0] >= _EACH_SECONDS and progress.examples_per_second > 0:
            last[0] = now
            done = progress.epoch * progress.batches + progress.batch
            left = progress.epochs * progress.batches - done
            speed = progress.examples_per_second
            batch = RECIPES["wbc"].preset(PRESET).settings.batch_size
            tell(
                f"{laboratory}: epoch {progress.epoch + 1} of {progress.epochs}, batch "
                f"{progress.batch} of {progress.batches}, loss {progress.loss:.3f}, "
                f"{speed:.0f} cells/s, {left * batch / speed / 60:.0f} min left"
            )
        return "pause" if terminated.is_set() else "go"

    return control


def _told_epochs(laboratory: str, tell: Report) -> Callable[[Epoch], None]:
    return lambda epoch: tell(f"{laboratory}: epoch {epoch.number + 1} done, {epoch.metrics}")
