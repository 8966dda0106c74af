"""What the signed cases offer to adapting: how many cells, of which classes, with what gain."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from core.access.people import Person
from core.access.rights import require
from core.review.learning import training_sets
from core.review.learning.harvest import verified_fields
from core.review.learning.training_sets import TrainingSet
from core.review.record.review_store import ReviewStore

SET: Final = "verified-cells"
"""Name of the training set that is made for an adaptation, and for any other training."""

_FEWEST_CELLS: Final = 20
_FEWEST_CLASSES: Final = 2
_MANY_CELLS: Final = 100

_MEASURED: Final[Mapping[int, tuple[float, float]]] = {
    5: (0.021, 0.069),
    10: (0.027, 0.091),
    20: (0.054, 0.105),
    50: (0.072, 0.119),
}
"""Cells a class -> least and largest mean gain in balanced accuracy, over the three left-out
laboratories in which adapting was not refused (docs/white-cells.md)."""


@dataclass(frozen=True)
class AdaptationOffer:
    """Verified white cells of signed cases. ``per_class`` is how many of each would be learnt from
    at most; the others stay aside as the test of the adapted model.
    """

    cells: int
    cases: int
    by_class: Mapping[str, int]
    per_class: int

    @classmethod
    def of(cls, by_class: Mapping[str, int], cases: int) -> "AdaptationOffer":
        """So many cells of each class, from so many cases."""
        cells = sum(by_class.values())
        return cls(cells, cases, by_class, 20 if cells >= _MANY_CELLS else 10)

    @property
    def is_enough(self) -> bool:
        """Can it be tried: at least twenty cells, and two classes with two cells each."""
        classes = sum(number >= 2 for number in self.by_class.values())
        return self.cells >= _FEWEST_CELLS and classes >= _FEWEST_CLASSES

    @property
    def expected_gain(self) -> tuple[float, float]:
        """Least and largest gain in balanced accuracy that so many cells a class brought elsewhere.

        The classes of one smear are uneven, so what counts is the mean of learnt cells a class.
        """
        learnt = [min(number, self.per_class) for number in self.by_class.values()]
        mean = sum(learnt) / max(1, len(learnt))
        reached = [number for number in _MEASURED if number <= mean]
        return _MEASURED[max(reached) if reached else min(_MEASURED)]


def offer(store: ReviewStore, person: Person) -> AdaptationOffer:
    """What is verified now. Raises NotAllowed without the right to view."""
    require(person, "view")
    by_class: Counter[str] = Counter()
    cases = set()
    with store.database.read() as connection:
        for field in verified_fields(connection):
            labels = [c.label for c in field.cells if c.kind == "wbc" and c.label is not None]
            by_class.update(labels)
            if labels:
                cases.add(field.case_id)
    return AdaptationOffer.of(dict(by_class.most_common()), len(cases))


def make_set(store: ReviewStore, person: Person) -> TrainingSet:
    """The cells as class folders, which adapting reads.

    Raises:
        NotAllowed: without the right to train.
        CaseRefused: where nothing is verified.
        PictureLost: if a stored picture is gone or was changed.
    """
    return training_sets.make(store, person, SET, "cells")
