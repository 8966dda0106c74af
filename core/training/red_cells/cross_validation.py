"""What the classifier says of slides it has not seen, beside simpler ways to name a shape."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from core.training.loop.settings import LoopSettings
from core.training.loop.train import train
from core.training.red_cells.examples import Example
from core.training.red_cells.folds import folds_of
from core.training.red_cells.labelled_cells import LearntCell
from core.training.red_cells.recipe import RedCellRecipe, RedCellSplit, logits_of

FOLDS: Final = 3
ELSEWHERE: Final = "elsewhere: "
"""Group of an example of another laboratory begins so."""
_EVERY: Final = 12
"""Every so many a cell of the slides learnt from chooses the epoch; it is not learnt from."""


@dataclass(frozen=True)
class HeldOut:
    """Logits ``(N, classes)`` of cells by a network that saw nothing of their slides.

    ``other_light`` are those of the same cells in other light and boxes. ``truth`` are indices into
    ``classes``; ``fold_of`` names the network of each.
    """

    classes: tuple[str, ...]
    cells: list[LearntCell]
    logits: npt.NDArray[np.float32]
    other_light: npt.NDArray[np.float32]
    truth: npt.NDArray[np.int64]
    fold_of: npt.NDArray[np.int64]
    slide_of: npt.NDArray[np.int64]
    one_slide: tuple[str, ...]


def split_of(
    cells: Sequence[LearntCell],
    slide_of: npt.NDArray[np.int64],
    classes: tuple[str, ...],
    foreign: Sequence[Example],
) -> RedCellSplit:
    """Cells to learn from and, of the same slides, every twelfth to choose the epoch by."""
    examples = [
        Example(cell.crops, (cell.label,), f"slide {slide}")
        for cell, slide in zip(cells, slide_of, strict=True)
    ]
    return RedCellSplit(
        classes,
        [one for i, one in enumerate(examples) if i % _EVERY] + list(foreign),
        [one for i, one in enumerate(examples) if not i % _EVERY],
    )


def cross_validate(
    cells: Sequence[LearntCell],
    classes: tuple[str, ...],
    foreign: Sequence[Example],
    settings: LoopSettings,
    folder: Path,
    report: Callable[[str], None] = lambda line: None,
) -> HeldOut:
    """Train one network for each fold and ask it of the cells of that fold.

    Args:
        cells: labelled ones.
        classes: in the order of the logits.
        foreign: of other laboratories, learnt from in every fold.
        settings: as those of the model itself.
        folder: gets a folder of checkpoints for each fold.
        report: gets a line after every fold.
    """
    folds = folds_of([cell.number for cell in cells], [cell.label for cell in cells], FOLDS)
    logits, other = (np.zeros((len(cells), len(classes)), np.float32) for _ in range(2))
    for fold in range(FOLDS):
        learnt = np.flatnonzero((folds.fold_of >= 0) & (folds.fold_of != fold)).tolist()
        split = split_of([cells[i] for i in learnt], folds.slide_of[learnt], classes, foreign)
        network = train(
            RedCellRecipe(split, settings.seed),
            replace(settings, workers=0),
            folder / f"fold-{fold}",
        )
        out = np.flatnonzero(folds.fold_of == fold).tolist()
        logits[out] = logits_of(network, [cells[i].crops[0] for i in out])
        other[out] = logits_of(network, [cells[i].crops[-1] for i in out])
        report(f"fold {fold + 1} of {FOLDS}: {len(learnt)} cells learnt, {len(out)} judged")
    judged = np.flatnonzero(folds.fold_of >= 0).tolist()
    kept = [cells[i] for i in judged]
    truth = np.array([classes.index(cell.label) for cell in kept])
    return HeldOut(
        classes,
        kept,
        logits[judged],
        other[judged],
        truth,
        folds.fold_of[judged],
        folds.slide_of[judged],
        folds.one_slide,
    )
