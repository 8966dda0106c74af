"""A recipe as a screen shows it: its presets, its metric, what can be chosen."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from core.training.loop.settings import LoopSettings

OptionValue = str | dict[str, str]
"""A choice of a recipe; a mapping for ``names``, a laboratory's own names and what they mean."""

Options = Mapping[str, OptionValue]
"""Name of a choice -> what was chosen."""


def names_in(options: Options) -> dict[str, str]:
    """The option ``names``; empty where it is not set. Raises ValueError if it is no mapping."""
    names = options.get("names", {})
    if not isinstance(names, dict):
        raise ValueError(f"names must map a laboratory's own names to known ones, got {names!r}")
    return names


@dataclass(frozen=True)
class Preset:
    """Settings under a name a person can choose."""

    name: str
    why: str
    settings: LoopSettings
    options: dict[str, OptionValue] = field(default_factory=dict)


@dataclass(frozen=True)
class RecipeInfo:
    """A recipe as a screen shows it.

    ``metric`` is the one plotted, ``baseline`` the name of the fact that a naive answer reaches.
    ``options`` maps the recipe's own choices to the values they may have; the first is the default.
    ``named`` are what a laboratory's own names (of folders, of boxes) may stand for, empty where
    the recipe has no such names.
    """

    name: str
    title: str
    metric: str
    metric_title: str
    higher_is_better: bool
    presets: tuple[Preset, ...]
    options: dict[str, tuple[str, ...]] = field(default_factory=dict)
    named: tuple[str, ...] = ()

    def preset(self, name: str) -> Preset:
        """Raises ValueError for an unknown name."""
        for preset in self.presets:
            if preset.name == name:
                return preset
        known = ", ".join(preset.name for preset in self.presets)
        raise ValueError(f"unknown preset {name!r} of {self.name}; known are {known}")
