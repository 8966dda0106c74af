"""The palm recipe as a screen shows it: presets and options. Loads no network library."""

from typing import Final

from core.training.loop.settings import LoopSettings
from core.training.recipe_info import Preset, RecipeInfo

INFO: Final = RecipeInfo(
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
)
