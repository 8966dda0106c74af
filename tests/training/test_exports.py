"""What an exported card claims of its validation fields is what the product counts there."""

import numpy as np
import pytest

from core.datasets.fields import LabelledField, read_rgb
from core.imaging.synthetic import draw, png_bytes
from core.inference.locate.locator import locate
from core.inference.locate.regression import count_by_regression
from core.models import registry
from core.models.cards import CountCard, FieldData, LocatorCard
from core.models.density import DensityCounter
from core.models.locator import Locator
from core.taxonomy import KINDS
from core.training.counts.export import export_counts
from core.training.locator.export import MAX_IOUS, export_locator
from core.training.locator.recipe import choose_thresholds
from core.training.loop.settings import LoopSettings

SETTINGS = LoopSettings(epochs=3, seed=5)


@pytest.fixture(scope="module")
def validation(tmp_path_factory):
    root = tmp_path_factory.mktemp("validation")
    fields = []
    for seed in range(3):
        drawn = draw(
            70 + seed,
            width=240,
            height=240,
            rbc=6 + 3 * seed,
            wbc=["lymphocyte"],
            rbc_diameter_px=40,
        )
        file = root / f"{seed}.png"
        file.write_bytes(png_bytes(drawn.field))
        boxes = np.array([cell.box_xyxy_px for cell in drawn.cells], np.float32)
        kinds = np.array([KINDS.index(cell.kind) for cell in drawn.cells])
        fields.append(LabelledField(file, boxes, kinds))
    return fields


def truth_of(fields):
    return np.stack([field.counts() for field in fields])


def expected_scale(counted, truth):
    """With three fields the 90 % quantile is the largest misfit; rank ceil(4 * 0.9) is 4."""
    return (np.abs(counted - truth) / np.sqrt(counted + 1)).max(axis=0)


def test_the_locators_thresholds_and_intervals_are_those_of_validation(validation, tmp_path):
    module = registry.live("locator").module
    assert isinstance(module, Locator)
    data = FieldData(set="drawn", training_fields=7)
    model = export_locator(module, validation, SETTINGS, data, tmp_path / "new.safetensors")
    card = model.card_as(LocatorCard)
    truth = truth_of(validation)
    found = [locate(read_rgb(field.path), model) for field in validation]
    limits = np.array([card.thresholds[kind] for kind in KINDS])
    counted = np.stack([np.bincount(f.peaks.above(limits).kinds, minlength=3) for f in found])
    assert card.validation is not None and card.validation.fields == 3
    claimed = [card.validation.mean_absolute_error[kind] for kind in KINDS]
    assert claimed == pytest.approx(np.abs(counted - truth).mean(axis=0).tolist())
    scales = [card.interval_scale[kind] for kind in KINDS]
    assert scales == pytest.approx(expected_scale(counted, truth).tolist())
    assert card.max_iou in MAX_IOUS
    assert choose_thresholds([f.peaks for f in found], truth)[1].sum() == pytest.approx(
        sum(claimed)
    )
    assert (card.data, card.seed, card.training["epochs"]) == (data, 5, 3)


def test_the_counters_intervals_are_those_of_validation(validation, tmp_path):
    module = registry.live("counts").module
    assert isinstance(module, DensityCounter)
    data = FieldData(set="drawn", backbone="ImageNet's")
    model = export_counts(module, validation, SETTINGS, data, tmp_path / "new.safetensors")
    card, locator = model.card_as(CountCard), registry.live("locator")
    counted = []
    for field in validation:
        pixels = read_rgb(field.path)
        counts = count_by_regression(pixels, locate(pixels, locator).rbc_diameter_px, model)
        counted.append([counts.of(kind).value for kind in KINDS])
    truth = truth_of(validation)
    assert card.validation is not None
    claimed = [card.validation.mean_absolute_error[kind] for kind in KINDS]
    assert claimed == pytest.approx(np.abs(np.array(counted) - truth).mean(axis=0).tolist())
    scales = [card.interval_scale[kind] for kind in KINDS]
    assert scales == pytest.approx(expected_scale(np.array(counted), truth).tolist())
    assert card.preprocessing.as_json()["multiple_px"] == 16
    assert card.licence == "MIT"
