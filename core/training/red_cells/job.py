"""Prepare a training of the classifier of red-cell shapes: Chula RBC-12's labelled cells."""

import logging
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from torch import nn

from core.models.cards import CellData
from core.models.red_cell import RedCellClassifier
from core.models.weights import LoadedModel
from core.records.red_cell import SHAPES
from core.statistics.classes import majority_accuracy
from core.training.card_facts import data_hash
from core.training.job import PreparedTraining, start_model
from core.training.loop.settings import LoopSettings
from core.training.recipe_info import Options
from core.training.red_cells.cross_validation import ELSEWHERE, cross_validate, split_of
from core.training.red_cells.examples import Example
from core.training.red_cells.export import export_red_cells
from core.training.red_cells.folds import folds_of
from core.training.red_cells.labelled_cells import LabelledCells, load_cells
from core.training.red_cells.other_laboratories import SUSPECTS, ElsewhereCells, elsewhere
from core.training.red_cells.recipe import RedCellRecipe

_LOG = logging.getLogger(__name__)
_SETS: Final = "Chula RBC-12, located cells with a labelled centre"


@dataclass(frozen=True)
class RedCellSets:
    """What is learnt from: ``labelled`` cells, ``learnt`` and ``chosen_on`` ones of elsewhere."""

    labelled: LabelledCells
    learnt: list[ElsewhereCells]
    chosen_on: list[ElsewhereCells]


def read_sets(data: Path, locator: LoadedModel, seed: int, with_elsewhere: bool) -> RedCellSets:
    """Locate and cut out every cell that a training needs.

    Raises:
        FileNotFoundError: if ``data`` lacks Chula RBC-12.
    """
    return RedCellSets(
        load_cells(data / "chula_rbc12", locator, seed=seed),
        elsewhere(data, locator, "learnt") if with_elsewhere else [],
        elsewhere(data, locator, "chosen on"),
    )


def prepare(data: Path, settings: LoopSettings, options: Options, folder: Path) -> PreparedTraining:
    """Cut the cells out and divide them.

    Args:
        data: folder of the public sets, with ``chula_rbc12``.
        settings: of the loop.
        options: ``start`` (random or live), ``elsewhere`` (yes or no: learn from other
            laboratories' cells that they are no schistocytes and no teardrops).
        folder: of the run; the locator that finds the cells is copied there.

    Raises:
        FileNotFoundError: if ``data`` lacks Chula RBC-12.
    """
    locator = start_model("locator", "live", folder)
    assert locator is not None
    sets = read_sets(data, locator, settings.seed, options.get("elsewhere", "yes") == "yes")
    start = start_model("red_cells", str(options.get("start", "random")), folder)
    return prepared(sets, data, settings, start, folder)


def prepared(
    sets: RedCellSets, data: Path, settings: LoopSettings, start: LoadedModel | None, folder: Path
) -> PreparedTraining:
    """The training on these sets; see :func:`prepare`."""
    cells = sets.labelled.cells
    labels = [cell.label for cell in cells]
    classes = tuple(name for name in SHAPES if name in labels)
    foreign = as_examples(sets.learnt, classes)
    slide_of = folds_of([cell.number for cell in cells], labels).slide_of
    split = split_of(cells, slide_of, classes, foreign)
    digest = data_hash([data / "chula_rbc12" / "labels.csv"])
    origin = CellData(
        set=_SETS,
        training_cells=len(split.train) - len(foreign),
        validation_cells=len(split.validation),
        sha256=digest,
        laboratories=("chula",),
        foreign_cells={"unnamed": len(foreign)} if foreign else {},
        foreign_sets=", ".join(f"{one.laboratory} ({one.fields} fields)" for one in sets.learnt),
    )

    def export(trained: nn.Module, target: Path) -> LoadedModel:
        assert isinstance(trained, RedCellClassifier)
        held_out = cross_validate(
            cells, classes, foreign, settings, folder / "cross-validation", _LOG.info
        )
        return export_red_cells(
            trained, held_out, sets.chosen_on, sets.labelled.left_out, settings, origin, target
        )

    module = None
    if start is not None:
        assert isinstance(start.module, RedCellClassifier)
        module = start.module
    recipe = RedCellRecipe(split, settings.seed, module)
    truth = [one.right[0] for one in split.validation]
    return PreparedTraining(
        recipe,
        digest,
        {
            "training": len(split.train),
            "validation": len(split.validation),
            "cells": dict(Counter(labels)),
            "baseline": 1 / len(np.unique(truth)),
            "baseline_title": f"always the most frequent shape ({majority_accuracy(truth):.0%} "
            "of the cells)",
            "started_from": "random" if start is None else start.identity,
        },
        export,
    )


def as_examples(laboratories: list[ElsewhereCells], classes: tuple[str, ...]) -> list[Example]:
    """Cells whose shape nobody named: any may be right but those that hardly any of them has."""
    right = tuple(name for name in classes if name not in SUSPECTS)
    return [
        Example(crop[None], right, ELSEWHERE + one.laboratory)
        for one in laboratories
        for crop in one.crops
    ]
