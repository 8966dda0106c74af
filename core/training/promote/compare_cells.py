"""Two white-cell classifiers on a locked set, each cell through the product's own path."""

import hashlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from core.datasets.fields import read_rgb
from core.datasets.public.pbc import LabelledCell
from core.inference.white_cell.classify import call_crops
from core.inference.white_cell.framing import largest_white_cell, single_cell_crop
from core.models.cards import WhiteCellCard
from core.models.weights import LoadedModel
from core.records import Field, RgbImage, WbcCall
from core.statistics.calibration import expected_calibration_error
from core.statistics.paired import paired_accuracy
from core.taxonomy import WBC_CLASSES, model_class, parent_of
from core.training.promote.evidence import OnOneSet, PromotionRefused, Report
from core.training.promote.locked_sets import LockedSet

_BATCH = 64
_LOCATING = 5
"""Locating a cell takes about this many times as long as classifying it."""


def on_cells(
    locked: LockedSet[LabelledCell],
    locator: LoadedModel,
    champion: LoadedModel,
    challenger: LoadedModel,
    report: Report = lambda words, done, total: None,
) -> OnOneSet:
    """Both classifiers on a locked set, whose cells ``locator`` finds; see :func:`on_folds`."""
    return on_folds(((locked, challenger),), locator, champion, report)


def on_folds(
    folds: Sequence[tuple[LockedSet[LabelledCell], LoadedModel]],
    locator: LoadedModel,
    champion: LoadedModel,
    report: Report = lambda words, done, total: None,
) -> OnOneSet:
    """The live model and a challenger on the cells of all folds together, each fold's cells through
    the model that did not learn from them.

    Where only a parent is known (neutrophil), either of its children is right. Models that tell
    different classes are paired on what both know: a class of a laboratory's own counts as the
    shipped class that it belongs to, and its cells are left out where it belongs to none. A shipped
    class that the live model tells and the challenger does not counts against the challenger.
    Recalls are strict: each class by its own name.

    Raises:
        PromotionRefused: if the set is empty.
    """
    locked, challenger = folds[0]
    cells = [cell for one, _ in folds for cell in one.items]
    if not all(one.items for one, _ in folds):
        raise PromotionRefused(f"the test set {locked.title} is empty")
    total = (_LOCATING + 2) * len(cells)
    predicted: list[list[WbcCall]] = [[], []]
    done = 0
    for fold, model in folds:
        crops: list[RgbImage] = []
        for cell in fold.items:
            report("finding the cells", done, total)
            picture = Field(cell.path.name, read_rgb(cell.path), "")
            anywhere = largest_white_cell(picture, locator) if fold.anywhere else None
            crops.append(single_cell_crop(picture, locator)[0] if anywhere is None else anywhere)
            done += _LOCATING
        for calls, (who, one) in zip(
            predicted, (("live model", champion), ("challenger", model)), strict=True
        ):
            for start in range(0, len(crops), _BATCH):
                report(f"the {who} answers", done, total)
                calls += call_crops(crops[start : start + _BATCH], one)
                done += len(crops[start : start + _BATCH])
    truth = np.array([str(cell.label) for cell in cells])
    strict = [_right([call.label for call in calls], truth) for calls in predicted]
    recalls = {
        str(label): (
            float(strict[0][truth == label].mean()),
            float(strict[1][truth == label].mean()),
            int((truth == label).sum()),
        )
        for label in np.unique(truth)
    }
    both = champion.card_as(WhiteCellCard).classes, challenger.card_as(WhiteCellCard).classes
    shared = [_as_both_know(label, *both) for label in truth.tolist()]
    kept = np.array([label is not None for label in shared])
    if not kept.any():
        raise PromotionRefused(f"{locked.title} has no cell of a class that both models know")
    judged = np.array([str(label) for label in shared])[kept]
    answers = [[calls[i] for i in np.flatnonzero(kept)] for calls in predicted]
    right = [
        _right([_as_both_know(call.label, *both) or call.label for call in calls], judged)
        for calls in answers
    ]
    several = len(folds) > 1
    return OnOneSet(
        title=f"{locked.title}, all {len(folds)} folds together" if several else locked.title,
        sha256=_hash_of([one for one, _ in folds]),
        accuracy=paired_accuracy(right[0], right[1]),
        champion=float(right[0].mean()),
        challenger=float(right[1].mean()),
        recalls=recalls,
        calibration=(_calibration(answers[0], right[0]), _calibration(answers[1], right[1])),
        told_by_one={
            str(label): "champion" if label in both[0] else "challenger"
            for label in np.unique(truth)
            if (label in both[0]) != (label in both[1])
        },
        left_out=int((~kept).sum()),
        folds=_each_fold([len(one.items) for one, _ in folds], kept, right) if several else (),
        asked=(_share(predicted[0], None), _share(predicted[1], None)),
        novel=(_share(predicted[0], "novel_cell"), _share(predicted[1], "novel_cell")),
    )


def _hash_of(sets: Sequence[LockedSet[LabelledCell]]) -> str:
    if len(sets) == 1:
        return sets[0].sha256
    return hashlib.sha256("".join(one.sha256 for one in sets).encode()).hexdigest()


def _each_fold(
    sizes: Sequence[int],
    kept: npt.NDArray[np.bool_],
    right: Sequence[npt.NDArray[np.bool_]],
) -> tuple[tuple[float, float], ...]:
    """Shares right of live model and challenger, fold by fold; a fold without such a cell is none.

    Args:
        sizes: cells of each fold.
        kept: ``(cells,)``, which of them both models are judged on.
        right: of those, which the live model and the challenger got right.
    """
    of_fold = np.repeat(np.arange(len(sizes)), sizes)[kept]
    return tuple(
        (float(right[0][of_fold == n].mean()), float(right[1][of_fold == n].mean()))
        for n in range(len(sizes))
        if (of_fold == n).any()
    )


def _as_both_know(label: str, champion: Sequence[str], challenger: Sequence[str]) -> str | None:
    """A class as both models know it; None where the live model has no class for it.

    What the live model tells stays, but for a class of a laboratory's own that the challenger does
    not tell.
    """
    known = {*champion, *map(parent_of, champion)}
    if label in known and (label in challenger or label in WBC_CLASSES or label not in champion):
        return label
    return model_class(label, known - ({label} if label not in challenger else set()))


def _right(answers: Sequence[str], truth: npt.NDArray[np.str_]) -> npt.NDArray[np.bool_]:
    pairs = zip(answers, truth.tolist(), strict=True)
    return np.array([label in (answer, parent_of(answer)) for answer, label in pairs])


def _calibration(calls: Sequence[WbcCall], hits: npt.NDArray[np.bool_]) -> float:
    """Expected calibration error of top answers, by a two-class table: right or not."""
    top = np.array([call.probability for call in calls])
    table = np.stack([top, -np.ones_like(top)], axis=1)
    return expected_calibration_error(table, np.where(hits, 0, 1))


def _share(calls: Sequence[WbcCall], code: str | None) -> float:
    """Share of cells with that flag; with None, of cells from which the model abstains."""
    marked = [
        any(flag.code == code for flag in call.flags) if code else call.abstained for call in calls
    ]
    return float(np.mean(marked))
