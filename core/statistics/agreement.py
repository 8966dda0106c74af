"""Two readers of the same cells: table, accuracy, kappa, and each class by itself."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.statistics.classes import confusion
from core.statistics.intervals import Interval, clopper_pearson
from core.statistics.kappa import Kappa, Weights, agreement_weights, kappa
from core.taxonomy import answer_labels


@dataclass(frozen=True)
class Share:
    """``hits`` of ``of`` with the exact interval; ``value`` is None where nothing was counted."""

    hits: int
    of: int

    @property
    def value(self) -> float | None:
        return self.hits / self.of if self.of else None

    @property
    def interval(self) -> Interval:
        return clopper_pearson(self.hits, self.of)


@dataclass(frozen=True)
class ClassAgreement:
    """Agreement on one class; the first reader is the reference.

    Sensitivity: share of the reference's cells of the class that the other reader puts into it.
    Specificity: share of all other cells that the other reader leaves out of it. The predictive
    values start from the other reader's answers and hold for this mixture of cells only.
    """

    label: str
    sensitivity: Share
    specificity: Share
    positive_predictive: Share
    negative_predictive: Share


@dataclass(frozen=True)
class Agreement:
    """How far two readers agree on ``items`` cells.

    ``table`` is ``(classes, classes)``, rows the reference, columns the other. ``majority`` is the
    naive baseline: the share of the most frequent class of the reference.
    """

    classes: tuple[str, ...]
    table: npt.NDArray[np.int64]
    accuracy: Share
    majority: float
    plain_kappa: Kappa
    weighted_kappa: Kappa
    weights: Weights
    by_class: tuple[ClassAgreement, ...]

    @property
    def items(self) -> int:
        return self.accuracy.of


def agreement(
    reference: Sequence[str],
    other: Sequence[str],
    *,
    classes: Sequence[str] | None = None,
    weights: Weights = "maturation",
) -> Agreement:
    """Agreement of two readings of the same cells, in the same order.

    Args:
        reference: labels by the reader who is the reference.
        other: labels of the same cells by the reader compared with it.
        classes: order of the classes; None takes those that occur, in the taxonomy's order.
        weights: of the weighted kappa; linear and quadratic need ordered ``classes``.

    Raises:
        ValueError: if there are no cells, not the same number twice, or a label outside
            ``classes``.
    """
    if len(reference) != len(other) or not len(reference):
        raise ValueError(f"need the same cells twice, got {len(reference)} and {len(other)}")
    names = tuple(classes) if classes is not None else in_order({*reference, *other})
    unknown = sorted({*reference, *other} - set(names))
    if unknown:
        raise ValueError(f"not among the classes: {', '.join(unknown)}")
    table = confusion(reference, other, names)
    return Agreement(
        names,
        table,
        Share(int(np.trace(table)), len(reference)),
        float(table.sum(axis=1).max() / table.sum()),
        kappa(table),
        kappa(table, agreement_weights(names, weights)),
        weights,
        tuple(_one_class(name, table, i) for i, name in enumerate(names)),
    )


def in_order(labels: set[str]) -> tuple[str, ...]:
    """Labels in the order of the taxonomy, any others after them by name."""
    known = [label for label in answer_labels() if label in labels]
    return tuple(known + sorted(labels - set(known)))


def _one_class(name: str, table: npt.NDArray[np.int64], place: int) -> ClassAgreement:
    n, both = int(table.sum()), int(table[place, place])
    of_reference, called = int(table[place].sum()), int(table[:, place].sum())
    neither = n - of_reference - called + both
    return ClassAgreement(
        name,
        sensitivity=Share(both, of_reference),
        specificity=Share(neither, n - of_reference),
        positive_predictive=Share(both, called),
        negative_predictive=Share(neither, n - called),
    )
