"""The worklist: what is to be done, in the order in which it should be."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Select, and_, case, func, or_, select

from core.access.people import Person
from core.access.rights import may, require, require_any
from core.review.case.cases import Case, case_in, open_case
from core.review.reading.reading_boxes import DELETED, KIND, joined, known
from core.review.record import readings
from core.review.record.errors import CaseRefused, TakenByOther
from core.review.record.ledger import recording
from core.review.record.review_store import ReviewStore
from core.store.review_schema import answers, case_cells, case_pictures, cases
from core.taxonomy import CRITICAL_CLASSES

OPEN_STATES: Final = ("new", "in_review", "second_review")
PRIORITIES: Final = ("critical", "disagreement", "doubt", "routine")


@dataclass(frozen=True)
class WorklistRow:
    """One case of the worklist. ``reviewed`` of ``white_cells`` counts the current reading."""

    case: Case
    fields: int
    palms: int
    white_cells: int
    reviewed: int
    critical: int
    disagreement: bool
    doubtful: int

    @property
    def priority(self) -> str:
        """``critical``, then ``disagreement``, then ``doubt``, then ``routine``."""
        if self.critical:
            return "critical"
        if self.disagreement:
            return "disagreement"
        return "doubt" if self.doubtful else "routine"

    @property
    def waiting_since(self) -> datetime:
        return self.case.created_at


def worklist(
    store: ReviewStore,
    person: Person,
    *,
    search: str = "",
    states: Collection[str] = OPEN_STATES,
    priorities: Collection[str] = PRIORITIES,
    assigned_to: str | None = None,
    unassigned: bool = False,
    limit: int = 500,
) -> list[WorklistRow]:
    """Cases, the most urgent first; of equally urgent ones the oldest.

    Args:
        search: part of the accession number, pseudonym or indication, any case.
        states: which states; the open ones by default.
        priorities: which priorities.
        assigned_to: only those this subject has.
        unassigned: only those nobody has.
        limit: at most so many.

    Raises:
        NotAllowed: without the right to view.
    """
    require(person, "view")
    query = _query().where(cases.c.state.in_(list(states)))
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
        rows = [_row(row._mapping) for row in connection.execute(query)]
    rows = [row for row in rows if row.priority in priorities]
    rows.sort(key=lambda row: (PRIORITIES.index(row.priority), row.case.created_at, row.case.id))
    return rows[:limit]


def _query() -> Select[Any]:
    said = _answered()
    label = func.coalesce(said.c.label, case_cells.c.machine_label)
    white = and_(KIND == "wbc", DELETED.is_(False), known())
    # The second reader must not learn from the list what the first one found.
    critical = case(
        (cases.c.state == "second_review", case_cells.c.machine_label), else_=label
    ).in_(sorted(CRITICAL_CLASSES))
    doubtful = (case_cells.c.abstained | case_cells.c.novel) & said.c.label.is_(None)
    by_cell = (
        select(
            case_cells.c.case_id,
            func.count().label("white_cells"),
            func.count(said.c.label).label("reviewed"),
            func.sum(case((critical, 1), else_=0)).label("critical"),
            func.sum(case((doubtful, 1), else_=0)).label("doubtful"),
        )
        .select_from(
            joined(cases.c.version, cases.c.reading).outerjoin(
                said, said.c.cell_id == case_cells.c.id
            )
        )
        .where(white)
        .group_by(case_cells.c.case_id)
        .subquery()
    )
    field = case_pictures.c.kind == "field"
    disagree = case_pictures.c.flag_codes.like("%disagree%")
    by_picture = (
        select(
            case_pictures.c.case_id,
            func.sum(case((field, 1), else_=0)).label("fields"),
            func.sum(case((field, 0), else_=1)).label("palms"),
            func.sum(case((disagree, 1), else_=0)).label("disagree"),
        )
        .group_by(case_pictures.c.case_id)
        .subquery()
    )
    numbers = [
        func.coalesce(column, 0).label(column.name)
        for column in (
            by_picture.c.fields,
            by_picture.c.palms,
            by_picture.c.disagree,
            by_cell.c.white_cells,
            by_cell.c.reviewed,
            by_cell.c.critical,
            by_cell.c.doubtful,
        )
    ]
    return select(cases, *numbers).select_from(
        cases.outerjoin(by_picture, by_picture.c.case_id == cases.c.id).outerjoin(
            by_cell, by_cell.c.case_id == cases.c.id
        )
    )


def _answered() -> Any:
    """Cell and answer of each case's current reading."""
    return (
        select(answers.c.cell_id, answers.c.label)
        .select_from(answers.join(cases, cases.c.id == answers.c.case_id))
        .where(answers.c.version == cases.c.version, answers.c.reading == cases.c.reading)
        .subquery()
    )


def _row(said: Any) -> WorklistRow:
    names = Case.__dataclass_fields__
    found = Case(**{name: said[name] for name in names})
    return WorklistRow(
        case=found,
        fields=int(said["fields"]),
        palms=int(said["palms"]),
        white_cells=int(said["white_cells"]),
        reviewed=int(said["reviewed"]),
        critical=int(said["critical"]),
        disagreement=bool(said["disagree"]) or found.reading == readings.SETTLING,
        doubtful=int(said["doubtful"]),
    )


def take(store: ReviewStore, person: Person, case_id: int, *, over: bool = False) -> Case:
    """Take a case to review it; ``over`` also from somebody else.

    Raises:
        NotAllowed: without the right to review.
        TakenByOther: if somebody else has it.
        NotYourReading: the second reading, to a first reader.
    """
    require(person, "review")
    with recording(store, person, "take", case_id=case_id) as book:
        found = open_case(book.connection, case_id)
        readings.writable_by(book.connection, found, person)
        if found.assigned_to == person.subject:
            return found
        if found.assigned_to is not None and not over:
            raise TakenByOther(str(found.assigned_name), found.assigned_since)
        book.update(
            cases,
            case_id,
            assigned_to=person.subject,
            assigned_name=person.name,
            assigned_since=book.now,
        )
        return case_in(book.connection, case_id)


def assign(store: ReviewStore, person: Person, case_id: int, to: Person) -> Case:
    """Give a case to somebody.

    Raises:
        NotAllowed: without the right to review or upload.
        CaseRefused: if they may not review; NotYourReading if they are not to read it now.
    """
    require_any(person, "review", "upload")
    if not may(to, "review"):
        raise CaseRefused(f"{to.name} may not review, so no case can be given to them")
    with recording(store, person, "assign", case_id=case_id, detail=f"to {to.name}") as book:
        found = open_case(book.connection, case_id)
        readings.writable_by(book.connection, found, to)
        if found.assigned_to != to.subject:
            book.update(
                cases,
                case_id,
                assigned_to=to.subject,
                assigned_name=to.name,
                assigned_since=datetime.now(UTC),
            )
        return case_in(book.connection, case_id)


def give_back(store: ReviewStore, person: Person, case_id: int) -> Case:
    """Give a case one has back to the list. Raises NotAllowed, CaseRefused if it is another's."""
    require(person, "review")
    with recording(store, person, "give_back", case_id=case_id) as book:
        found = open_case(book.connection, case_id)
        if found.assigned_to is None:
            return found
        if found.assigned_to != person.subject:
            raise TakenByOther(str(found.assigned_name), found.assigned_since)
        book.update(cases, case_id, assigned_to=None, assigned_name=None, assigned_since=None)
        return case_in(book.connection, case_id)
