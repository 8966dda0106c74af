"""The grade that the shares of shapes propose for a finding. A person confirms or changes it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from core.slide.red_cells.shares import ShapeShare, ShapeShares
from core.slide.red_cells.terms import LIMITS_PERCENT, SCHISTOCYTES, TERM_OF

MINIMUM_CELLS: Final = 1000
"""Judged red cells below which nothing is proposed. Source: Zini et al. 2012 (ICSH), who count
schistocytes in at least 1,000 red cells."""


@dataclass(frozen=True)
class ProposedGrade:
    """A finding with the share behind it.

    ``grade`` is 0 to 3, None where there are too few cells. ``lowest`` and ``highest`` are the
    grades at the ends of the share's 95 % interval.
    """

    term: str
    share: ShapeShare
    judged: int
    grade: int | None
    lowest: int
    highest: int

    @property
    def is_sure(self) -> bool:
        """Does the whole interval lie within one grade."""
        return self.lowest == self.highest

    @property
    def per_1000(self) -> float:
        return 1000 * self.share.share


def grade_at(term: str, share: float) -> int:
    """The grade of a share in [0, 1] of red cells.

    Below grade 2 schistocytes are grade 1 as soon as there are any; every other finding is grade 0,
    since ICSH gives it no grade 1, and a model's own errors find a few of every shape.

    Raises:
        KeyError: for a term that is not graded.
    """
    moderate, many = LIMITS_PERCENT[term]
    percent = 100 * share
    if percent > many:
        return 3
    if percent >= moderate:
        return 2
    return 1 if term == SCHISTOCYTES and share > 0 else 0


def proposed_grades(shares: ShapeShares) -> Mapping[str, ProposedGrade]:
    """One for each finding that shapes are graded under, by its term."""
    found = {}
    for shape, term in TERM_OF.items():
        row = shares.of(shape)
        enough = shares.judged >= MINIMUM_CELLS
        found[term] = ProposedGrade(
            term,
            row,
            shares.judged,
            grade_at(term, row.share) if enough else None,
            grade_at(term, row.interval.low),
            grade_at(term, row.interval.high),
        )
    return found
