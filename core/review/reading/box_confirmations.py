"""A reader confirms a field's boxes: every one was looked at and is right, and none is missing.

Boxes that nobody confirmed or changed are the program's own: no evidence of how well it counts.
"""

from sqlalchemy import Connection, select

from core.access.people import Person
from core.access.rights import require
from core.review.record import readings
from core.review.record.case_rows import Case, case_in, mark_in_review, open_case, picture_in
from core.review.record.errors import CaseRefused
from core.review.record.ledger import recording
from core.review.record.readings import FIRST, SECOND, SETTLING
from core.review.record.review_store import ReviewStore
from core.store.review_schema import box_confirmations


def confirm_boxes(
    store: ReviewStore, person: Person, case_id: int, picture_id: int, confirmed: bool = True
) -> None:
    """Confirm the boxes of a field in the reading one is in, or take that back.

    Raises:
        NotAllowed: without the right to review.
        NotYourReading, CaseRefused: for a case that is signed, or a picture that is no field of it.
    """
    require(person, "review")
    with recording(store, person, "confirm_boxes", case_id=case_id) as book:
        case = open_case(book.connection, case_id)
        reading = readings.writable_by(book.connection, case, person)
        picture = picture_in(book.connection, picture_id)
        if picture.case_id != case_id or picture.kind != "field":
            raise CaseRefused(f"case {case.accession} has no field {picture_id}")
        mark_in_review(book, case)
        here = (
            (box_confirmations.c.picture_id == picture_id)
            & (box_confirmations.c.version == case.version)
            & (box_confirmations.c.reading == reading)
        )
        row = book.connection.execute(select(box_confirmations).where(here)).first()
        values = {
            "confirmed": confirmed,
            "reader": person.subject,
            "reader_name": person.name,
            "confirmed_at": book.now,
        }
        book.detail = f"{picture.name}: boxes {'confirmed' if confirmed else 'no longer confirmed'}"
        if row is not None:
            book.update(box_confirmations, row.id, **values)
            return
        own = {"case_id": case_id, "picture_id": picture_id, "version": case.version}
        book.insert(box_confirmations, {**own, "reading": reading, **values, "revision": 1})


def confirmed_by(store: ReviewStore, person: Person, case_id: int) -> dict[int, tuple[str, ...]]:
    """Names of those who confirmed each field's boxes, as this person may see them.

    Raises NotAllowed, CaseRefused.
    """
    require(person, "read")
    with store.database.read() as connection:
        case = case_in(connection, case_id)
        return confirmed_in(connection, case, readings.seen_by(connection, case, person))


def confirmed_in(connection: Connection, case: Case, reading: int) -> dict[int, tuple[str, ...]]:
    """Like :func:`confirmed_by`, within a transaction; while settling, of both readers."""
    wanted = (FIRST, SECOND, SETTLING) if reading == SETTLING else (reading,)
    query = (
        select(box_confirmations)
        .where(
            box_confirmations.c.case_id == case.id,
            box_confirmations.c.version == case.version,
            box_confirmations.c.reading.in_(wanted),
            box_confirmations.c.confirmed,
        )
        .order_by(box_confirmations.c.reading)
    )
    found: dict[int, tuple[str, ...]] = {}
    for row in connection.execute(query):
        names = (*found.get(row.picture_id, ()), row.reader_name)
        found[row.picture_id] = tuple(dict.fromkeys(names))
    return found
