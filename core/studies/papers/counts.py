"""Repeat the count-regression paper: tables 1 to 4 and figure 5 (Adinugroho et al. 2025)."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from core.datasets.fields import Counted, LabelledField, read_rgb
from core.datasets.public import cbc, pbc
from core.evaluation.locator_suite import relabelled_copies
from core.inference.smear import analyse
from core.models import registry
from core.models.classifier import CellClassifier
from core.models.regressor import INPUT_PX, CountRegressor
from core.records import Field, RgbImage
from core.settings import settings as site_settings
from core.statistics.counts import bootstrap_interval, constant_predictor
from core.studies.papers.counts_cells import other_cells
from core.studies.papers.counts_result import LabelErrors, MeanErrors, PaperCounts
from core.studies.papers.counts_setting import Cells, Setting, Training, setting_for, trainings
from core.studies.papers.progress import Reporter, duration
from core.studies.papers.start_weights import Start, start_of
from core.studies.papers.step_time import seconds_of
from core.taxonomy import KINDS, WBC_CLASSES
from core.training.counts.data import CountingSplit, cbc_split, whole_field
from core.training.counts.recipe import RegressionRecipe
from core.training.loop import rate_trial
from core.training.loop.find_rate import find_rate
from core.training.loop.history import Epoch, read_history
from core.training.loop.settings import LoopSettings
from core.training.loop.train import train
from core.training.white_cells.public_cells import read_public_cells
from core.training.white_cells.recipe import PBC_CLASSES, WbcRecipe, WbcSplit

Counts = npt.NDArray[np.float64]


def reproduce_counts(
    data: Path,
    folder: Path,
    reporter: Reporter | None = None,
    *,
    full: bool = False,
    epochs: int | None = None,
    weights: Path | None = None,
    so_far: Callable[[PaperCounts], None] = lambda result: None,
) -> PaperCounts:
    """Train without and with fine-tuned backbones and measure on the 60 CBC test fields.

    Args:
        data: folder of the public sets.
        folder: for the trainings; one that was stopped resumes from there.
        reporter: of progress; None for none.
        full: the paper's network also where there is no CUDA.
        epochs: largest number of epochs of every training; None for the setting's.
        weights: file of weights to start from (see ``start_of``).
        so_far: called after each training with the result of those that have ended.

    Returns:
        The errors of every method by CBC's labels and by TXL-PBC's.

    Raises:
        FileNotFoundError: if ``data`` lacks ``cbc`` or ``txl`` (in full also ``pbc``).
        ValueError: see ``setting_for`` and ``start_of``; or if the folder's run began otherwise.
        Interrupted: if the reporter was asked to stop; the same call resumes.
    """
    reporter = reporter or Reporter()
    setting, split = setting_for(full=full, epochs=epochs), cbc_split(data)
    start = start_of(setting.backbone, weights, folder)
    reporter.line(f"{setting.words}; start: {start.words}")
    tests = cbc.load(data / "cbc", "Testing")
    pictures = [read_rgb(field.path) for field in tests]
    located = _located(tests, pictures)
    relabelled = relabelled_copies(data, tests)
    answers: dict[str, Counts] = {}
    curves: dict[str, list[Epoch]] = {}
    result: PaperCounts
    for training in trainings(setting, data, random_start=start.state is None):
        model = _trained(training, setting, start, split, data, folder, reporter)
        curves[training.key] = read_history(folder / training.key)
        with torch.no_grad():
            answers[training.key] = np.concatenate(
                [model(whole_field(p)[None]).double().numpy() for p in pictures]
            )
        everything = {**answers, "locator": located}
        result = {
            "setting": setting.words,
            "start": start.words,
            "reduced": setting.reduced,
            "split": {
                "training": len(split.train),
                "validation": len(split.validation),
                "left_out_as_copies_of_test_fields": split.left_out,
                "test": len(tests),
            },
            "curves": {
                name: [[e.number + 1, e.train_loss, e.metrics["loss"]] for e in rows]
                for name, rows in curves.items()
            },
            "seconds": {name: sum(e.seconds for e in rows) for name, rows in curves.items()},
            "learning_rates": {name: rows[0].learning_rate for name, rows in curves.items()},
            "cbc_labels": _errors(everything, tests, split.train),
            "txl_labels": _errors(everything, relabelled, split.train),
        }
        so_far(result)
    return result


def forecast(
    data: Path, *, full: bool = False, epochs: int | None = None, weights: Path | None = None
) -> str:
    """Describe what would be trained here, the longest time and the memory, from three steps.

    Raises:
        FileNotFoundError: if a set is missing.
        ValueError: see ``setting_for``.
    """
    setting, split = setting_for(full=full, epochs=epochs), cbc_split(data)
    planned = trainings(setting, data, random_start=weights is None)
    loop, device = setting.loop, "CUDA" if torch.cuda.is_available() else "the processor"
    text = f"{setting.words}; {len(split.train)} fields to learn from, on {device}.\n"
    if setting.reduced:
        return text + f"{len(planned)} trainings of two layers: some minutes."
    step_s = _step_seconds(CountRegressor(setting.backbone, setting.hidden), loop, INPUT_PX)
    epoch_s = 1.1 * step_s * max(1, len(split.train) // loop.batch_size)
    longest_h = len(planned) * loop.epochs * epoch_s / 3600
    cells = len(pbc.split(pbc.load(data / "pbc"))[0])
    backbone = CellClassifier(("cell",), setting.backbone)
    cell_step_s = _step_seconds(backbone, setting.backbone_loop, setting.backbone_px)
    cell_epoch_s = 1.1 * cell_step_s * cells / setting.backbone_loop.batch_size
    cells_h = cell_epoch_s * setting.backbone_loop.epochs / 3600
    return text + (
        f"Backbone on {cells} cells of PBC: {duration(cell_epoch_s)} an epoch, at most "
        f"{cells_h:.1f} hours for {setting.backbone_loop.epochs} epochs; a second one on fewer "
        "cells.\n"
        f"{len(planned)} trainings on fields (as many only where the start is random): "
        f"{duration(epoch_s)} an epoch, at most {longest_h:.1f} hours for {loop.epochs} epochs "
        f"each; each ends after {loop.patience} epochs without a better one.\n"
        f"About {_MEMORY_MB:,} MB of memory."
    )


_MEMORY_MB: Final = 8000
"""ResNet-50 with the maps of 32 pictures of 224 px, gradients, Adam's moments, and PBC's pictures.
Measured while training on the processor, rounded up."""


def _step_seconds(model: nn.Module, loop: LoopSettings, side_px: int) -> float:
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model.to(device).train()
    optimizer = torch.optim.Adam(model.parameters())
    pictures = torch.rand(loop.batch_size, 3, side_px, side_px, device=device)

    def step() -> None:
        with torch.autocast(device.type, torch.bfloat16, enabled=loop.bfloat16):
            loss = model(pictures).float().abs().mean()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()

    return seconds_of(step)


def _trained(
    training: Training,
    setting: Setting,
    start: Start,
    split: CountingSplit,
    data: Path,
    folder: Path,
    reporter: Reporter,
) -> CountRegressor:
    """The regressor of a training; resumes, or is loaded if the training has ended."""
    begin = _tuned_backbone(training.cells, setting, start, data, folder, reporter)
    recipe = RegressionRecipe(
        split,
        setting.backbone,
        setting.hidden,
        pretrained=False,
        start=begin,
        reduced=setting.reduced,
    )
    loop, own = setting.loop, folder / training.key
    if training.found_rate:
        trial = rate_trial.read(own)
        if trial is None:
            reporter.line(f"{training.key}: looking for a learning rate")
            trial = find_rate(recipe, loop)
            rate_trial.write(own, trial)
        loop = replace(loop, learning_rate=trial.proposed)
        reporter.line(f"{training.key}: learning rate {trial.proposed:g}")
    model = train(
        recipe,
        loop,
        own,
        partial(reporter.epoch, training.key),
        reporter.control(training.key, loop.batch_size),
    )
    assert isinstance(model, CountRegressor)
    return model.cpu().eval()


def _tuned_backbone(
    cells: Cells, setting: Setting, start: Start, data: Path, folder: Path, reporter: Reporter
) -> CellClassifier | None:
    """A cell classifier: trained here as in the paper, or the live one in the reduced setting.

    Without ``cells`` it has the start's weights; None for random ones.
    """
    if cells == "none":
        return _untrained(setting, start)
    if setting.reduced:
        live = registry.live("wbc").module
        assert isinstance(live, CellClassifier)
        return live
    place = {"pbc": "backbone", "bodzas": "backbone-bodzas"}.get(cells, "backbone-others")
    classes: tuple[str, ...] = PBC_CLASSES
    if cells == "pbc":
        learn, validation, _ = pbc.split(pbc.load(data / "pbc"))
    elif cells == "bodzas":
        found = read_public_cells("bodzas", data, site_settings())
        learn, validation = found.train, found.validation
    else:
        learn, validation = other_cells(data, folder / place / "cells")
    if cells != "pbc":
        known = {cell.label for cell in learn}
        classes = tuple(name for name in WBC_CLASSES if name in known)
        classes += tuple(sorted(str(name) for name in known - set(classes)))
    recipe = WbcRecipe(
        WbcSplit(learn, validation),
        setting.backbone,
        pretrained=False,
        classes=classes,
        start=_untrained(setting, start),
        network_px=setting.backbone_px,
        augmentation="autoaugment",
    )
    loop = setting.backbone_loop
    model = train(
        recipe,
        loop,
        folder / place,
        partial(reporter.epoch, place, metrics=("accuracy", "loss")),
        reporter.control(place, loop.batch_size),
    )
    assert isinstance(model, CellClassifier)
    return model


def _untrained(setting: Setting, start: Start) -> CellClassifier | None:
    if start.state is None:
        return None
    classifier = CellClassifier(("cell",), setting.backbone)
    classifier.net.load_state_dict(dict(start.state), strict=False)
    return classifier


def _located(tests: Sequence[LabelledField], pictures: Sequence[RgbImage]) -> Counts:
    models = registry.smear_models()
    counts = [
        analyse(Field(f.path.name, p, ""), models).counts
        for f, p in zip(tests, pictures, strict=True)
    ]
    return np.array([[one.of(kind).value for kind in KINDS] for one in counts])


def _errors(
    answers: dict[str, Counts], labels: Sequence[Counted], train: Sequence[Counted]
) -> LabelErrors:
    truth = np.stack([field.counts() for field in labels])
    # The constant comes from the regressor's training fields: both know only CBC's labels.
    constant = constant_predictor(np.stack([field.counts() for field in train]))
    rows = {name: _row(np.abs(counted - truth)) for name, counted in answers.items()}
    errors: LabelErrors = {
        "locator": rows.pop("locator"),
        "constant": _row(np.abs(constant - truth)),
        "n": len(truth),
    }
    errors.update(cast(LabelErrors, rows))
    return errors


def _row(errors: Counts) -> MeanErrors:
    low, high = bootstrap_interval(errors.mean(axis=1))
    rbc, wbc, platelet = (float(errors[:, i].mean()) for i in range(len(KINDS)))
    return {
        "rbc": rbc,
        "wbc": wbc,
        "platelet": platelet,
        "mean": float(errors.mean()),
        "mean_low": low,
        "mean_high": high,
    }
