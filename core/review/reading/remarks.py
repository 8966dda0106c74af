"""Comments on a cell, a field or the whole case."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, select

from core.access.people import Person
from core.access.rights import require
from core.review.record import readings
from core.review.record.case_rows import Case, case_in, mark_in_review, open_case, picture_in
from core.review.record.errors import CaseRefused, Conflict, StaleEdit
from core.review.record.ledger import Recording, recording
from core.review.record.readings import SECOND
from core.review.record.review_store import ReviewStore
from core.store.review_schema import case_cells, remarks

LONGEST: Final = 4000


@dataclass(frozen=True)
class Remark:
    """A comment: on a cell where ``cell_id`` is set, else a field, else the case."""

    id: int
    case_id: int
    picture_id: int | None
    cell_id: int | None
    version: int
    reading: int
    text: str
    author: str
    author_name: str
    written_at: datetime
    deleted: bool
    revision: int


def remark(
    store: ReviewStore,
    person: Person,
    case_id: int,
    text: str,
    *,
    picture_id: int | None = None,
    cell_id: int | None = None,
) -> Remark:
    """Write a comment.

    Raises:
        NotAllowed: without the right to review.
        CaseRefused: for a signed case, an empty text, or a cell or field that is not in the case.
    """
    require(person, "review")
    with recording(store, person, "remark", case_id=case_id) as book:
        case = open_case(book.connection, case_id)
        reading = readings.writable_by(book.connection, case, person)
        if picture_id is not None and picture_in(book.connection, picture_id).case_id != case_id:
            raise CaseRefused(f"case {case.accession} has no picture {picture_id}")
        if cell_id is not None:
            cell = select(case_cells.c.picture_id).where(
                case_cells.c.id == cell_id, case_cells.c.case_id == case_id
            )
            picture_id = book.connection.execute(cell).scalar()
            if picture_id is None:
                raise CaseRefused(f"case {case.accession} has no cell {cell_id}")
        mark_in_review(book, case)
        number = book.insert(
            remarks,
            {
                "case_id": case_id,
                "picture_id": picture_id,
                "cell_id": cell_id,
                "version": case.version,
                "reading": reading,
                "text": _checked(text),
                "author": person.subject,
                "author_name": person.name,
                "written_at": book.now,
                "deleted": False,
                "revision": 1,
            },
        )
        return _get(book, case, number)


def change_remark(
    store: ReviewStore,
    person: Person,
    case_id: int,
    remark_id: int,
    revision: int,
    *,
    text: str | None = None,
    deleted: bool | None = None,
) -> Remark:
    """Change or take back one's own comment.

    Raises:
        NotAllowed: without the right to review.
        StaleEdit: if it was changed since ``revision``.
        CaseRefused: for a signed case, somebody else's comment, or an empty text.
    """
    require(person, "review")
    with recording(store, person, "remark", case_id=case_id) as book:
        case = open_case(book.connection, case_id)
        readings.writable_by(book.connection, case, person)
        now = _get(book, case, remark_id)
        if now.author != person.subject:
            raise CaseRefused(f"this comment is {now.author_name}'s; write one of your own")
        if now.revision != revision:
            theirs = "taken back" if now.deleted else now.text
            mine = text if text is not None else "taken back"
            by, at = now.author_name, now.written_at
            raise StaleEdit((Conflict("remark", remark_id, mine, theirs, by, at, now.revision),))
        if text is not None and _checked(text) != now.text:
            book.update(remarks, remark_id, text=_checked(text), written_at=book.now)
        if deleted is not None and deleted != now.deleted:
            book.update(remarks, remark_id, deleted=deleted)
        return _get(book, case, remark_id)


def remarks_of(store: ReviewStore, person: Person, case_id: int) -> list[Remark]:
    """Comments of a case, oldest first; the second reader sees none of the first's until done.

    Raises:
        NotAllowed, CaseRefused.
    """
    require(person, "read")
    with store.database.read() as connection:
        case = case_in(connection, case_id)
        return remarks_in(connection, case, readings.seen_by(connection, case, person))


def remarks_in(connection: Connection, case: Case, reading: int) -> list[Remark]:
    """The same within a transaction. Comments of earlier versions stay."""
    query = select(remarks).where(remarks.c.case_id == case.id, remarks.c.deleted.is_(False))
    found = [Remark(**row._mapping) for row in connection.execute(query.order_by(remarks.c.id))]
    if case.reading != SECOND:
        return found
    return [r for r in found if r.version < case.version or r.reading == reading]


def _get(book: Recording, case: Case, number: int) -> Remark:
    here = (remarks.c.id == number) & (remarks.c.case_id == case.id)
    row = book.connection.execute(select(remarks).where(here)).first()
    if row is None:
        raise CaseRefused(f"case {case.accession} has no comment {number}")
    return Remark(**row._mapping)


def _checked(text: str) -> str:
    text = text.strip()
    if not text:
        raise CaseRefused("an empty comment says nothing")
    if len(text) > LONGEST:
        raise CaseRefused(f"a comment has at most {LONGEST:,} characters, this has {len(text):,}")
    return text
