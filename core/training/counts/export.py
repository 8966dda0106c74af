"""Export a trained counter as a model with its card; intervals come from the validation fields."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from core.datasets.fields import Counted, read_rgb
from core.inference.locate.locator import locate
from core.inference.locate.regression import count_by_regression
from core.models import registry
from core.models.cards import (
    CountCard,
    CountRegressorArchitecture,
    CountValidation,
    DensityCounterArchitecture,
    FieldData,
)
from core.models.cards.preprocessing import DensityInput, WholeFieldInput
from core.models.density import DensityCounter
from core.models.regressor import CountRegressor
from core.models.weights import LoadedModel, load_model, save_model, write_card
from core.statistics.calibration import conformal_scale
from core.taxonomy import KINDS
from core.training.card_facts import origin_of
from core.training.loop.settings import LoopSettings


def export_counts(
    module: DensityCounter | CountRegressor,
    validation: Sequence[Counted],
    settings: LoopSettings,
    data: FieldData,
    target: Path,
) -> LoadedModel:
    """Save a counter with 90 % intervals fitted to the errors on ``validation``.

    The fields are counted as at inference, with the scale from the live locator.

    Args:
        module: the trained network.
        validation: fields that were not learnt from.
        settings: of the training, for the card.
        data: facts about the training data, for the card.
        target: file to write, ends in ``.safetensors``.
    """
    card = CountCard(
        architecture=_architecture(module),
        preprocessing=DensityInput() if isinstance(module, DensityCounter) else WholeFieldInput(),
        interval_scale=dict.fromkeys(KINDS, 1.0),
        intended_use="A second count of stained blood-smear fields, beside the locator's. "
        "Research use, a qualified person decides.",
        limits="Learnt from counts of fields with up to 40 cells. It shows where a count comes "
        "from, not single cells, and follows no counting rule.",
        licence="MIT; its backbone has seen PBC (CC BY 4.0, Acevedo et al. 2019)"
        if "PBC" in data.backbone
        else "MIT",
        data=data,
        **origin_of(settings),
    )
    model = save_model(target, module, card)
    locator = registry.live("locator")
    counts = [
        count_by_regression(pixels, locate(pixels, locator).rbc_diameter_px, model)
        for pixels in (read_rgb(field.path) for field in validation)
    ]
    predicted = np.array([[c.of(kind).value for kind in KINDS] for c in counts])
    truth = np.stack([field.counts() for field in validation])
    errors = np.abs(predicted - truth).mean(axis=0)
    fitted = {
        "interval_scale": {
            kind: conformal_scale(predicted[:, i], truth[:, i]) for i, kind in enumerate(KINDS)
        },
        "validation": CountValidation(
            fields=len(validation),
            mean_absolute_error={k: float(e) for k, e in zip(KINDS, errors, strict=True)},
        ),
    }
    write_card(model.path, model.card.model_copy(update=fitted))
    return load_model(model.path)


def _architecture(
    module: DensityCounter | CountRegressor,
) -> DensityCounterArchitecture | CountRegressorArchitecture:
    if isinstance(module, DensityCounter):
        return DensityCounterArchitecture(width=module.width)
    return CountRegressorArchitecture(backbone=module.backbone, hidden=module.hidden)
