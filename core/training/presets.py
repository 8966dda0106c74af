"""What can be trained, with which settings by name. Knows no network: a screen can ask it."""

from dataclasses import dataclass, field
from typing import Any, Final

from core.taxonomy import WBC_CLASSES
from core.training.loop_settings import LoopSettings

BACKBONES: Final = ("mobilenet_v2", "resnet18", "resnet50")
STARTS: Final = ("imagenet", "live", "random")
LAYOUTS: Final = ("pbc", "folders")
FROZEN: Final = ("nothing", "backbone")


@dataclass(frozen=True)
class Preset:
    """Settings under a name a person can choose."""

    name: str
    why: str
    settings: LoopSettings
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class RecipeInfo:
    """A recipe as a screen shows it.

    ``metric`` is the one plotted, ``baseline`` the name of the fact that a naive answer reaches.
    ``options`` maps the recipe's own choices to the values they may have; the first is the default.
    """

    name: str
    title: str
    metric: str
    metric_title: str
    higher_is_better: bool
    presets: tuple[Preset, ...]
    options: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def preset(self, name: str) -> Preset:
        """Raises ValueError for an unknown name."""
        for preset in self.presets:
            if preset.name == name:
                return preset
        known = ", ".join(preset.name for preset in self.presets)
        raise ValueError(f"unknown preset {name!r} of {self.name}; known are {known}")


RECIPES: Final[dict[str, RecipeInfo]] = {
    "locator": RecipeInfo(
        "locator",
        "Cells of a field",
        "mae_sum",
        "Count error, all kinds",
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
        ),
        {"start": STARTS, "stains": ("strong", "mild")},
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
                "What the shipped classifier was trained with.",
                LoopSettings(
                    epochs=14, batch_size=64, learning_rate=1e-3, patience=14, averaging=0.999
                ),
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
                "As published: Adam, cross-entropy, batch 32, learning rate 1e-4 held constant, "
                "patience 20 on validation accuracy.",
                LoopSettings(
                    epochs=200,
                    batch_size=32,
                    learning_rate=1e-4,
                    weight_decay=0.0,
                    warmup_steps=0,
                    patience=20,
                    averaging=0.0,
                    schedule="constant",
                ),
            ),
        ),
        {"start": STARTS, "layout": LAYOUTS, "backbone": BACKBONES, "frozen": FROZEN},
    ),
}


def recipe_info(name: str) -> RecipeInfo:
    """Raises ValueError for an unknown recipe."""
    if name not in RECIPES:
        raise ValueError(f"unknown recipe {name!r}; known are {', '.join(RECIPES)}")
    return RECIPES[name]


def checked_options(recipe: str, options: dict[str, Any]) -> dict[str, Any]:
    """A recipe's choices, all of them, each one of its allowed values.

    ``names`` of the wbc recipe is a mapping: a folder's name to the class it stands for.

    Raises:
        ValueError: naming the choice and what it may be.
    """
    allowed = recipe_info(recipe).options
    names = dict(options.get("names", {})) if "names" in options and recipe == "wbc" else {}
    for folder, label in names.items():
        if label not in WBC_CLASSES:
            known = ", ".join(WBC_CLASSES)
            raise ValueError(f"{folder}: {label!r} is no class of a cell; known are {known}")
    for name, value in options.items():
        if name == "names" and recipe == "wbc":
            continue
        if name not in allowed:
            raise ValueError(f"{recipe} has no option {name!r}; it has {', '.join(allowed)}")
        if value not in allowed[name]:
            raise ValueError(f"{name} must be one of {', '.join(allowed[name])}, got {value!r}")
    complete = {name: options.get(name, values[0]) for name, values in allowed.items()}
    return {**complete, "names": names} if names else complete
