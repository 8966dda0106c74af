"""The shape that a reader gives a red cell in place of the model's.

A second reader sees none of the first one's. Once both have read, a shape that only one of them
gave stands, and so does one that both gave; where they gave different ones the cell counts in no
share until somebody says which it is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, select

from core.access.people import Person
from core.access.rights import require
from core.records.red_cell import SHAPES
from core.review.reading import reading_boxes
from core.review.record import readings
from core.review.record.case_rows import Case, mark_in_review, open_case
from core.review.record.errors import CaseRefused, Conflict, StaleEdit
from core.review.record.ledger import Recording, recording
from core.review.record.readings import FIRST, SECOND, SETTLING
from core.review.record.review_store import ReviewStore
from core.slide.red_cells.terms import NO_SHAPE, title_of
from core.store import review_schema as schema

TABLE: Final = schema.red_cell_shapes


@dataclass(frozen=True)
class GivenShape:
    """What one reader called a red cell: of ``SHAPES``, or ``NO_SHAPE``. None: taken back."""

    cell_id: int
    reading: int
    shape: str | None
    reader: str
    reader_name: str
    given_at: datetime
    revision: int


@dataclass(frozen=True)
class StandingShape:
    """What stands for a red cell in a reading.

    ``shape`` None: nobody gave one, or (``differs``) the two readers gave different ones.
    ``revision`` is sent along with a change. ``by`` are those who gave one, the first reader first.
    """

    shape: str | None
    revision: int
    by: tuple[GivenShape, ...] = ()
    differs: bool = False

    @property
    def was_different(self) -> bool:
        """Did the two readers give different shapes, whether somebody settled it or not."""
        return len({one.shape for one in self.by if one.reading != SETTLING}) > 1


@dataclass(frozen=True)
class NewShape:
    """A reader's shape for a cell. ``shape`` None takes it back: the model's counts again.

    ``revision`` is that of the shape they saw, 0 where nobody had given one.
    """

    cell_id: int
    shape: str | None
    revision: int = 0


def give_shapes(
    store: ReviewStore, person: Person, case_id: int, given: Sequence[NewShape]
) -> dict[int, StandingShape]:
    """Save the shapes of red cells, all or none; returns what stands for them.

    Raises:
        NotAllowed: without the right to review.
        StaleEdit: if somebody else gave one of them since; it carries both values.
        NotYourReading: the second reading, to a first reader.
        CaseRefused: for a signed case, an unknown shape, or a cell that is no red cell of the case.
    """
    require(person, "review")
    for new in given:
        if new.shape is not None and new.shape not in (*SHAPES, NO_SHAPE):
            known = ", ".join((*SHAPES, NO_SHAPE))
            raise CaseRefused(f"unknown shape {new.shape!r}; known are {known}")
    if len({new.cell_id for new in given}) != len(given):
        raise CaseRefused("one cell was given two shapes at once")
    with recording(store, person, "shape", case_id=case_id) as book:
        case = open_case(book.connection, case_id)
        reading = readings.writable_by(book.connection, case, person)
        _check_cells(book.connection, case, reading, [new.cell_id for new in given])
        standing = shapes_in(book.connection, case, reading)
        conflicts = [
            conflict
            for new in given
            if (conflict := _conflict(new, standing.get(new.cell_id), person))
        ]
        if conflicts:
            raise StaleEdit(tuple(conflicts))
        mark_in_review(book, case)
        _save(book, case, reading, given)
        book.detail = _words(given)
        now = shapes_in(book.connection, case, reading)
        return {new.cell_id: now.get(new.cell_id, StandingShape(None, 0)) for new in given}


def shapes_in(connection: Connection, case: Case, reading: int) -> dict[int, StandingShape]:
    """What stands for each red cell to which somebody gave a shape, within a transaction."""
    columns = [TABLE.c[name] for name in GivenShape.__dataclass_fields__]
    wanted = (FIRST, SECOND, SETTLING) if reading == SETTLING else (reading,)
    query = (
        select(*columns)
        .where(TABLE.c.case_id == case.id, TABLE.c.version == case.version)
        .where(TABLE.c.reading.in_(wanted))
        .order_by(TABLE.c.reading)
    )
    # The second reader gave a shape to their own drawing of a cell that both drew.
    drawn = reading_boxes.matched_boxes(connection, case) if reading == SETTLING else {}
    same = {other: number for number, other in drawn.items()}
    found: dict[int, list[GivenShape]] = {}
    for row in connection.execute(query):
        one = GivenShape(**row._mapping)
        found.setdefault(same.get(one.cell_id, one.cell_id), []).append(one)
    return {number: _standing(rows, reading) for number, rows in found.items()}


def _standing(rows: Sequence[GivenShape], reading: int) -> StandingShape:
    own = next((one for one in rows if one.reading == reading), None)
    revision = own.revision if own else 0
    given = tuple(one for one in rows if one.shape is not None)
    if own is not None and own.shape is not None:
        return StandingShape(own.shape, revision, given)
    shapes = {one.shape for one in given}
    if len(shapes) == 1:
        return StandingShape(shapes.pop(), revision, given)
    return StandingShape(None, revision, given, differs=len(shapes) > 1)


def carry(book: Recording, case: Case) -> None:
    """Copy what stands into the first reading of the version that an amendment opens."""
    rows = [
        {
            "case_id": case.id,
            "cell_id": number,
            "version": case.version + 1,
            "reading": FIRST,
            "shape": one.shape,
            "carried": True,
            "reader": one.by[-1].reader,
            "reader_name": one.by[-1].reader_name,
            "given_at": one.by[-1].given_at,
            "revision": 1,
        }
        for number, one in sorted(shapes_in(book.connection, case, case.reading).items())
        if one.shape is not None
    ]
    book.insert_many(TABLE, rows)


def _check_cells(connection: Connection, case: Case, reading: int, numbers: Sequence[int]) -> None:
    found = reading_boxes.boxes_in(connection, case, reading, numbers)
    for number in numbers:
        row = found.get(number)
        if row is None or row.deleted:
            raise CaseRefused(f"case {case.accession} has no cell {number}")
        if row.kind != "rbc":
            raise CaseRefused(f"cell {number} is no red cell; change its kind first")


def _conflict(new: NewShape, now: StandingShape | None, person: Person) -> Conflict | None:
    if (now.revision if now else 0) == new.revision:
        return None
    last = now.by[-1] if now and now.by else None
    if now and last and (now.shape, last.reader) == (new.shape, person.subject):
        return None  # a key pressed twice
    theirs = _word(now.shape if now else None)
    by, at = (last.reader_name, last.given_at) if last else ("", None)
    revision = now.revision if now else 0
    return Conflict("shape", new.cell_id, _word(new.shape), theirs, by, at, revision)


def _save(book: Recording, case: Case, reading: int, given: Sequence[NewShape]) -> None:
    here = (
        (TABLE.c.case_id == case.id)
        & (TABLE.c.version == case.version)
        & (TABLE.c.reading == reading)
        & TABLE.c.cell_id.in_([new.cell_id for new in given])
    )
    known: Mapping[int, int] = {
        row.cell_id: row.id for row in book.connection.execute(select(TABLE).where(here))
    }
    who = {
        "carried": False,
        "reader": book.person.subject,
        "reader_name": book.person.name,
        "given_at": book.now,
    }
    own = {"case_id": case.id, "version": case.version, "reading": reading}
    book.insert_many(
        TABLE,
        [
            {**own, "cell_id": new.cell_id, "shape": new.shape, **who, "revision": 1}
            for new in given
            if new.cell_id not in known and new.shape is not None
        ],
    )
    for new in given:
        if new.cell_id in known:
            book.update(TABLE, known[new.cell_id], shape=new.shape, **who)


def _word(shape: str | None) -> str:
    return "as the model said" if shape is None else title_of(shape).lower()


def _words(given: Sequence[NewShape]) -> str:
    """``2 red cells: schistocyte``, for the ledger."""
    shapes = sorted({_word(new.shape) for new in given})
    what = shapes[0] if len(shapes) == 1 else f"{len(shapes)} shapes"
    return f"{len(given)} red cell{'s' if len(given) > 1 else ''}: {what}"
