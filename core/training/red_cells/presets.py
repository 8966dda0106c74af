"""The recipe of red-cell shapes as a screen shows it. Loads no network library."""

from typing import Final

from core.training.loop.settings import LoopSettings
from core.training.recipe_info import Preset, RecipeInfo

_SMALL_NETWORK: Final = LoopSettings(
    epochs=12,
    batch_size=64,
    learning_rate=4e-3,
    weight_decay=1e-2,
    warmup_steps=40,
    patience=12,
    averaging=0.99,
    workers=0,
    bfloat16=False,
)

INFO: Final = RecipeInfo(
    "red_cells",
    "Shapes of red cells",
    "balanced_accuracy",
    "Mean recall of the shapes, on slides learnt from",
    True,
    (
        Preset(
            "shipped",
            "A small network on Chula RBC-12's labelled cells, blind to colour. Once it is "
            "trained, three more are, each without a third of the slides: they set the limits and "
            "give the figures.",
            _SMALL_NETWORK,
        ),
        Preset(
            "one laboratory",
            "The same without cells of other laboratories.",
            _SMALL_NETWORK,
            {"elsewhere": "no"},
        ),
    ),
    {"start": ("random", "live"), "elsewhere": ("yes", "no")},
)
