"""Sets of classes that cannot be excluded, backing off to a parent class, and the critical rule.

The taxonomy is flat but for two parents: neutrophil, and granulocyte precursor with the blast kept
apart from it.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from core.taxonomy import CRITICAL_CLASSES, PARENTS, parent_of

Row = npt.NDArray[np.floating]

CHILDREN: Final[dict[str, tuple[str, ...]]] = {
    parent: tuple(name for name, of in PARENTS.items() if of == parent)
    for parent in dict.fromkeys(PARENTS.values())
}
"""Parent -> its classes, in the order of the taxonomy."""


def classes_above(row: Row, limit: float) -> npt.NDArray[np.int64]:
    """Indices of the classes with a probability of at least ``limit``, best first.

    It may be empty: no class is as probable as in nine of ten cells of the laboratory. That is
    what a coverage of 90 % means for a classifier that is right more often. Source: Sadinle 2019.
    """
    order = np.argsort(-row, kind="stable")
    return order[: int((row >= limit).sum())]


def reported_as(label: str, wide_set: Sequence[str]) -> str:
    """The class to report: ``label``, or its parent where only its siblings cannot be excluded.

    ``wide_set`` is the set that people are shown. One class, or classes of different parents, give
    no back-off: the first needs none, the second would name a class that is in the set by chance.
    """
    if len(wide_set) < 2 or label not in wide_set:
        return label
    parents = {parent_of(name) for name in wide_set}
    return parents.pop() if len(parents) == 1 else label


def critical_probability(
    probabilities: Mapping[str, float], critical: Collection[str] = CRITICAL_CLASSES
) -> float:
    """Probability that the cell is of any of the critical classes, in [0, 1]."""
    return float(sum(p for name, p in probabilities.items() if name in critical))


def critical_limit(
    critical: npt.NDArray[np.floating],
    truth: npt.NDArray[np.bool_],
    sensitivity: float = 0.99,
) -> float:
    """Largest limit at which ``sensitivity`` of the critical cells are flagged.

    Args:
        critical: critical probability of each validation cell, ``(N,)``.
        truth: which of them are critical.
        sensitivity: share of the critical cells that must reach the limit.

    Raises:
        ValueError: without a critical cell.
    """
    found = np.sort(critical[truth])
    if not len(found):
        raise ValueError("the critical rule needs critical cells to be set")
    may_miss = int(np.floor((1 - sensitivity) * len(found) + 1e-9))
    return float(found[may_miss])
