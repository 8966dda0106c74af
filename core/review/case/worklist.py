"""The worklist: what is to be done, in the order in which it should be."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final, Literal

from sqlalchemy import Connection, RowMapping, func, or_

from core.access.people import Person
from core.access.rights import require
from core.review.case.holders import assign, give_back, take
from core.review.case.worklist_query import (
    critical_abnormalities,
    critical_cells,
    worklist_query,
)
from core.review.reading.cells import cells_in
from core.review.record import roster
from core.review.record.case_rows import Case
from core.review.record.readings import SETTLING
from core.review.record.review_store import ReviewStore
from core.slide import judgement
from core.slide.judgement import PRIORITIES, Priority
from core.store.review_schema import cases

__all__ = ["OPEN_STATES", "Order", "WorklistRow", "assign", "give_back", "take", "worklist"]

OPEN_STATES: Final = ("new", "in_review", "second_review")
Order = Literal[
    "priority", "accession", "received", "found", "reviewed", "holder", "signed_by", "signed_at"
]


@dataclass(frozen=True)
class WorklistRow:
    """One case of the worklist.

    ``white_cells``, ``reviewed`` and ``doubtful`` count cells of the fields that count, in the
    reading that stands, in a case read in halves those of its half; of a case read twice,
    ``reviewed`` also has the cells both readers called alike, and none that were only
    pre-classified. ``unsure_fields`` are fields whose two counts differ and whose boxes nobody
    confirmed. ``critical_seen`` are critical abnormalities.
    ``signed_name`` and ``signed_at`` are of the last signature, also while it is amended.
    """

    case: Case
    fields: int
    palms: int
    white_cells: int
    reviewed: int
    critical: int
    disagreement: bool
    doubtful: int
    unsure_fields: int = 0
    critical_seen: int = 0
    signed_name: str = ""
    signed_at: datetime | None = None

    @property
    def priority(self) -> Priority:
        """How urgent it is, by :func:`core.slide.judgement.priority`."""
        return judgement.priority(
            critical=self.critical + self.critical_seen,
            disagreement=self.disagreement,
            doubtful=0 if self.case.is_closed else self.doubtful + self.unsure_fields,
        )

    @property
    def waiting_since(self) -> datetime:
        return self.case.created_at


_NEVER: Final = datetime.min.replace(tzinfo=UTC)
_KEYS: Final[dict[Order, Callable[[WorklistRow], Any]]] = {
    # In some laboratories the two counts differ on nearly every field: of the cases to check, those
    # with cells that a person must look at come before those where only counts differ.
    "priority": lambda row: (PRIORITIES.index(row.priority), not row.doubtful),
    "accession": lambda row: row.case.accession.lower(),
    "received": lambda row: row.case.created_at,
    "found": lambda row: (row.critical + row.critical_seen, row.doubtful, row.fields),
    "reviewed": lambda row: row.reviewed / row.white_cells if row.white_cells else 0.0,
    "holder": lambda row: (row.case.assigned_name or "").lower(),
    "signed_by": lambda row: row.signed_name.lower(),
    "signed_at": lambda row: row.signed_at or _NEVER,
}


def worklist(
    store: ReviewStore,
    person: Person,
    *,
    search: str = "",
    states: Collection[str] = OPEN_STATES,
    priorities: Collection[str] = PRIORITIES,
    assigned_to: str | None = None,
    unassigned: bool = False,
    cancelled: bool = False,
    order: Order = "priority",
    descending: bool = False,
    limit: int = 500,
) -> list[WorklistRow]:
    """Cases, by default the most urgent first; of equal ones the oldest.

    Args:
        search: part of the accession number, pseudonym or indication, any case.
        states: which states; the open ones by default.
        priorities: which priorities.
        assigned_to: only those this subject has.
        unassigned: only those nobody has.
        cancelled: the cancelled cases of these states instead of the others.
        order: by which column.
        descending: the other way round.
        limit: at most so many.

    Raises:
        NotAllowed: without the right to read.
    """
    require(person, "read")
    with store.database.read() as connection:
        helpers = roster.who_may_not(connection, "review")
    query = worklist_query(helpers).where(cases.c.state.in_(list(states)))
    query = query.where(
        cases.c.cancelled_at.is_not(None) if cancelled else cases.c.cancelled_at.is_(None)
    )
    if search.strip():
        part = search.strip().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        like = f"%{part.lower()}%"
        columns = (cases.c.accession, cases.c.pseudonym, cases.c.indication)
        query = query.where(or_(*(func.lower(c).like(like, escape="\\") for c in columns)))
    if assigned_to is not None:
        query = query.where(cases.c.assigned_to == assigned_to)
    if unassigned:
        query = query.where(cases.c.assigned_to.is_(None))
    with store.database.read() as connection:
        found = connection.execute(query).all()
        numbers = [row.id for row in found]
        critical = critical_cells(connection, numbers, helpers)
        seen = critical_abnormalities(connection, numbers)
        rows = [_row(row._mapping, critical[row.id], seen[row.id]) for row in found]
        rows = [_of_half(connection, row) if _is_half(row.case) else row for row in rows]
    rows = [row for row in rows if row.priority in priorities]
    rows.sort(key=lambda row: (row.case.created_at, row.case.id))
    rows.sort(key=_KEYS[order], reverse=descending)
    return rows[:limit]


def _is_half(case: Case) -> bool:
    return bool(case.halves) and case.reading != SETTLING and not case.is_closed


def _of_half(connection: Connection, row: WorklistRow) -> WorklistRow:
    """What is to be done in the half that the reading which stands has."""
    white = [
        cell
        for cell in cells_in(connection, row.case, row.case.reading, unveiled=True)
        if cell.included and cell.asked
    ]
    return replace(
        row,
        white_cells=len(white),
        reviewed=sum(cell.is_reviewed for cell in white),
        doubtful=sum(
            (judgement.call_is_doubtful(cell.call) or cell.novel) and not cell.is_reviewed
            for cell in white
        ),
    )


def _row(values: RowMapping, critical: int, seen: int) -> WorklistRow:
    found = Case(**{name: values[name] for name in Case.__dataclass_fields__})
    return WorklistRow(
        case=found,
        fields=int(values["fields"]),
        palms=int(values["palms"]),
        white_cells=int(values["white_cells"]),
        reviewed=int(values["reviewed"]),
        critical=critical,
        disagreement=found.reading == SETTLING and not found.is_closed,
        doubtful=int(values["doubtful"]),
        unsure_fields=int(values["unsure"]),
        critical_seen=seen,
        signed_name=values["signed_name"] or "",
        signed_at=values["last_signed_at"],
    )
