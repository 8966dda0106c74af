"""What can be trained, and the check of chosen options. Loads no network library.

The presets and options of each model are in the ``presets.py`` of its folder.
"""

from typing import Final

from core.taxonomy import trainable_classes
from core.training.counts import presets as counts
from core.training.locator import presets as locator
from core.training.palm import presets as palm
from core.training.recipe_info import Options, OptionValue, Preset, RecipeInfo, names_in
from core.training.red_cells import presets as red_cells
from core.training.white_cells import presets as white_cells

__all__ = ["RECIPES", "Preset", "RecipeInfo", "checked_options", "meanings_of", "recipe_info"]

RECIPES: Final[dict[str, RecipeInfo]] = {
    info.name: info
    for info in (locator.INFO, counts.INFO, palm.INFO, white_cells.INFO, red_cells.INFO)
}
"""Name of a recipe -> the recipe, in the order in which they are offered."""

FORMER_NAMES: Final = {"regression": "counts"}
"""What a recipe was once called -> its name. Commands and files of older installations use it."""


def recipe_info(name: str) -> RecipeInfo:
    """A recipe by its name or a former one. Raises ValueError for an unknown recipe."""
    name = FORMER_NAMES.get(name, name)
    if name not in RECIPES:
        raise ValueError(f"unknown recipe {name!r}; known are {', '.join(RECIPES)}")
    return RECIPES[name]


def meanings_of(info: RecipeInfo) -> tuple[str, ...]:
    """What a laboratory's own names may stand for, the site's own classes among them."""
    own = trainable_classes() if info.name == "wbc" else ()
    return tuple(dict.fromkeys((*info.named, *own)))


def checked_options(recipe: str, options: Options) -> dict[str, OptionValue]:
    """A recipe's choices, all of them, each one of its allowed values.

    ``names`` is a mapping: a laboratory's own name to what it stands for, or "" to leave it out.

    Raises:
        ValueError: naming the choice and what it may be.
    """
    info = recipe_info(recipe)
    names = names_in(options) if info.named else {}
    for own, label in names.items():
        if label and label not in meanings_of(info):
            known = ", ".join(meanings_of(info))
            raise ValueError(f"{own}: {label!r} is unknown; known are {known}")
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
