"""What leaves a case of red-cell shapes: proposed and confirmed are told apart in every form."""

from collections.abc import Sequence
from dataclasses import dataclass

from core.review.exchange.report_page import ReportForm
from core.review.reading.grade_terms import GRADES
from core.slide.red_cells.summary import RedCellsJson, ShareJson
from core.slide.red_cells.terms import REASONS, SCHISTOCYTES, title_of


@dataclass(frozen=True)
class Proposal:
    """A grade the program proposes, and the reader's: None where nobody graded the finding."""

    term: str
    grade: int
    share: ShareJson
    judged: int
    confirmed: int | None

    @property
    def is_open(self) -> bool:
        """Is something abnormal proposed that no reader has confirmed or changed."""
        return self.grade > 0 and self.confirmed is None

    def words(self) -> str:
        return f"{GRADES[self.grade]} ({self.grade} of 3)"

    def standing(self) -> str:
        """``confirmed``, ``changed to few (1 of 3)`` or ``not confirmed``."""
        if self.confirmed is None:
            return "not confirmed"
        if self.confirmed == self.grade:
            return "confirmed"
        return f"changed to {GRADES[self.confirmed]} ({self.confirmed} of 3)"

    def sentence(self) -> str:
        """Everything in one line, for notes."""
        return (
            f"{self.term.replace('_', ' ').capitalize()}: the program proposes {self.words()}, "
            f"{share_words(self.share)} of {self.judged:,} judged red cells; "
            f"by a reader {self.standing()}."
        )


def proposals_of(red_cells: RedCellsJson | None) -> Sequence[Proposal]:
    """Proposals above 0, and those to which a reader gave another grade."""
    if red_cells is None:
        return ()
    confirmed = red_cells.get("confirmed", {})
    found = [
        Proposal(
            term,
            row["proposed"],
            red_cells["shapes"][row["shape"]],
            red_cells["judged"],
            confirmed.get(term),
        )
        for term, row in red_cells["grades"].items()
        if row["proposed"] is not None
    ]
    return [one for one in found if one.grade or (one.confirmed or 0) != one.grade]


def share_words(share: ShareJson) -> str:
    """``6.0 % (4.6 to 7.7)``."""
    value, low, high = 100 * share["share"], 100 * share["low"], 100 * share["high"]
    return f"{value:.1f} % ({low:.1f} to {high:.1f})"


def not_judged_words(red_cells: RedCellsJson) -> str:
    """``30 overlapped by another cell, 5 cut by the border of the field``; empty without any."""
    rows = red_cells["not_judged"].items()
    return ", ".join(f"{number:,} {REASONS.get(reason, reason)}" for reason, number in rows)


def proposed_red_cells(paper: ReportForm, red_cells: RedCellsJson | None) -> None:
    """Shapes over all judged cells with what is proposed and what a reader made of it."""
    if red_cells is None:
        return
    left = not_judged_words(red_cells)
    basis = f"{red_cells['judged']:,} red cells judged by the program"
    basis += f"; not judged: {left}." if left else "."
    if red_cells["corrected"]:
        basis += f" A reader corrected {red_cells['corrected']:,}."
    if not red_cells["enough"]:
        paper.small(f"{basis} Too few for proposed grades ({red_cells['minimum']:,} are needed).")
        return
    proposals = proposals_of(red_cells)
    if proposals:
        rows = [
            [
                title_of(red_cells["grades"][one.term]["shape"]),
                share_words(one.share),
                one.words(),
                one.standing(),
            ]
            for one in proposals
        ]
        heads = ("Shape", "Share (95 %)", "Proposed by the program", "By a reader")
        paper.grid(heads, rows, (25, 25, 25, 25))
    else:
        basis += " The program proposes no finding."
    per_1000 = red_cells["grades"][SCHISTOCYTES]["per_1000"]
    paper.small(
        f"{basis} Schistocytes {per_1000:.1f} in 1,000 (the ICSH limit is 10). Proposed "
        "grades are not results until a reader confirms them. Research use: a qualified person "
        "decides."
    )
