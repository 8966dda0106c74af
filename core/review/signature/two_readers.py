"""The differentials of the two readers of a case side by side, with Rümke's limits of both.

The limits hold for two counts of different cells. Where both readers read every cell, for that
comparison each counts on the cells of one half only: every second cell of a case is the first
reader's, the others are the second's, as CLSI H20 has two readers of 200 cells each. Where each
read a half (:mod:`core.review.reading.halves`) there are no others to count.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from core.review.reading.cells import ReviewCell
from core.statistics.intervals import Interval, clopper_pearson
from core.taxonomy import answer_labels, is_leukocyte, parent_of


@dataclass(frozen=True)
class ReaderShares:
    """One class: cells of each reader, out of the leukocytes each of them called.

    ``limits`` are the exact 95 % limits of the first reader's share, ``second_limits`` those of the
    second's: Rümke's table, in which the share of another count should lie where only chance
    divides the two.

    Source: Rümke 1979, in CLSI H20-A2, Table 4.
    """

    label: str
    first: int
    of_first: int
    second: int
    of_second: int
    limits: Interval
    second_limits: Interval

    @property
    def is_within(self) -> bool:
        """Whether either share lies in the limits of the other, so whoever is called the first.

        One cell against none would else be outside: no share above zero has zero in its limits.
        """
        first, second = self.first / self.of_first, self.second / self.of_second
        return (
            self.limits.low <= second <= self.limits.high
            or self.second_limits.low <= first <= self.second_limits.high
        )


def reader_shares(white: Sequence[ReviewCell], *, apart: bool = False) -> list[ReaderShares]:
    """Each class that either reader found; none while only one has read.

    Args:
        white: white cells in the adjudication or after it, where both answers are known.
        apart: count each reader on a half of the cells of their own.
    """
    counted = [cell for cell in white if cell.included and not cell.deleted]
    ours, theirs = counted, counted
    if apart and not any(cell.halved for cell in counted):
        in_order = sorted(counted, key=lambda cell: cell.id)
        ours, theirs = in_order[::2], in_order[1::2]
    firsts = _counts([cell.first.label for cell in ours if cell.first])
    seconds = _counts([cell.second.label for cell in theirs if cell.second])
    n, m = _leukocytes(firsts), _leukocytes(seconds)
    if not n or not m:
        return []
    labels = ["neutrophil", *(label for label in answer_labels() if is_leukocyte(label))]
    return [
        ReaderShares(
            label,
            firsts[label],
            n,
            seconds[label],
            m,
            clopper_pearson(firsts[label], n),
            clopper_pearson(seconds[label], m),
        )
        for label in labels
        if firsts[label] or seconds[label]
    ]


def _counts(labels: Sequence[str | None]) -> Counter[str]:
    found = Counter(label for label in labels if label is not None and is_leukocyte(label))
    found["neutrophil"] = sum(n for name, n in found.items() if parent_of(name) == "neutrophil")
    return found


def _leukocytes(counts: Counter[str]) -> int:
    return counts.total() - counts["neutrophil"]
