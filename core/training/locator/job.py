"""Prepare a training of the locator: TXL-PBC or a laboratory's boxes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from core.datasets.fields import Counted
from core.models.cards import FieldData
from core.models.locator import Locator
from core.models.weights import LoadedModel
from core.settings import settings as site_settings
from core.store.run_records import TrainingFacts
from core.taxonomy import KINDS
from core.training.card_facts import data_hash
from core.training.choices import KEEP_START
from core.training.intakes import trainable
from core.training.job import PreparedTraining, start_model
from core.training.locator.completed_fields import completed_training_fields
from core.training.locator.export import export_locator
from core.training.locator.recipe import LocatorRecipe, LocatorSplit, split_fields
from core.training.loop.averaging import interpolate_towards
from core.training.loop.settings import LoopSettings
from core.training.promote import locked_sets
from core.training.recipe_info import Options, names_in


def prepare(data: Path, settings: LoopSettings, options: Options, folder: Path) -> PreparedTraining:
    """Split the fields and load the starting weights.

    Raises:
        FileNotFoundError: if ``data`` lacks the public sets.
        DataRefused: if a laboratory's own fields cannot be trained on.
    """
    if options.get("layout", "txl") == "txl":
        fields, title = split_fields(data, seed=0), "TXL-PBC train and val"
    elif options["layout"] == "two laboratories":
        fields, title = (
            _two_laboratories(data, folder),
            "TXL-PBC train and val, and DeepBioNet's fields",
        )
    elif options["layout"] == "verified fields":
        fields, title = _verified(data, options, folder)
    else:
        fields, title = own_split(data, options, folder), f"{data.name}, the laboratory's own boxes"
    digest = data_hash([field.path for field in fields.train])
    origin = FieldData(
        set=title,
        training_fields=len(fields.train),
        validation_fields=len(fields.validation),
        left_out_as_copies_of_test_fields=fields.left_out,
        sha256=digest,
    )
    begin = str(options.get("start", "imagenet"))
    start = start_model("locator", begin, folder)
    module = None if start is None else start.module
    assert module is None or isinstance(module, Locator)

    def export(trained: nn.Module, target: Path) -> LoadedModel:
        assert isinstance(trained, Locator)
        if module is not None:
            interpolate_towards(module, trained, KEEP_START[str(options.get("keep_start", "no"))])
        return export_locator(trained, fields.validation, settings, origin, target)

    recipe = LocatorRecipe(
        fields,
        settings.seed,
        pretrained=begin == "imagenet",
        start=module,
        stain_strength=0.3 if options.get("stains") == "mild" else 0.8,
    )
    facts = count_facts(fields.train, fields.validation)
    facts["started_from"] = start.identity if start else begin
    return PreparedTraining(recipe, digest, facts, export)


def count_facts(train: Sequence[Counted], validation: Sequence[Counted]) -> TrainingFacts:
    """Sizes of the parts, and the naive baseline: always answer the training medians."""
    counts = np.stack([field.counts() for field in train])
    truth = np.stack([field.counts() for field in validation])
    constant = np.abs(np.median(counts, axis=0) - truth).mean(axis=0)
    return {
        "training": len(train),
        "validation": len(validation),
        "baseline": float(constant.sum()),
        "baseline_title": "always the training medians",
        "kinds": dict(zip(KINDS, map(int, counts.sum(axis=0)), strict=True)),
    }


def _two_laboratories(data: Path, folder: Path) -> LocatorSplit:
    """TXL-PBC beside DeepBioNet, whose annotations a locator completes.

    The epoch and the thresholds are chosen on TXL-PBC alone, where every cell has a box.
    """
    home = split_fields(data, seed=0)
    foreign = completed_training_fields(data, folder)
    return LocatorSplit([*home.train, *foreign], home.validation, home.left_out)


def _verified(data: Path, options: Options, folder: Path) -> tuple[LocatorSplit, str]:
    """Verified fields and a title. Too few to be split, they are learnt beside TXL-PBC's."""
    found = trainable("verified fields", data, site_settings())
    if not found.beside:
        return own_split(data, options, folder), f"{data.name}, the laboratory's own boxes"
    public = split_fields(site_settings().data, seed=0)
    own = found.part(0)
    split = LocatorSplit([*own, *public.train], public.validation, public.left_out)
    return split, f"{len(own)} fields of {data.name} beside TXL-PBC train and val"


def own_split(data: Path, options: Options, folder: Path) -> LocatorSplit:
    """A laboratory's boxes for training and validation; the test part is locked.

    Raises:
        DataRefused: if they cannot be trained on.
    """
    return LocatorSplit(*own_parts("boxes", data, options, folder), 0)


def own_parts(
    layout: str, data: Path, options: Options, folder: Path
) -> tuple[list[Any], list[Any]]:
    """A laboratory's training and validation fields in a layout.

    The test part is locked: its list is written into the run's folder, see ``locked_sets``.
    """
    found = trainable(layout, data, site_settings(), names_in(options))
    locked_sets.lock_fields(folder / locked_sets.FILE, f"{data.name}, test part", found.part(2))
    return found.part(0), found.part(1)
