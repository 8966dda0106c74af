"""Export a trained locator as a model; thresholds and intervals come from validation."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
from torch import nn

from core.datasets.fields import LabelledField, read_rgb
from core.inference.locate.locator import locate
from core.inference.locate.peaks import Peaks
from core.models.cards import CountValidation, FieldData, LocatorArchitecture, LocatorCard
from core.models.locator import Locator
from core.models.weights import LoadedModel, load_model, save_model, write_card
from core.statistics.calibration import conformal_scale
from core.taxonomy import KINDS
from core.training.card_facts import origin_of
from core.training.locator.recipe import choose_thresholds
from core.training.loop.settings import LoopSettings

MAX_IOUS: Final = (0.4, 0.5, 0.6, 0.7)
"""Overlap limits of non-maximum suppression that are tried."""


def export_locator(
    module: Locator,
    validation: Sequence[LabelledField],
    settings: LoopSettings,
    data: FieldData,
    target: Path,
) -> LoadedModel:
    """Save a locator with thresholds, overlap limit and count intervals chosen on ``validation``.

    The fields are located as at inference, scale search included.
    """
    first_conv = module.lateral[0]
    assert isinstance(first_conv, nn.Conv2d)
    card = LocatorCard(
        architecture=LocatorArchitecture(width=first_conv.out_channels),
        thresholds=dict.fromkeys(KINDS, 0.4),
        max_iou=0.6,
        interval_scale=dict.fromkeys(KINDS, 1.0),
        intended_use="Counting and showing cells of stained blood-smear fields. "
        "Research use, a qualified person decides.",
        limits="Thin parts of the smear. Thick parts and bone marrow were never shown to it.",
        licence="MIT",
        data=data,
        **origin_of(settings),
    )
    model = save_model(target, module, card)
    truth = np.stack([field.counts() for field in validation])
    best: tuple[float, float, np.ndarray, list[Peaks]] | None = None
    for max_iou in MAX_IOUS:
        trial = replace(model, card=model.card.model_copy(update={"max_iou": max_iou}))
        found = [locate(read_rgb(field.path), trial).peaks for field in validation]
        limits, errors = choose_thresholds(found, truth)
        if best is None or errors.sum() < best[0] - 1e-9:
            best = (float(errors.sum()), max_iou, limits, found)
    assert best is not None
    _, max_iou, limits, found = best
    counted = np.stack([np.bincount(p.above(limits).kinds, minlength=len(KINDS)) for p in found])
    fitted = {
        "thresholds": {kind: round(float(t), 3) for kind, t in zip(KINDS, limits, strict=True)},
        "max_iou": max_iou,
        "interval_scale": {
            k: conformal_scale(counted[:, i], truth[:, i]) for i, k in enumerate(KINDS)
        },
        "validation": CountValidation(
            fields=len(validation),
            mean_absolute_error={
                k: float(np.abs(counted - truth)[:, i].mean()) for i, k in enumerate(KINDS)
            },
        ),
    }
    write_card(model.path, model.card.model_copy(update=fitted))
    return load_model(model.path)
