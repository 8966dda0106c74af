"""Repeat the count-regression paper: tables 1 to 4 and figure 5 (Adinugroho et al. 2025)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import torch

from core.datasets.fields import Counted, read_rgb
from core.datasets.public import cbc, pbc
from core.evaluation.locator_suite import relabelled_copies
from core.inference.smear import analyse
from core.models import registry
from core.models.classifier import CellClassifier
from core.models.regressor import REGRESSION_BACKBONES, CountRegressor
from core.records import Field
from core.settings import settings as site_settings
from core.statistics.counts import bootstrap_interval, constant_predictor
from core.studies.paper_counts_result import LabelErrors, MeanErrors, PaperCounts
from core.taxonomy import KINDS, WBC_CLASSES
from core.training.counts.data import CountingSplit, cbc_split, whole_field
from core.training.counts.recipe import RegressionRecipe
from core.training.loop.history import Epoch, read_history
from core.training.loop.settings import LoopSettings
from core.training.loop.train import train
from core.training.paper_settings import PAPER_REGRESSOR
from core.training.presets import recipe_info
from core.training.white_cells.public_cells import read_public_cells
from core.training.white_cells.recipe import PBC_CLASSES, WbcRecipe, WbcSplit

Report = Callable[[str], None]
Counts = npt.NDArray[np.float64]

WITH_WBC_SET: Final = "with, backbone from WBC"
"""Key of the training whose backbone learnt from the paper's second set, WBC (Bodzas)."""

PAPER: Final = replace(PAPER_REGRESSOR, workers=0)
REDUCED: Final = LoopSettings(
    epochs=40,
    batch_size=16,
    learning_rate=3e-4,
    weight_decay=0.0,
    warmup_steps=15,
    patience=20,
    averaging=0.0,
    workers=0,
)
"""For two processor cores: MobileNetV2 is frozen, so that its features are computed once; the two
last layers learn with 64 hidden neurons, at a higher rate and for fewer epochs."""


@dataclass(frozen=True)
class Setting:
    """Settings of the trainings; ``words`` describe them beside every table."""

    backbone: str
    hidden: int
    reduced: bool
    loop: LoopSettings
    words: str


def setting_here() -> Setting:
    """The paper's settings with CUDA, reduced ones without.

    Raises:
        ValueError: if the regressor cannot take over the live classifier's backbone.
    """
    if torch.cuda.is_available():
        return Setting("resnet50", 256, False, PAPER, "ResNet-50, all layers, as published")
    classifier = registry.live("wbc").module
    assert isinstance(classifier, CellClassifier)
    if classifier.backbone not in REGRESSION_BACKBONES:
        raise ValueError(
            f"the live classifier is a {classifier.backbone}; a reduced reproduction takes over "
            f"one of {', '.join(REGRESSION_BACKBONES)}. Train one with "
            "`train wbc` and make it live, or use a machine with CUDA"
        )
    return Setting(
        classifier.backbone,
        64,
        True,
        REDUCED,
        f"REDUCED for a machine without CUDA: {classifier.backbone} instead of ResNet-50, itself "
        f"not trained further, two last layers for {REDUCED.epochs} epochs at "
        f"{REDUCED.learning_rate:g}",
    )


def reproduce_counts(data: Path, folder: Path, report: Report = lambda line: None) -> PaperCounts:
    """Train without and with the fine-tuned backbone and measure on the 60 CBC test fields.

    Args:
        data: folder of the public sets.
        folder: for the trainings; one that was stopped resumes from there.
        report: called with a line of progress.

    Returns:
        The errors of every method by CBC's labels and by TXL-PBC's.

    Raises:
        FileNotFoundError: if ``data`` lacks ``cbc`` or ``txl`` (with CUDA also ``pbc``).
        ValueError: see ``setting_here``.
    """
    how, split = setting_here(), cbc_split(data)
    report(how.words)
    answers: dict[str, Counts] = {}
    curves: dict[str, list[Epoch]] = {}
    tests = cbc.load(data / "cbc", "Testing")
    pictures = [read_rgb(field.path) for field in tests]
    for name in ("without", "with", *_second_backbone(how, data, report)):
        start = None if name == "without" else _tuned_backbone(how, data, folder, report, name)
        model = _trained(how, split, start, folder / name, partial(_tell, report, name))
        curves[name] = read_history(folder / name)
        with torch.no_grad():
            answers[name] = np.concatenate(
                [model(whole_field(p)[None]).double().numpy() for p in pictures]
            )
    models = registry.smear_models()
    counts = [
        analyse(Field(f.path.name, p, ""), models).counts
        for f, p in zip(tests, pictures, strict=True)
    ]
    answers["locator"] = np.array([[one.of(kind).value for kind in KINDS] for one in counts])
    relabelled = relabelled_copies(data, tests)
    return {
        "setting": how.words,
        "reduced": how.reduced,
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
        "cbc_labels": _errors(answers, tests, split.train),
        "txl_labels": _errors(answers, relabelled, split.train),
    }


def _trained(
    how: Setting,
    split: CountingSplit,
    start: CellClassifier | None,
    folder: Path,
    report: Callable[[Epoch], None],
) -> CountRegressor:
    recipe = RegressionRecipe(
        split, how.backbone, how.hidden, pretrained=True, start=start, reduced=how.reduced
    )
    model = train(recipe, how.loop, folder, report)
    assert isinstance(model, CountRegressor)
    return model.cpu().eval()


def _second_backbone(how: Setting, data: Path, report: Report) -> tuple[str, ...]:
    """The training whose backbone learns the paper's set WBC (Bodzas 2023), where possible."""
    if how.reduced:
        report("A backbone from the paper's second set, WBC, is trained with CUDA only.")
        return ()
    if not (data / "bodzas").is_dir():
        report(
            f"The paper's second set, WBC (Bodzas et al. 2023), is not at {data / 'bodzas'}: the "
            "backbone is trained on PBC only."
        )
        return ()
    return (WITH_WBC_SET,)


def _tuned_backbone(
    how: Setting, data: Path, folder: Path, report: Report, name: str
) -> CellClassifier:
    """A cell classifier: trained here as in the paper, or the live one in the reduced setting."""
    if how.reduced:
        model = registry.live("wbc").module
        assert isinstance(model, CellClassifier)
        return model
    classes: tuple[str, ...] = PBC_CLASSES
    place = "backbone"
    if name == WITH_WBC_SET:
        found = read_public_cells("bodzas", data, site_settings())
        train_cells, validation = found.train, found.validation
        classes = tuple(c for c in WBC_CLASSES if c in {cell.label for cell in train_cells})
        place = "backbone-bodzas"
    else:
        train_cells, validation, _ = pbc.split(pbc.load(data / "pbc"))
    recipe = WbcRecipe(WbcSplit(train_cells, validation), how.backbone, classes=classes)
    settings = recipe_info("wbc").preset("published backbone").settings
    model = train(recipe, settings, folder / place, partial(_tell, report, "backbone"))
    assert isinstance(model, CellClassifier)
    return model


def _errors(
    answers: dict[str, Counts], labels: Sequence[Counted], train: Sequence[Counted]
) -> LabelErrors:
    truth = np.stack([field.counts() for field in labels])
    # The constant comes from the regressor's training fields: both know only CBC's labels.
    constant = constant_predictor(np.stack([field.counts() for field in train]))
    rows = {name: _row(np.abs(counted - truth)) for name, counted in answers.items()}
    errors: LabelErrors = {
        "without": rows["without"],
        "with": rows["with"],
        "locator": rows["locator"],
        "constant": _row(np.abs(constant - truth)),
        "n": len(truth),
    }
    if WITH_WBC_SET in rows:
        errors[WITH_WBC_SET] = rows[WITH_WBC_SET]
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


def _tell(report: Report, name: str, epoch: Epoch) -> None:
    report(_line(name, epoch))


def _line(name: str, epoch: Epoch) -> str:
    return (
        f"{name} fine-tuned backbone, epoch {epoch.number + 1}: loss {epoch.train_loss:.2f}, "
        f"validation {epoch.metrics['loss']:.2f}"
        if name != "backbone"
        else f"backbone, epoch {epoch.number + 1}: loss {epoch.train_loss:.3f}"
    )
