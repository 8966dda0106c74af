"""Prepare a training from a recipe's name, data and options.

Each recipe is prepared in a file of its own; its options and presets are in ``presets.py``.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from core.training.counts import job as counts_job
from core.training.job import PreparedTraining
from core.training.locator import job as locator_job
from core.training.loop.settings import LoopSettings
from core.training.palm import job as palm_job
from core.training.presets import FORMER_NAMES
from core.training.recipe_info import Options
from core.training.red_cells import job as red_cells_job
from core.training.white_cells import job as wbc_job

Prepare = Callable[[Path, LoopSettings, Options, Path], PreparedTraining]

_PREPARE: Final[dict[str, Prepare]] = {
    "locator": locator_job.prepare,
    "counts": counts_job.prepare,
    "palm": palm_job.prepare,
    "wbc": wbc_job.prepare,
    "red_cells": red_cells_job.prepare,
}


def prepare(
    recipe: str,
    data: Path,
    settings: LoopSettings,
    options: Options,
    folder: Path,
) -> PreparedTraining:
    """Read the data, split it, and load the weights that the training starts from.

    Raises:
        FileNotFoundError: if ``data`` lacks what the recipe learns from.
        ValueError: for an unknown recipe, or data that cannot be trained on.
    """
    recipe = FORMER_NAMES.get(recipe, recipe)
    if recipe not in _PREPARE:
        raise ValueError(f"unknown recipe {recipe!r}; known are {', '.join(_PREPARE)}")
    return _PREPARE[recipe](data, settings, options, folder)
