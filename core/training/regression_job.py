"""Preparing a training of the count that needs counts only: TXL-PBC, or a laboratory's own."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import nn

from core.models import registry
from core.models.classifier import CellClassifier
from core.models.density import DensityCounter
from core.models.regressor import CountRegressor
from core.models.weights import LoadedModel
from core.training.density import DensityRecipe
from core.training.job import Job, start_model
from core.training.locator import split_fields
from core.training.locator_job import count_facts, own_split
from core.training.loop_settings import LoopSettings
from core.training.publish import data_hash
from core.training.publish_counts import publish_counts
from core.training.recipe import Recipe
from core.training.regression import RegressionRecipe
from core.training.regression_data import CountingSplit

_PUBLIC = "TXL-PBC train and val, counts only (and one red-cell diameter a field)"


def prepare(data: Path, settings: LoopSettings, options: Mapping[str, Any], folder: Path) -> Job:
    """Cut the fields into parts and find what the weights start from.

    ``start`` is ``imagenet``, ``random`` or ``live`` (the live count model); ``backbone`` is
    ``imagenet``, or ``cells`` for the live classifier's first layers, the published idea.

    Raises:
        FileNotFoundError: if ``data`` lacks the public sets.
        ValueError: if the live classifier's layers do not fit.
    """
    own = options.get("layout", "txl") == "boxes"
    fields = own_split(data, options, folder) if own else split_fields(data, seed=0)
    digest = data_hash([field.path for field in fields.train])
    begin, backbone = (
        str(options.get("start", "imagenet")),
        str(options.get("backbone", "imagenet")),
    )
    start = start_model("counts", begin, folder)
    module: DensityCounter | CellClassifier | None = None
    words = {"live": "the live count model's", "random": "random"}.get(begin, "ImageNet's")
    if start is not None:
        if not isinstance(start.module, DensityCounter):
            raise ValueError(f"{start.name} is no density counter; start from imagenet")
        module = start.module
    elif backbone == "cells":
        classifier = registry.live("wbc")
        assert isinstance(classifier.module, CellClassifier)
        if classifier.module.backbone != "mobilenet_v2":
            raise ValueError(
                f"the live classifier is a {classifier.module.backbone}; only a mobilenet_v2 gives "
                "its first layers to the density counter. Choose the backbone imagenet"
            )
        module, words = classifier.module, f"{classifier.identity}, learnt from single cells (PBC)"
    origin: dict[str, Any] = {
        "set": f"{data.name}, the laboratory's own" if own else _PUBLIC,
        "training_fields": len(fields.train),
        "validation_fields": len(fields.validation),
        "left_out_as_copies_of_test_fields": fields.left_out,
        "sha256": digest,
        "backbone": words,
    }

    def publish(trained: nn.Module, target: Path) -> LoadedModel:
        assert isinstance(trained, DensityCounter | CountRegressor)
        return publish_counts(trained, fields.validation, settings, origin, target)

    recipe: Recipe
    if options.get("network", "map") == "published":
        if begin == "live" or backbone == "cells":
            raise ValueError("the published network begins with imagenet or random")
        split = CountingSplit(fields.train, fields.validation, fields.left_out)
        recipe = RegressionRecipe(split, pretrained=begin == "imagenet")
    else:
        recipe = DensityRecipe(fields, settings.seed, pretrained=begin == "imagenet", start=module)
    facts = count_facts(fields.train, fields.validation)
    return Job(
        recipe, digest, {**facts, "started_from": start.identity if start else words}, publish
    )
