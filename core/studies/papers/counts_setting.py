"""Settings of the repeated count-regression paper on this machine, and its trainings."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

import torch

from core.models import registry
from core.models.classifier import CellClassifier
from core.models.regressor import REGRESSION_BACKBONES
from core.studies.papers.counts_result import FOUND_RATE, WITH_OTHERS, WITH_WBC_SET
from core.training.loop.settings import LoopSettings
from core.training.paper_settings import PAPER_CLASSIFIER, PAPER_REGRESSOR

Cells = Literal["none", "pbc", "bodzas", "other laboratories"]

PAPER: Final = replace(PAPER_REGRESSOR, workers=0)
PAPER_BACKBONE: Final = replace(PAPER_CLASSIFIER, workers=0)
BACKBONE_WITHOUT_CUDA: Final = replace(
    PAPER_BACKBONE, epochs=15, patience=5, learning_rate=5e-4, warmup_steps=200, schedule="cosine"
)
"""From random weights the paper's constant rate of 1e-4 needs several times as many epochs."""

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
    """Settings of the trainings; ``words`` describe them beside every table.

    ``backbone_loop`` and ``backbone_px``, the side of its input, are of the classification that
    comes first.
    """

    backbone: str
    hidden: int
    reduced: bool
    loop: LoopSettings
    words: str
    backbone_loop: LoopSettings = PAPER_BACKBONE
    backbone_px: int = 224


@dataclass(frozen=True)
class Training:
    """One training of the regressor; ``key`` names it in tables and in the folder.

    ``cells`` are what its backbone learns to classify first. ``found_rate``: the learning rate is
    the rate finder's instead of the paper's.
    """

    key: str
    cells: Cells
    found_rate: bool = False


def setting_for(*, full: bool = False, epochs: int | None = None) -> Setting:
    """The paper's settings with CUDA or with ``full``, reduced ones without.

    ``epochs`` is the largest number for every training.

    Raises:
        ValueError: if the regressor cannot take over the live classifier's backbone.
    """
    cuda = torch.cuda.is_available()
    if cuda or full:
        setting = Setting("resnet50", 256, False, PAPER, "ResNet-50, all layers, as published")
        if not cuda:
            setting = replace(
                setting,
                words="ResNet-50, all layers, as published; cells for the backbone at 112 px, at "
                f"most {BACKBONE_WITHOUT_CUDA.epochs} epochs at "
                f"{BACKBONE_WITHOUT_CUDA.learning_rate:g}, falling",
                backbone_loop=BACKBONE_WITHOUT_CUDA,
                backbone_px=112,
            )
    else:
        setting = _reduced()
    if epochs is None:
        return setting
    return replace(
        setting,
        loop=replace(setting.loop, epochs=epochs),
        backbone_loop=replace(setting.backbone_loop, epochs=epochs),
        words=f"{setting.words}; ended after {epochs} epochs",
    )


def _reduced() -> Setting:
    classifier = registry.live("wbc").module
    assert isinstance(classifier, CellClassifier)
    if classifier.backbone not in REGRESSION_BACKBONES:
        raise ValueError(
            f"the live classifier is a {classifier.backbone}; a reduced reproduction takes over "
            f"one of {', '.join(REGRESSION_BACKBONES)}. Train one with "
            "`train wbc` and make it live, or name --full"
        )
    return Setting(
        classifier.backbone,
        64,
        True,
        REDUCED,
        f"REDUCED: {classifier.backbone} instead of ResNet-50, itself "
        f"not trained further, two last layers for {REDUCED.epochs} epochs at "
        f"{REDUCED.learning_rate:g}",
    )


def trainings(setting: Setting, data: Path, *, random_start: bool) -> Sequence[Training]:
    """The trainings of a run, in order.

    From random weights the paper's rate of 1e-5 may not converge in its 200 epochs, so each is
    repeated at the rate finder's.
    """
    if setting.reduced:
        return [Training("without", "none"), Training("with", "pbc")]
    second = (
        Training(WITH_WBC_SET, "bodzas")
        if (data / "bodzas").is_dir()
        else Training(WITH_OTHERS, "other laboratories")
    )
    once = [Training("without", "none"), Training("with", "pbc"), second]
    if not random_start:
        return once
    found = [Training(one.key + FOUND_RATE, one.cells, found_rate=True) for one in once]
    # The rate that can converge first: its table is worth reading before the others end.
    return [found[0], once[0], found[1], once[1], found[2], once[2]]
