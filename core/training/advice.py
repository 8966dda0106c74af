"""What a person should know before a training starts: settings and sets that cannot lead far.

Loads no network library: a screen asks it at every change.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from core.taxonomy import title
from core.training.loop.settings import LoopSettings
from core.training.recipe_info import RecipeInfo

_FEW_TO_LEARN: Final = 8
"""Below so many training pictures of a class it is hardly learnt."""

_FEW_TO_CHOOSE: Final = 5
"""Below so many validation pictures of a class its recall moves in steps of a fifth or more."""

_STEEP: Final = 10.0
"""A learning rate so many times that of any preset usually diverges."""

ERRORS_NEEDED: Final = 6
"""Cells that the live model alone gets wrong, for a challenger that gets all of them right: the
exact test of McNemar needs six of six, since 2 * 0.5^5 is above 0.05."""

_ROOM: Final = 0.1
"""Share wrong up to which a live model may well be as good as that on a set of its own kind."""


_FOLDS: Final = (
    "Cross-validation makes each of the {} cells a test cell once, and the models are compared on "
    "all of them."
)


def before_start(
    info: RecipeInfo, loop: LoopSettings, counts: Mapping[str, Sequence[int]] | None
) -> list[str]:
    """Sentences on what these settings and this set cannot do; none where nothing stands out.

    Args:
        info: the recipe.
        loop: the settings.
        counts: pictures of each class (or kind) in training, validation and test part; None for a
            public set, whose sizes are known to do.
    """
    found = _of_the_rate(info, loop)
    if counts:
        found += _of_the_length(loop, sum(sizes[0] for sizes in counts.values()))
        if info.name == "wbc":
            found += _of_the_classes(counts)
            found += _of_the_test(
                sum(sizes[2] for sizes in counts.values()),
                sum(sum(sizes) for sizes in counts.values()),
            )
    return found


def _of_the_rate(info: RecipeInfo, loop: LoopSettings) -> list[str]:
    highest = max(preset.settings.learning_rate for preset in info.presets)
    if loop.learning_rate < _STEEP * highest:
        return []
    return [
        f"A learning rate of {loop.learning_rate:g} is {loop.learning_rate / highest:.0f} times "
        f"the highest of the presets ({highest:g}): the loss will probably grow. "
        '"Find a learning rate" tries some.'
    ]


def _of_the_length(loop: LoopSettings, pictures: int) -> list[str]:
    found = []
    steps = loop.epochs * max(1, pictures // (loop.batch_size * loop.accumulation))
    if loop.batch_size > pictures:
        found.append(
            f"A batch of {loop.batch_size} is larger than the training part ({pictures} pictures)."
        )
    if loop.warmup_steps >= steps:
        found.append(
            f"The warm-up of {loop.warmup_steps} steps is not shorter than the training ({steps} "
            f"steps): the learning rate never reaches {loop.learning_rate:g}."
        )
    return found


def _of_the_classes(counts: Mapping[str, Sequence[int]]) -> list[str]:
    found = []
    few = [name for name, sizes in counts.items() if sizes[0] < _FEW_TO_LEARN]
    if few:
        words = ", ".join(f"{title(name).lower()} {counts[name][0]}" for name in few)
        found.append(f"Too few pictures to learn from: {words}. Such a class is hardly learnt.")
    blind = [name for name, sizes in counts.items() if sizes[1] < _FEW_TO_CHOOSE]
    if blind:
        words = ", ".join(f"{title(name).lower()} {counts[name][1]}" for name in blind)
        found.append(
            f"Few pictures to choose the epoch on: {words}. One picture more or less decides there."
        )
    return found


def _of_the_test(cells: int, together: int) -> list[str]:
    if cells >= ERRORS_NEEDED / _ROOM:
        return []
    if cells < ERRORS_NEEDED:
        return [
            f"With {cells} test cells no model can be shown to be better than the live one, so "
            f"it cannot go live by this set: at least {ERRORS_NEEDED} are needed, some 60 are wise."
            f" {_FOLDS.format(together)}"
        ]
    return [
        f"The test part has {cells} cells. The new model can go live only if the live one is wrong "
        f"in at least {ERRORS_NEEDED} of them (right in less than "
        f"{100 * (1 - ERRORS_NEEDED / cells):.0f} %) and the new one in none of these. "
        f"{_FOLDS.format(together)}"
    ]
