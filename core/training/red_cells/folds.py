"""Folds of slides: a cell is judged by a network that has seen no field of its slide."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

_GAP = 5
"""A jump of the numbers by more than this begins another slide."""
_MARGIN = 3
"""Fields this near to a cut inside a slide are left out."""


@dataclass(frozen=True)
class Folds:
    """``fold_of`` and ``slide_of`` are of every cell, ``(N,)``; fold -1 is left out.

    ``one_slide`` are shapes that a single slide shows: it was divided, so that what is measured of
    them is inside that slide and says nothing of another.
    """

    fold_of: npt.NDArray[np.int64]
    slide_of: npt.NDArray[np.int64]
    one_slide: tuple[str, ...]


def folds_of(numbers: Sequence[int], labels: Sequence[str], folds: int = 4) -> Folds:
    """Give each cell a fold by the number of its field; whole slides go together.

    Neighbouring numbers are one slide. Slides go to the folds, large ones first, so that each shape
    is spread as evenly as whole slides allow.

    Args:
        numbers: of the fields, one for each cell.
        labels: of the cells.
        folds: how many.
    """
    numbers_, labels_ = np.asarray(numbers), np.asarray(labels)
    slide_of, one_slide = slides_of(numbers_), []
    left_out = np.zeros(len(numbers_), bool)
    for shape in np.unique(labels_):
        slides = np.unique(slide_of[labels_ == shape])
        if len(slides) > 1:
            continue
        one_slide.append(str(shape))
        fields = np.unique(numbers_[labels_ == shape])
        middle = fields[len(fields) // 2]
        among = np.isin(numbers_, fields)
        next_number = slide_of.max() + 1
        slide_of[among & (numbers_ < middle)] = next_number
        slide_of[among & (numbers_ >= middle)] = next_number + 1
        left_out |= among & (numbers_ >= middle - _MARGIN) & (numbers_ < middle)
    fold_of = _spread(slide_of, labels_, folds)
    fold_of[left_out] = -1
    return Folds(fold_of, slide_of, tuple(one_slide))


def slides_of(numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Number of the slide of every field number, ``(N,)``."""
    known = np.unique(numbers)
    begins = np.concatenate([[True], np.diff(known) > _GAP])
    slide = np.cumsum(begins) - 1
    return np.asarray(slide[np.searchsorted(known, numbers)], np.int64)


def _spread(
    slide_of: npt.NDArray[np.int64], labels: npt.NDArray[np.str_], folds: int
) -> npt.NDArray[np.int64]:
    shapes = np.unique(labels)
    shares = {
        slide: np.array([((slide_of == slide) & (labels == s)).sum() for s in shapes])
        / np.array([(labels == s).sum() for s in shapes])
        for slide in np.unique(slide_of)
    }
    filled = np.zeros((folds, len(shapes)))
    place = {}
    for slide in sorted(shares, key=lambda s: (-shares[s].sum(), s)):
        cost = [((filled[k] + shares[slide]) ** 2 - filled[k] ** 2).sum() for k in range(folds)]
        place[slide] = int(np.argmin(cost))
        filled[place[slide]] += shares[slide]
    return np.array([place[slide] for slide in slide_of], np.int64)
