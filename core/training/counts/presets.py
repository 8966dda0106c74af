"""The counts recipe as a screen shows it: presets and options. Loads no network library."""

from typing import Final

from core.taxonomy import KINDS
from core.training.choices import STARTS
from core.training.loop.settings import LoopSettings
from core.training.paper_settings import PAPER_REGRESSOR
from core.training.recipe_info import Preset, RecipeInfo

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

INFO: Final = RecipeInfo(
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
)
