"""The locator recipe as a screen shows it: presets and options. Loads no network library."""

from typing import Final

from core.taxonomy import KINDS
from core.training.choices import KEEP_START, STAINS, STARTS
from core.training.loop.settings import LoopSettings
from core.training.recipe_info import Preset, RecipeInfo

INFO: Final = RecipeInfo(
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
            "fine-tune",
            "A gentle continuation of the live model on a laboratory's own fields.",
            LoopSettings(
                epochs=12,
                batch_size=8,
                learning_rate=3e-4,
                warmup_steps=10,
                patience=5,
                averaging=0.98,
            ),
            {"start": "live", "layout": "boxes"},
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
            {"start": "live", "layout": "two laboratories", "keep_start": "a quarter"},
        ),
    ),
    {
        "start": STARTS,
        "layout": ("txl", "two laboratories", "boxes", "verified fields"),
        "stains": STAINS,
        "keep_start": tuple(KEEP_START),
    },
    named=KINDS,
)
