"""The differentials of the two readers of a case side by side, with Rümke's limits of the first."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from core.review.reading.cells import ReviewCell
from core.statistics.intervals import Interval, clopper_pearson
from core.taxonomy import answer_labels, is_leukocyte, parent_of


@dataclass(frozen=True)
class ReaderShares:
    """One class: cells of each reader, out of the leukocytes each of them called.

    ``limits`` are the exact 95 % limits of the first reader's share: those of Rümke's table, in
    which the share of a second count should lie where only chance divides the two.

    Source: Rümke 1979, in CLSI H20-A2, Table 4.
    """

    label: str
    first: int
    of_first: int
    second: int
    of_second: int
    limits: Interval

    @property
    def is_within(self) -> bool:
        share = self.second / self.of_second if self.of_second else 0.0
        return self.limits.low <= share <= self.limits.high


def reader_shares(white: Sequence[ReviewCell]) -> list[ReaderShares]:
    """Each class that either reader found; none while only one has read.

    Args:
        white: white cells in the adjudication or after it, where both answers are known.
    """
    counted = [cell for cell in white if cell.included and not cell.deleted]
    firsts = _counts([cell.first.label for cell in counted if cell.first])
    seconds = _counts([cell.second.label for cell in counted if cell.second])
    n, m = _leukocytes(firsts), _leukocytes(seconds)
    if not n or not m:
        return []
    labels = ["neutrophil", *(label for label in answer_labels() if is_leukocyte(label))]
    return [
        ReaderShares(label, firsts[label], n, seconds[label], m, clopper_pearson(firsts[label], n))
        for label in labels
        if firsts[label] or seconds[label]
    ]


def _counts(labels: Sequence[str | None]) -> Counter[str]:
    found = Counter(label for label in labels if label is not None and is_leukocyte(label))
    found["neutrophil"] = sum(n for name, n in found.items() if parent_of(name) == "neutrophil")
    return found


def _leukocytes(counts: Counter[str]) -> int:
    return counts.total() - counts["neutrophil"]
