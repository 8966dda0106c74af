"""What can be trained, and the named settings. Loads no network library: a screen can ask it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from core.taxonomy import KINDS, WBC_CLASSES
from core.training.choices import (
    AUGMENTATIONS,
    BACKBONES,
    CLASS_WEIGHTS,
    FROZEN,
    LABORATORIES,
    STAINS,
    STARTS,
)
from core.training.loop.settings import LoopSettings
from core.training.recipe_info import OptionValue, Preset, RecipeInfo

__all__ = ["RECIPES", "Preset", "RecipeInfo", "checked_options", "recipe_info"]

PAPER_CLASSIFIER: Final = LoopSettings(
    epochs=200,
    batch_size=32,
    learning_rate=1e-4,
    weight_decay=0.0,
    warmup_steps=0,
    patience=20,
    averaging=0.0,
    schedule="constant",
    optimizer="adam",
)
"""Adinugroho 2025, the backbone: Adam, a constant rate, the best epoch by validation."""

PAPER_REGRESSOR: Final = replace(PAPER_CLASSIFIER, learning_rate=1e-5)
"""The same work, the whole model."""

_DENSITY_COUNTER: Final = LoopSettings(
    epochs=30,
    batch_size=16,
    learning_rate=3e-3,
    weight_decay=1e-4,
    warmup_steps=50,
    patience=30,
    averaging=0.99,
    workers=0,
)
"""The density counter's head on frozen features, from any set of fields."""

RECIPES: Final[dict[str, RecipeInfo]] = {
    "locator": RecipeInfo(
        "locator",
        "Cells of a field",
        "mae_sum",
        "Count error, cells a field",
        False,
        (
            Preset(
                "shipped",
                "What the shipped locator was trained with.",
                LoopSettings(epochs=36, batch_size=16, learning_rate=1e-3, patience=36),
            ),
            Preset(
                "settle",
                "The last polish of the shipped locator: its best epoch, on milder stains.",
                LoopSettings(
                    epochs=6,
                    batch_size=16,
                    learning_rate=3e-4,
                    warmup_steps=30,
                    patience=6,
                    averaging=0.99,
                    seed=1,
                ),
                {"start": "live", "stains": "mild"},
            ),
            Preset(
                "two laboratories",
                "The live locator on TXL-PBC and DeepBioNet's fields together.",
                LoopSettings(
                    epochs=8,
                    batch_size=16,
                    learning_rate=5e-4,
                    warmup_steps=60,
                    patience=8,
                    averaging=0.995,
                    seed=2,
                ),
                {"start": "live", "layout": "two laboratories"},
            ),
        ),
        {
            "start": STARTS,
            "layout": ("txl", "two laboratories", "boxes", "verified fields"),
            "stains": STAINS,
        },
        named=KINDS,
    ),
    "counts": RecipeInfo(
        "counts",
        "Counter trained on counts only",
        "mae_sum",
        "Count error, cells a field",
        False,
        (
            Preset(
                "shipped",
                "A map that sums to the count, on features that stay as they are; needs no boxes, "
                "only how many cells of each kind a field has.",
                _DENSITY_COUNTER,
            ),
            Preset(
                "two laboratories",
                "The same on TXL-PBC and parts of DeepBioNet's wider fields together.",
                _DENSITY_COUNTER,
                {"layout": "two laboratories"},
            ),
            Preset(
                "fine-tune",
                "A gentle continuation of the live model on a laboratory's own fields.",
                LoopSettings(
                    epochs=20,
                    batch_size=8,
                    learning_rate=1e-3,
                    weight_decay=1e-4,
                    warmup_steps=20,
                    patience=8,
                    averaging=0.95,
                    workers=0,
                ),
                {"start": "live", "layout": "counts"},
            ),
            Preset(
                "published",
                "As published: ResNet-50 on whole fields of 224x224, mean absolute error, batch "
                "32, learning rate 1e-5 held constant, 200 epochs, patience 20.",
                PAPER_REGRESSOR,
                {"network": "published"},
            ),
        ),
        {
            "start": STARTS,
            "layout": ("txl", "two laboratories", "boxes", "counts"),
            "network": ("map", "published"),
            "backbone": ("imagenet", "cells"),
        },
        named=KINDS,
    ),
    "palm": RecipeInfo(
        "palm",
        "Anemia in palm photos, the published CNN",
        "score",
        "AUROC (haemoglobin: minus the error in g/dL)",
        True,
        (
            Preset(
                "shipped",
                "The published network with a split that does not leak. For comparison: it gives "
                "no verdicts on the screen.",
                LoopSettings(
                    epochs=12,
                    batch_size=16,
                    learning_rate=5e-4,
                    warmup_steps=20,
                    patience=4,
                    averaging=0.95,
                    workers=0,
                    bfloat16=False,
                ),
            ),
        ),
        {
            "start": ("random",),
            "target": ("anemic", "haemoglobin"),
            "size": ("250x188", "125x94", "500x375"),
        },
    ),
    "wbc": RecipeInfo(
        "wbc",
        "Class of a white cell",
        "accuracy",
        "Accuracy on validation cells",
        True,
        (
            Preset(
                "shipped",
                "The first step of the shipped classifier: PBC alone, from ImageNet.",
                LoopSettings(
                    epochs=14, batch_size=64, learning_rate=1e-3, patience=14, averaging=0.999
                ),
            ),
            Preset(
                "three laboratories",
                "The last step of the shipped classifier: on from the live one, with cells of "
                "three other laboratories beside PBC's.",
                LoopSettings(
                    epochs=22,
                    batch_size=48,
                    learning_rate=5e-4,
                    warmup_steps=60,
                    patience=22,
                    averaging=0.998,
                ),
                {"start": "live", "layout": "three laboratories", "enlarged_px": "192"},
            ),
            Preset(
                "laboratories",
                "A short schedule with the cells of all known laboratories beside PBC's; the "
                "option leave_out keeps one of them away.",
                LoopSettings(
                    epochs=2,
                    batch_size=48,
                    learning_rate=5e-4,
                    warmup_steps=40,
                    patience=2,
                    averaging=0.98,
                ),
                {"start": "live", "layout": "laboratories"},
            ),
            Preset(
                "fine-tune",
                "A gentle continuation of the live model on a laboratory's own cells.",
                LoopSettings(
                    epochs=10,
                    batch_size=16,
                    learning_rate=2e-4,
                    warmup_steps=20,
                    patience=5,
                    averaging=0.98,
                ),
                {"start": "live", "layout": "folders"},
            ),
            Preset(
                "published backbone",
                "As published for the backbone: Adam, cross-entropy, batch 32, learning rate 1e-4 "
                "held constant, AutoAugment, patience 20 on validation accuracy.",
                PAPER_CLASSIFIER,
                {"augmentation": "autoaugment"},
            ),
            Preset(
                "published classifier",
                "As published for the classifier of white cells: Adam, cross-entropy, flips and "
                "rotation. Batch, rate and epochs are not published: the backbone's are taken.",
                PAPER_CLASSIFIER,
                {"augmentation": "published"},
            ),
        ),
        {
            "start": STARTS,
            "layout": (
                "pbc",
                "folders",
                "three laboratories",
                "verified cells",
                "bodzas",
                "raabin",
                "laboratories",
            ),
            "leave_out": ("none", *LABORATORIES),
            "enlarged_px": ("no", "160", "192", "224"),
            "keep_start": ("no", "a third"),
            "backbone": BACKBONES,
            "frozen": FROZEN,
            "augmentation": AUGMENTATIONS,
            "class_weights": CLASS_WEIGHTS,
        },
        named=WBC_CLASSES,
    ),
}


FORMER_NAMES: Final = {"regression": "counts"}
"""What a recipe was once called -> its name. Commands and files of older installations use it."""


def recipe_info(name: str) -> RecipeInfo:
    """A recipe by its name or a former one. Raises ValueError for an unknown recipe."""
    name = FORMER_NAMES.get(name, name)
    if name not in RECIPES:
        raise ValueError(f"unknown recipe {name!r}; known are {', '.join(RECIPES)}")
    return RECIPES[name]


def checked_options(recipe: str, options: Mapping[str, Any]) -> dict[str, OptionValue]:
    """A recipe's choices, all of them, each one of its allowed values.

    ``names`` is a mapping: a laboratory's own name to what it stands for, or "" to leave it out.

    Raises:
        ValueError: naming the choice and what it may be.
    """
    info = recipe_info(recipe)
    names = dict(options.get("names", {})) if info.named else {}
    for own, label in names.items():
        if label and label not in info.named:
            raise ValueError(f"{own}: {label!r} is unknown; known are {', '.join(info.named)}")
    for name, value in options.items():
        if name == "names" and info.named:
            continue
        if name not in info.options:
            raise ValueError(f"{recipe} has no option {name!r}; it has {', '.join(info.options)}")
        if value not in info.options[name]:
            known = ", ".join(info.options[name])
            raise ValueError(f"{name} must be one of {known}, got {value!r}")
    complete = {name: options.get(name, values[0]) for name, values in info.options.items()}
    return {**complete, "names": names} if names else complete
