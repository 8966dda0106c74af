"""Prepare a training of the counter that needs counts only: TXL-PBC or a laboratory's fields."""

from pathlib import Path
from typing import Final

from torch import nn

from core.datasets.fields import read_rgb
from core.datasets.intake.fields import CountedField
from core.inference.locate.locator import locate
from core.models import registry
from core.models.cards import FieldData
from core.models.classifier import CellClassifier
from core.models.density import DensityCounter
from core.models.regressor import CountRegressor
from core.models.weights import LoadedModel
from core.training.card_facts import data_hash
from core.training.counts.data import CountingSplit
from core.training.counts.density import DensityRecipe
from core.training.counts.density_data import ScaledField
from core.training.counts.export import export_counts
from core.training.counts.field_parts import field_parts
from core.training.counts.recipe import RegressionRecipe
from core.training.job import PreparedTraining, start_model
from core.training.locator.completed_fields import completed_training_fields
from core.training.locator.job import count_facts, own_parts
from core.training.locator.recipe import split_fields
from core.training.loop.recipe import Recipe
from core.training.loop.settings import LoopSettings
from core.training.recipe_info import Options

_TITLES: Final = {
    "txl": "TXL-PBC train and val, counts only (and one red-cell diameter a field)",
    "two laboratories": "TXL-PBC train and val, and parts of DeepBioNet's fields, counts only (and "
    "one red-cell diameter a field)",
}
_PARTS_OF_A_FIELD: Final = 2


def prepare(data: Path, settings: LoopSettings, options: Options, folder: Path) -> PreparedTraining:
    """Split the fields and load the starting weights.

    The option ``start`` is ``imagenet``, ``random`` or ``live`` (the live count model);
    ``backbone`` is ``imagenet``, or ``cells`` for the live classifier's first layers, as in the
    paper.

    Raises:
        FileNotFoundError: if ``data`` lacks the public sets.
        DataRefused: if a laboratory's own fields cannot be trained on.
        ValueError: if the live classifier's layers do not fit.
    """
    layout = str(options.get("layout", "txl"))
    published = options.get("network", "map") == "published"
    fields = _fields(layout, data, options, folder, scaled=not published)
    digest = data_hash([field.path for field in fields.train])
    begin, backbone = (
        str(options.get("start", "imagenet")),
        str(options.get("backbone", "imagenet")),
    )
    start = start_model("counts", begin, folder)
    module, weights_from = _first_weights(start, begin, backbone)
    origin = FieldData(
        set=_TITLES.get(layout, f"{data.name}, the laboratory's own {layout}"),
        training_fields=len(fields.train),
        validation_fields=len(fields.validation),
        left_out_as_copies_of_test_fields=fields.left_out,
        sha256=digest,
        backbone=weights_from,
    )

    def export(trained: nn.Module, target: Path) -> LoadedModel:
        assert isinstance(trained, DensityCounter | CountRegressor)
        return export_counts(trained, fields.validation, settings, origin, target)

    recipe: Recipe
    if published:
        if begin == "live" or backbone == "cells":
            raise ValueError("the published network begins with imagenet or random")
        recipe = RegressionRecipe(fields, pretrained=begin == "imagenet")
    else:
        recipe = DensityRecipe(fields, settings.seed, pretrained=begin == "imagenet", start=module)
    facts = count_facts(fields.train, fields.validation)
    facts["started_from"] = start.identity if start else weights_from
    return PreparedTraining(recipe, digest, facts, export)


def _first_weights(
    start: LoadedModel | None, begin: str, backbone: str
) -> tuple[DensityCounter | CellClassifier | None, str]:
    """The network the weights come from (None: ImageNet's or random ones), and words for it."""
    if start is not None:
        if not isinstance(start.module, DensityCounter):
            raise ValueError(f"{start.name} is no density counter; start from imagenet")
        return start.module, "the live count model's"
    if backbone != "cells":
        return None, "random" if begin == "random" else "ImageNet's"
    classifier = registry.live("wbc")
    assert isinstance(classifier.module, CellClassifier)
    if classifier.module.backbone != "mobilenet_v2":
        raise ValueError(
            f"the live classifier is a {classifier.module.backbone}; only a mobilenet_v2 gives "
            "its first layers to the density counter. Choose the backbone imagenet"
        )
    return classifier.module, f"{classifier.identity}, learnt from single cells (PBC)"


def _fields(layout: str, data: Path, options: Options, folder: Path, scaled: bool) -> CountingSplit:
    """Training and validation fields; ``scaled`` adds the red-cell diameter to counted ones."""
    if layout in ("txl", "two laboratories"):
        public = split_fields(data, seed=0)
        cut = _deepbionet(data, folder) if layout == "two laboratories" else []
        return CountingSplit([*public.train, *cut], public.validation, public.left_out)
    train, validation = own_parts(layout, data, options, folder)
    if layout == "counts" and scaled:
        # Without boxes the live locator measures the red cells, as at inference. start_model copies
        # it into the run's folder: another may be live when the run resumes.
        locator = start_model("locator", "live", folder)
        assert locator is not None
        train, validation = ([_scaled(f, locator) for f in part] for part in (train, validation))
    return CountingSplit(train, validation, 0)


def _deepbionet(data: Path, folder: Path) -> list[ScaledField]:
    """Parts of DeepBioNet's fields, their annotations completed."""
    fields = completed_training_fields(data, folder)
    return field_parts(fields, _PARTS_OF_A_FIELD, seed=0)


def _scaled(field: CountedField, locator: LoadedModel) -> ScaledField:
    diameter = locate(read_rgb(field.path), locator).rbc_diameter_px
    return ScaledField(field.path, field.cells, diameter)
