"""Abnormalities seen in the cells and fields of a case: yes, with the picture that shows it.

A second reader sees none of the first one's. Once both have read, what either saw stands unless it
is taken away then: nothing that one reader saw is lost by the other's silence.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, and_, select

from core.access.people import Person
from core.access.rights import require
from core.records import Box
from core.review.reading import reading_boxes
from core.review.reading.reading_boxes import CORNERS, corners_of
from core.review.record import readings
from core.review.record.case_rows import Case, case_in, mark_in_review, open_case, picture_in
from core.review.record.errors import CaseRefused
from core.review.record.ledger import Recording, recording
from core.review.record.readings import FIRST, SECOND, SETTLING
from core.review.record.review_store import ReviewStore
from core.slide import judgement
from core.slide.abnormality import Abnormality, abnormality
from core.store import review_schema as schema

TABLE = schema.abnormalities


@dataclass(frozen=True)
class Seen:
    """An abnormality that is there. ``cell_id`` None: in the field.

    ``reader_names`` are of those who saw it. ``box_xyxy_px`` is where in the field, in pixels of
    the stored picture; None where that was not said.
    """

    term: str
    picture_id: int
    cell_id: int | None
    reader_names: tuple[str, ...]
    seen_at: datetime
    box_xyxy_px: Box | None = None

    @property
    def is_critical(self) -> bool:
        return judgement.is_critical_term(self.term)

    @property
    def title(self) -> str:
        known = abnormality(self.term)
        return known.title if known else self.term.replace("_", " ").capitalize()


def mark(
    store: ReviewStore,
    person: Person,
    case_id: int,
    term: str,
    *,
    picture_id: int | None = None,
    cell_id: int | None = None,
    box_xyxy_px: Box | None = None,
    present: bool = True,
) -> None:
    """Say that something is there, or that it is not after all.

    Args:
        store: the database and its folder.
        person: who reads.
        case_id: a case that is not signed.
        term: of :data:`core.slide.abnormality.ABNORMALITIES`.
        picture_id: the field; of a cell it follows.
        cell_id: the white cell, for a term that is said of cells.
        box_xyxy_px: where in the field, for a term that is said of fields; several places of one
            field are several marks.
        present: False takes it back.

    Raises:
        NotAllowed: without the right to review.
        NotYourReading: the second reading, to a first reader.
        CaseRefused: for a signed case, an unknown term, or a cell or field that is not in the case.
    """
    require(person, "review")
    known = abnormality(term)
    if known is None:
        raise CaseRefused(f"unknown abnormality {term!r}")
    with recording(store, person, "abnormality", case_id=case_id) as book:
        case = open_case(book.connection, case_id)
        reading = readings.writable_by(book.connection, case, person)
        picture = _place(book.connection, case, reading, known, picture_id, cell_id)
        corners = None if box_xyxy_px is None else _corners(book.connection, picture, box_xyxy_px)
        if corners is not None and cell_id is not None:
            raise CaseRefused("a place is said of a field, not of a cell")
        where = f"cell {cell_id}" if cell_id is not None else f"field {picture}"
        if corners is not None:
            where += f" at {corners[0]:.0f}, {corners[1]:.0f}"
        book.detail = f"{known.title} in {where}: {'seen' if present else 'not there'}"
        mark_in_review(book, case)
        _save(book, case, reading, term, (picture, cell_id, corners), present)


def _place(
    connection: Connection,
    case: Case,
    reading: int,
    known: Abnormality,
    picture_id: int | None,
    cell_id: int | None,
) -> int:
    """The picture that shows it, once cell and field are found to be in the case."""
    if known.place == "cell":
        found = reading_boxes.boxes_in(connection, case, reading, [cell_id or 0])
        row = found.get(cell_id or 0)
        if row is None or row.deleted or row.kind != "wbc":
            raise CaseRefused(
                f"{known.title} is said of a white cell; case {case.accession} has none "
                f"with number {cell_id}"
            )
        return int(row.picture_id)
    if cell_id is not None or picture_id is None:
        raise CaseRefused(f"{known.title} is said of a field, not of a cell")
    picture = picture_in(connection, picture_id)
    if picture.case_id != case.id or picture.kind != "field":
        raise CaseRefused(f"case {case.accession} has no field {picture_id}")
    return picture.id


def _corners(connection: Connection, picture_id: int, box: Box) -> Box:
    """The box cut at the edges of the field. Raises CaseRefused where nothing of it is inside."""
    picture = picture_in(connection, picture_id)
    x0, x1 = (min(max(float(x), 0.0), float(picture.width)) for x in (box[0], box[2]))
    y0, y1 = (min(max(float(y), 0.0), float(picture.height)) for y in (box[1], box[3]))
    if not (x1 > x0 and y1 > y0):  # also false for what is no number
        raise CaseRefused("the place is not within the picture")
    return x0, y0, x1, y1


def _save(
    book: Recording,
    case: Case,
    reading: int,
    term: str,
    where: tuple[int, int | None, Box | None],
    present: bool,
) -> None:
    picture_id, cell_id, corners = where
    sides = dict(zip(CORNERS, corners or (None,) * 4, strict=True))
    here = (
        (TABLE.c.case_id == case.id)
        & (TABLE.c.version == case.version)
        & (TABLE.c.reading == reading)
        & (TABLE.c.term == term)
        & (TABLE.c.picture_id == picture_id)
        & (TABLE.c.cell_id.is_(None) if cell_id is None else TABLE.c.cell_id == cell_id)
        & and_(*(TABLE.c[n].is_(None) if v is None else TABLE.c[n] == v for n, v in sides.items()))
    )
    row = book.connection.execute(select(TABLE).where(here)).first()
    values = {
        "present": present,
        "carried": False,
        "reader": book.person.subject,
        "reader_name": book.person.name,
        "seen_at": book.now,
    }
    if row is not None:
        book.update(TABLE, row.id, **values)
        return
    own = {"case_id": case.id, "version": case.version, "reading": reading}
    place = {"term": term, "picture_id": picture_id, "cell_id": cell_id, **sides}
    book.insert(TABLE, {**own, **place, **values, "revision": 1})


def seen_of(store: ReviewStore, person: Person, case_id: int) -> list[Seen]:
    """What was seen in a case, as this person may see it. Raises NotAllowed, CaseRefused."""
    require(person, "read")
    with store.database.read() as connection:
        case = case_in(connection, case_id)
        return seen_in(connection, case, readings.seen_by(connection, case, person))


def seen_in(connection: Connection, case: Case, reading: int) -> list[Seen]:
    """Like :func:`seen_of`, within a transaction: critical ones first, then by place.

    What was seen in a cell that is no longer there is left out. A field that does not count may
    still show a parasite.
    """
    wanted = (FIRST, SECOND, SETTLING) if reading == SETTLING else (reading,)
    query = (
        select(TABLE)
        .where(TABLE.c.case_id == case.id, TABLE.c.version == case.version)
        .where(TABLE.c.reading.in_(wanted))
        .order_by(TABLE.c.reading, TABLE.c.id)
    )
    found: dict[tuple[str, int, int | None, Box | None], Seen] = {}
    for row in connection.execute(query):
        box = None if row.x0_px is None else corners_of(row)
        place = (row.term, row.picture_id, row.cell_id, box)
        before = found.get(place)
        if row.present:
            names = (*(before.reader_names if before else ()), row.reader_name)
            readers = tuple(dict.fromkeys(names))
            found[place] = Seen(*place[:3], readers, row.seen_at, box)
        elif row.reading == SETTLING:
            found.pop(place, None)
    numbers = [one.cell_id for one in found.values() if one.cell_id is not None]
    boxes = reading_boxes.boxes_in(connection, case, reading, numbers) if numbers else {}
    there = [
        one
        for one in found.values()
        if one.cell_id is None or (one.cell_id in boxes and not boxes[one.cell_id].deleted)
    ]
    return sorted(
        there,
        key=lambda one: (
            *(not one.is_critical, one.term, one.picture_id, one.cell_id or 0),
            one.box_xyxy_px or (),
        ),
    )


def carry(book: Recording, case: Case) -> None:
    """Copy what stands into the first reading of the version that an amendment opens."""
    rows = [
        {
            "case_id": case.id,
            "picture_id": one.picture_id,
            "cell_id": one.cell_id,
            "version": case.version + 1,
            "reading": FIRST,
            "term": one.term,
            "present": True,
            "carried": True,
            "reader": book.person.subject,
            "reader_name": ", ".join(one.reader_names)[:120],
            "seen_at": one.seen_at,
            "revision": 1,
            **dict(zip(CORNERS, one.box_xyxy_px or (None,) * 4, strict=True)),
        }
        for one in seen_in(book.connection, case, case.reading)
    ]
    book.insert_many(TABLE, rows)
