"""The worklist: what is to be done, in the order in which it should be."""

from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal

from sqlalchemy import Connection, Select, and_, case, func, null, or_, select

from core.access.people import Person
from core.access.rights import may, require, require_any
from core.review.case.cases import Case, case_in, open_case
from core.review.reading.reading_boxes import DELETED, KIND, joined, known
from core.review.record import readings, roster, stored_finding
from core.review.record.errors import CaseRefused, TakenByOther
from core.review.record.ledger import recording
from core.review.record.readings import FIRST, SECOND, SETTLING
from core.review.record.review_store import ReviewStore
from core.slide import judgement
from core.slide.judgement import PRIORITIES, Priority
from core.store.review_schema import (
    answers,
    box_confirmations,
    box_edits,
    case_cells,
    case_pictures,
    cases,
    signatures,
)
from core.taxonomy import CRITICAL_CLASSES, CRITICAL_FLAG, LEFT_OUT_FLAGS

OPEN_STATES: Final = ("new", "in_review", "second_review")
Order = Literal[
    "priority", "accession", "received", "found", "reviewed", "holder", "signed_by", "signed_at"
]


@dataclass(frozen=True)
class WorklistRow:
    """One case of the worklist.

    ``white_cells``, ``reviewed`` and ``doubtful`` count cells of the fields that count, in the
    reading that stands; of a case read twice, ``reviewed`` also has the cells both readers called
    alike, and none that were only pre-classified. ``unsure_fields`` are fields whose two counts
    differ and whose boxes nobody confirmed.
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
    signed_name: str = ""
    signed_at: datetime | None = None

    @property
    def priority(self) -> Priority:
        """How urgent it is, by :func:`core.slide.judgement.priority`."""
        return judgement.priority(
            critical=self.critical,
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
    "found": lambda row: (row.critical, row.doubtful, row.fields),
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
    query = _query(helpers).where(cases.c.state.in_(list(states)))
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
        critical = _critical_cells(connection, [row.id for row in found], helpers)
        rows = [_row(row._mapping, critical[row.id]) for row in found]
    rows = [row for row in rows if row.priority in priorities]
    rows.sort(key=lambda row: (row.case.created_at, row.case.id))
    rows.sort(key=_KEYS[order], reverse=descending)
    return rows[:limit]


_COUNTS: Final = or_(
    case_pictures.c.included.is_(True),
    and_(
        case_pictures.c.included.is_(None),
        *(case_pictures.c.flag_codes.not_like(f"%{code}%") for code in LEFT_OUT_FLAGS),
    ),
)
"""Does the field count: :func:`core.slide.judgement.is_included` as the database can ask it."""

_FIRST: Final = answers.alias("first")
_SECOND: Final = answers.alias("second")
_TWIN: Final = box_edits.alias("twin")
_AGREED: Final = case((_FIRST.c.label == _SECOND.c.label, _FIRST.c.label))
_LABEL: Final = func.coalesce(answers.c.label, _AGREED)
"""The answer of the reading that stands; of two readings, what both gave."""


def _reviewed(helpers: Collection[str]) -> Any:
    """The same, None where only somebody answered who may not review."""
    return case((answers.c.reader.in_(list(helpers)), null()), else_=_LABEL)


def _cells() -> Any:
    """White cells with their picture, their case and its answers, as the reading has them."""
    here = and_(
        answers.c.cell_id == case_cells.c.id,
        answers.c.version == cases.c.version,
        answers.c.reading == cases.c.reading,
    )
    first = and_(
        cases.c.reading == SETTLING,
        _FIRST.c.cell_id == case_cells.c.id,
        _FIRST.c.version == cases.c.version,
        _FIRST.c.reading == FIRST,
    )
    # A cell that both drew is one cell: the second reader's answer is on their own drawing.
    twin = and_(_TWIN.c.same_as == case_cells.c.id, _TWIN.c.version == cases.c.version)
    second = and_(
        cases.c.reading == SETTLING,
        _SECOND.c.cell_id == func.coalesce(_TWIN.c.cell_id, case_cells.c.id),
        _SECOND.c.version == cases.c.version,
        _SECOND.c.reading == SECOND,
    )
    return (
        joined(cases.c.version, cases.c.reading)
        .join(case_pictures, case_pictures.c.id == case_cells.c.picture_id)
        .outerjoin(answers, here)
        .outerjoin(_FIRST, first)
        .outerjoin(_TWIN, twin)
        .outerjoin(_SECOND, second)
    )


_WHITE: Final = (KIND == "wbc", DELETED.is_(False))


def _query(helpers: Collection[str]) -> Select[Any]:
    label = _reviewed(helpers)
    doubtful = (case_cells.c.abstained | case_cells.c.novel) & label.is_(None)
    by_cell = (
        select(
            case_cells.c.case_id,
            func.count().label("white_cells"),
            func.count(label).label("reviewed"),
            func.sum(case((doubtful, 1), else_=0)).label("doubtful"),
        )
        .select_from(_cells())
        .where(*_WHITE, known(), _COUNTS)
        .group_by(case_cells.c.case_id)
        .subquery()
    )
    field = case_pictures.c.kind == "field"
    # Counts that differ between the two ways wait for a person to confirm the boxes.
    confirmed = and_(
        box_confirmations.c.picture_id == case_pictures.c.id,
        box_confirmations.c.version == cases.c.version,
        box_confirmations.c.reading == cases.c.reading,
        box_confirmations.c.confirmed,
    )
    unsure = and_(
        case_pictures.c.flag_codes.like("%methods_disagree%"),
        _COUNTS,
        box_confirmations.c.id.is_(None),
    )
    by_picture = (
        select(
            case_pictures.c.case_id,
            func.sum(case((field, 1), else_=0)).label("fields"),
            func.sum(case((field, 0), else_=1)).label("palms"),
            func.sum(case((unsure, 1), else_=0)).label("unsure"),
        )
        .outerjoin(cases, cases.c.id == case_pictures.c.case_id)
        .outerjoin(box_confirmations, confirmed)
        .group_by(case_pictures.c.case_id)
        .subquery()
    )
    newest = (
        select(signatures.c.case_id, func.max(signatures.c.version).label("version"))
        .group_by(signatures.c.case_id)
        .subquery()
    )
    signed = (
        select(signatures.c.case_id, signatures.c.signed_name, signatures.c.signed_at)
        .join(
            newest,
            and_(
                newest.c.case_id == signatures.c.case_id,
                newest.c.version == signatures.c.version,
            ),
        )
        .subquery()
    )
    numbers = [
        func.coalesce(column, 0).label(column.name)
        for column in (
            by_picture.c.fields,
            by_picture.c.palms,
            by_picture.c.unsure,
            by_cell.c.white_cells,
            by_cell.c.reviewed,
            by_cell.c.doubtful,
        )
    ]
    last = (signed.c.signed_name, signed.c.signed_at.label("last_signed_at"))
    return select(cases, *numbers, *last).select_from(
        cases.outerjoin(by_picture, by_picture.c.case_id == cases.c.id)
        .outerjoin(by_cell, by_cell.c.case_id == cases.c.id)
        .outerjoin(signed, signed.c.case_id == cases.c.id)
    )


def _critical_cells(
    connection: Connection, numbers: Collection[int], helpers: Collection[str]
) -> Counter[int]:
    """Critical cells of each case, by :func:`core.slide.judgement.cell_is_critical`.

    The database only narrows the cells down: to those somebody called critical, and those of
    pictures in which the rule found a critical cell.
    """
    likely = or_(
        case_pictures.c.flag_codes.like(f"%{CRITICAL_FLAG}%"),
        case_cells.c.machine_label.in_(sorted(CRITICAL_CLASSES)),
        _LABEL.in_(sorted(CRITICAL_CLASSES)),
    )
    query = (
        select(
            case_cells.c.case_id,
            case_cells.c.picture_id,
            case_cells.c.place,
            # The second reader must not learn from the list what the first one found.
            case((cases.c.state == "second_review", null()), else_=_LABEL).label("label"),
            answers.c.reader,
        )
        .select_from(_cells())
        .where(*_WHITE, known(), likely, case_cells.c.case_id.in_(list(numbers)))
        # A field that a person took out was looked at; one that its flags took out was not.
        .where(or_(case_pictures.c.included.is_(None), case_pictures.c.included.is_(True)))
    )
    rows = connection.execute(query).all()
    texts = select(case_pictures.c.id, case_pictures.c.finding).where(
        case_pictures.c.id.in_({row.picture_id for row in rows})
    )
    findings = {row.id: stored_finding.from_text(row.finding) for row in connection.execute(texts)}
    found = Counter[int]()
    for row in rows:
        call = None
        if row.place is not None:
            call = findings[row.picture_id].cells[row.place].wbc
        found[row.case_id] += judgement.cell_is_critical(
            call, row.label, preclassified=row.reader in helpers
        )
    return found


def _row(values: Any, critical: int) -> WorklistRow:
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
        signed_name=values["signed_name"] or "",
        signed_at=values["last_signed_at"],
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


def give_back(store: ReviewStore, person: Person, case_id: int, reason: str = "") -> Case:
    """Give a case one has back to the list; the ledger keeps the reason.

    Raises NotAllowed, CaseRefused if it is another's.
    """
    require(person, "review")
    with recording(store, person, "give_back", case_id=case_id, detail=reason.strip()) as book:
        found = open_case(book.connection, case_id)
        if found.assigned_to is None:
            return found
        if found.assigned_to != person.subject:
            raise TakenByOther(str(found.assigned_name), found.assigned_since)
        book.update(cases, case_id, assigned_to=None, assigned_name=None, assigned_since=None)
        return case_in(book.connection, case_id)
