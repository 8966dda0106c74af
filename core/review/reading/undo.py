"""Taking back one's own last change of a case, as often as wanted, as new entries of the ledger."""

from collections.abc import Mapping
from typing import Final

from sqlalchemy import Connection, select

from core.access.people import Person
from core.access.rights import require_any
from core.review.reading import reading_boxes
from core.review.reading.value_words import stored_words
from core.review.record import readings
from core.review.record.case_rows import open_case
from core.review.record.errors import CaseRefused, Conflict, StaleEdit
from core.review.record.ledger import Change, Entry, entry_of, plain_row, recording
from core.review.record.review_store import ReviewStore
from core.store import review_schema as schema

UNDOABLE: Final = ("answer", "add_box", "change_box", "remark", "grade", "abnormality", "shape")
_BARRIERS: Final = (
    "finish_first_reading",
    "finish_second_reading",
    "take_back_reading",
    "sign",
    "amend",
)
"""Nobody undoes across these: the case was handed on."""

_TABLES: Final = {
    table.name: table
    for table in (
        schema.case_cells,
        schema.box_edits,
        schema.answers,
        schema.remarks,
        schema.grades,
        schema.abnormalities,
        schema.red_cell_shapes,
    )
}
_UNMADE: Final[dict[str, dict[str, object]]] = {
    "case_cells": {"deleted": True},
    "box_edits": dict.fromkeys(reading_boxes.STATE),
    "answers": {"label": None},
    "remarks": {"deleted": True},
    "grades": {"grade": None, "words": None},
    "abnormalities": {"present": False},
    "red_cell_shapes": {"shape": None},
}
"""Values a new row gets when it is undone: nothing is deleted."""

_NOT_VALUES: Final = frozenset(
    {"id", "revision", "answered_at", "edited_at", "graded_at", "written_at", "seen_at", "given_at"}
)


def undo(store: ReviewStore, person: Person, case_id: int) -> Entry | None:
    """Take back this person's last change; None where there is nothing left to take back.

    Returns the entry that was undone.

    Raises:
        NotAllowed: without the right to review or to pre-classify.
        StaleEdit: if somebody changed the same value since.
        NotYourReading, CaseRefused.
    """
    require_any(person, "review", "preclassify")
    with store.database.read() as connection:
        open_case(connection, case_id)
        number = _last(connection, case_id, person)
    if number is None:
        return None
    with recording(store, person, "undo", case_id=case_id, undoes=number) as book:
        case = open_case(book.connection, case_id)
        readings.writable_by(book.connection, case, person)
        # Looked for again, now that nobody else can write.
        if _last(book.connection, case_id, person) != number:
            raise CaseRefused("something was changed at the same moment; press undo again")
        entry = _entry(book.connection, number)
        book.detail = f"{entry.action} of entry {number}"
        book.model = entry.model
        stale = []
        back: list[tuple[Change, dict[str, object]]] = []
        for change in entry.changes:
            if change.table not in _TABLES:
                continue  # the case entered review, and stays there
            table = _TABLES[change.table]
            row = book.connection.execute(select(table).where(table.c.id == change.row)).one()
            now = plain_row(table, row._mapping)
            # By value: undoing twice raises the revision twice, and is no conflict.
            if any(now[name] != value for name, value in _values(change.new).items()):
                stale.append(_conflict(change, now))
            back.append((change, _before(change)))
        if stale:
            raise StaleEdit(tuple(stale))
        for change, values in back:
            book.update(_TABLES[change.table], change.row, **values)
        return entry


def _last(connection: Connection, case_id: int, person: Person) -> int | None:
    ledger = schema.ledger
    here = ledger.c.case_id == case_id
    barrier = connection.execute(
        select(ledger.c.number)
        .where(here, ledger.c.action.in_(_BARRIERS))
        .order_by(ledger.c.number.desc())
        .limit(1)
    ).scalar()
    undone = select(ledger.c.undoes).where(here, ledger.c.undoes.is_not(None))
    query = (
        select(ledger.c.number)
        .where(here, ledger.c.who == person.subject, ledger.c.action.in_(UNDOABLE))
        .where(ledger.c.number > (barrier or 0), ledger.c.number.not_in(undone))
        .order_by(ledger.c.number.desc())
        .limit(1)
    )
    return connection.execute(query).scalar()


def _entry(connection: Connection, number: int) -> Entry:
    row = connection.execute(select(schema.ledger).where(schema.ledger.c.number == number)).one()
    return entry_of(row._mapping)


def _before(change: Change) -> dict[str, object]:
    """The values to write back. Who and when belong to the undoing, and are in the ledger."""
    if change.old is None:
        return dict(_UNMADE[change.table])
    return _values(change.old)


def _values(row: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in row.items() if name not in _NOT_VALUES}


def _conflict(change: Change, now: Mapping[str, object]) -> Conflict:
    before = _before(change)
    mine = stored_words(before)
    theirs = stored_words({name: now[name] for name in before})
    by = str(now.get("reader_name") or now.get("author_name") or "")
    what = {
        "answers": "answer",
        "remarks": "remark",
        "grades": "grade",
        "abnormalities": "abnormality",
        "red_cell_shapes": "shape",
    }.get(change.table, "box")
    of_cell = change.table in ("answers", "box_edits") or now.get("cell_id") is not None
    row = int(str(now["cell_id"])) if of_cell else change.row
    return Conflict(what, row, mine, theirs, by, None, int(str(now["revision"])))
