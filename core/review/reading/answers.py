"""Calling cells: one or many at once, and never over somebody else's answer unseen."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import RowMapping, select

from core.access.people import Person
from core.access.rights import may, require_any
from core.review.reading.cells import Answer, answers_in
from core.review.reading.halves import check_half
from core.review.reading.reading_boxes import boxes_in
from core.review.reading.value_words import label_words
from core.review.record import readings
from core.review.record.case_rows import Case, mark_in_review, open_case
from core.review.record.errors import CaseRefused, Conflict, StaleEdit
from core.review.record.ledger import Recording, recording
from core.review.record.readings import FIRST
from core.review.record.review_store import ReviewStore
from core.store import review_schema as schema
from core.taxonomy import answer_labels


@dataclass(frozen=True)
class NewAnswer:
    """A reader's answer to a cell.

    ``revision`` is the one of the answer they saw, 0 where there was none; ``seconds`` is how long
    the cell was looked at, if that is known. ``label`` None takes an answer back.
    """

    cell_id: int
    label: str | None
    revision: int = 0
    seconds: float | None = None


def answer(
    store: ReviewStore, person: Person, case_id: int, given: Sequence[NewAnswer]
) -> dict[int, Answer]:
    """Save answers, all or none; returns them by cell. A saved answer marks the cell as reviewed.

    Raises:
        NotAllowed: without the right to review or to pre-classify.
        StaleEdit: if somebody else answered one of them since; it carries both values.
        NotYourReading: to a first reader, while the second one reads.
        CaseRefused: for a signed case, an unknown class, a cell that cannot be called, or a cell
            of the other reader's half.
    """
    require_any(person, "review", "preclassify")
    if len({new.cell_id for new in given}) != len(given):
        raise CaseRefused("one cell was answered twice at once")
    for new in given:
        if new.label is not None and new.label not in answer_labels():
            known_labels = ", ".join(answer_labels())
            raise CaseRefused(f"unknown class {new.label!r}; known are {known_labels}")
    with recording(store, person, "answer", case_id=case_id) as book:
        case = open_case(book.connection, case_id)
        reading = readings.writable_by(book.connection, case, person)
        if reading != FIRST and not may(person, "review"):
            raise CaseRefused("cells are pre-classified in the first reading only")
        if not given:
            return {}
        for new in given:
            if new.label is None and new.revision == 0:
                raise CaseRefused(f"cell {new.cell_id} has no answer to take back")
        check_half(book.connection, case, reading, [new.cell_id for new in given])
        rows = _white_cells(book, case, reading, [new.cell_id for new in given])
        known = answers_in(book.connection, case, rows)
        conflicts = [
            conflict
            for new in given
            if (conflict := _conflict(new, known.get((new.cell_id, reading)), person))
        ]
        if conflicts:
            raise StaleEdit(tuple(conflicts))
        mark_in_review(book, case)
        book.model = _models(book, case)
        _save(book, case, reading, given, known, rows)
        book.detail = ("" if may(person, "review") else "pre-classified, ") + _words(given)
        now = answers_in(book.connection, case, rows)
        return {new.cell_id: now[new.cell_id, reading] for new in given}


def _conflict(new: NewAnswer, now: Answer | None, person: Person) -> Conflict | None:
    if (now.revision if now else 0) == new.revision:
        return None
    mine = new.label or "not reviewed"
    if now is None:
        return Conflict("answer", new.cell_id, mine, "", "", None, 0)
    # The same answer again is no conflict: a key pressed twice, two who agree.
    if now.label == new.label and now.reader == person.subject:
        return None
    theirs = now.label or "not reviewed"
    by = now.reader_name
    return Conflict("answer", new.cell_id, mine, theirs, by, now.answered_at, now.revision)


def _white_cells(
    book: Recording, case: Case, reading: int, numbers: Sequence[int]
) -> dict[int, RowMapping]:
    found = boxes_in(book.connection, case, reading, numbers)
    for number in numbers:
        if number not in found:
            raise CaseRefused(f"case {case.accession} has no cell {number}")
        if found[number].deleted:
            raise CaseRefused(f"cell {number} was taken away; bring it back before calling it")
        if found[number].kind != "wbc":
            raise CaseRefused(f"cell {number} is no white cell; change its kind before calling it")
    return {number: row._mapping for number, row in found.items()}


def _save(
    book: Recording,
    case: Case,
    reading: int,
    given: Sequence[NewAnswer],
    known: Mapping[tuple[int, int], Answer],
    rows: Mapping[int, RowMapping],
) -> None:
    table = schema.answers
    fresh = [new for new in given if (new.cell_id, reading) not in known]
    who = {"reader": book.person.subject, "reader_name": book.person.name, "answered_at": book.now}
    book.insert_many(
        table,
        [
            {
                "case_id": case.id,
                "cell_id": new.cell_id,
                "version": case.version,
                "reading": reading,
                "label": new.label,
                "blind": rows[new.cell_id]["blind"],
                "carried": False,
                **who,
                "seconds": new.seconds,
                "revision": 1,
            }
            for new in fresh
        ],
    )
    again = [new for new in given if (new.cell_id, reading) in known]
    if not again:
        return
    here = (
        (table.c.case_id == case.id)
        & (table.c.version == case.version)
        & (table.c.reading == reading)
        & table.c.cell_id.in_([new.cell_id for new in again])
    )
    numbers = {row.cell_id: row for row in book.connection.execute(select(table).where(here))}
    for new in again:
        row = numbers[new.cell_id]
        same = row.label == new.label and row.reader == book.person.subject
        if same and not row.carried:
            continue
        spent = None if new.seconds is None else (row.seconds or 0.0) + new.seconds
        book.update(
            table,
            row.id,
            label=new.label,
            carried=False,
            **who,
            seconds=row.seconds if spent is None else spent,
        )


def _models(book: Recording, case: Case) -> str:
    column = schema.case_pictures.c.models
    query = select(column).where(schema.case_pictures.c.case_id == case.id).distinct()
    named = [json.loads(text) for text in book.connection.execute(query).scalars()]
    return " ".join(sorted({models["wbc"] for models in named if "wbc" in models}))


def _words(given: Sequence[NewAnswer]) -> str:
    labels = sorted({label_words(new.label) if new.label else "taken back" for new in given})
    what = labels[0] if len(labels) == 1 else f"{len(labels)} classes"
    return f"{len(given)} cell{'s' if len(given) > 1 else ''}: {what}"
