"""Finishing a reading, signing a case, and amending it as a new version."""

import hashlib
import json
import os
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, RowMapping, select

from core.access.people import Person
from core.access.rights import require
from core.review.reading import abnormalities, reading_boxes
from core.review.reading.cells import ReviewCell, cells_in
from core.review.reading.grades import grades_in
from core.review.reading.red_cells import shapes
from core.review.record import readings
from core.review.record.case_rows import Case, case_in, open_case, pictures_in
from core.review.record.errors import Blocker, CaseRefused, SignatureBlocked
from core.review.record.ledger import Recording, canonical, head, recording
from core.review.record.readings import FINISHED_FIRST, FIRST, SECOND, SETTLING
from core.review.record.review_store import ReviewStore
from core.review.signature.blockers import incomplete, of_case
from core.review.signature.snapshot import snapshot_of
from core.review.signature.snapshot_format import Snapshot
from core.store import review_schema as schema


@dataclass(frozen=True)
class Signature:
    """One signed version of a case. ``snapshot`` is everything it stands under."""

    id: int
    case_id: int
    version: int
    signed_by: str
    signed_name: str
    signed_at: datetime
    reason: str
    snapshot: Snapshot
    snapshot_sha256: str


def blockers(store: ReviewStore, person: Person, case_id: int) -> tuple[Blocker, ...]:
    """What stands between this case and its signature; empty if nothing does.

    Raises:
        NotAllowed: without the right to read.
        CaseRefused: if there is no such case or it is signed.
    """
    require(person, "read")
    with store.database.read() as connection:
        case = open_case(connection, case_id)
        reading = readings.seen_by(connection, case, person)
        return of_case(connection, case, cells_in(connection, case, reading, unveiled=True))


def finish_reading(store: ReviewStore, person: Person, case_id: int, reason: str = "") -> Case:
    """Hand a case on: from the first reader to the second, or from the second to be settled.

    Args:
        reason: why cells were left open or unidentified, where some were.

    Raises:
        NotAllowed: without the right to review.
        SignatureBlocked: if cells are open and no reason is given.
        NotYourReading: the second reading, to a first reader.
        CaseRefused: if the case is signed, or already being settled.
    """
    require(person, "review")
    with store.database.read() as connection:
        reading = case_in(connection, case_id).reading
    action = FINISHED_FIRST if reading == FIRST else "finish_second_reading"
    with recording(store, person, action, case_id=case_id, detail=reason.strip()) as book:
        case = open_case(book.connection, case_id)
        if case.reading != reading or case.reading == SETTLING:
            raise CaseRefused(f"case {case.accession} is no longer in this reading")
        if not pictures_in(book.connection, case_id):
            raise CaseRefused(f"case {case.accession} has no picture, so there is nothing to read")
        mine = readings.writable_by(book.connection, case, person)
        left = incomplete(cells_in(book.connection, case, mine, unveiled=True))
        if left and not reason.strip():
            raise SignatureBlocked(tuple(left))
        if reading == SECOND:
            reading_boxes.merge_readings(book, case)
        book.update(
            schema.cases,
            case_id,
            state="second_review",
            reading=reading + 1,
            second_reader=True,
            assigned_to=None,
            assigned_name=None,
            assigned_since=None,
        )
        return case_in(book.connection, case_id)


def take_back_reading(store: ReviewStore, person: Person, case_id: int, reason: str) -> Case:
    """Take a case back from its second reading into the first one.

    What the second reader answered so far stays, and stands again when they read it again.

    Raises:
        NotAllowed: without the right to review.
        CaseRefused: without a reason, or if the case is not with its second reader.
    """
    require(person, "review")
    if not reason.strip():
        raise CaseRefused("taking a case back from its second reader needs a reason")
    action = "take_back_reading"
    with recording(store, person, action, case_id=case_id, detail=reason.strip()) as book:
        case = open_case(book.connection, case_id)
        if case.reading != SECOND:
            raise CaseRefused(f"case {case.accession} is not with a second reader")
        book.update(
            schema.cases,
            case_id,
            state="in_review",
            reading=FIRST,
            second_reader=False,
            assigned_to=None,
            assigned_name=None,
            assigned_since=None,
        )
        return case_in(book.connection, case_id)


def sign(store: ReviewStore, person: Person, case_id: int, reason: str = "") -> Signature:
    """Sign a case: its content becomes a version that is kept for good.

    Args:
        reason: why it is signed although cells are open or unidentified.

    Raises:
        NotAllowed: without the right to sign.
        SignatureBlocked: if something stands against it that a reason does not lift, or does and
            none is given.
        CaseRefused: if it is signed already or has no picture.
    """
    require(person, "sign")
    with recording(store, person, "sign", case_id=case_id, detail=reason.strip()) as book:
        case = open_case(book.connection, case_id)
        white = cells_in(book.connection, case, case.reading, unveiled=True)
        against = [
            b
            for b in of_case(book.connection, case, white)
            if not (b.reason_suffices and reason.strip())
        ]
        if against:
            raise SignatureBlocked(tuple(against))
        snapshot = snapshot_of(book.connection, case, person, reason.strip(), book.now)
        if not snapshot["pictures"]:
            raise CaseRefused(f"case {case.accession} has no picture, so there is nothing to sign")
        signature = write_signature(book, case, person, reason.strip(), snapshot)
    anchor(store)
    return signature


def write_signature(
    book: Recording, case: Case, person: Person, reason: str, snapshot: Snapshot
) -> Signature:
    """Close the case under this snapshot, within a transaction that checked that it may be."""
    text = canonical(snapshot)
    book.model = " ".join(sorted({m for p in snapshot["pictures"] for m in p["models"].values()}))
    number = book.insert(
        schema.signatures,
        {
            "case_id": case.id,
            "version": case.version,
            "signed_by": person.subject,
            "signed_name": person.name,
            "signed_at": book.now,
            "reason": reason,
            "snapshot": text,
            "snapshot_sha256": hashlib.sha256(text.encode()).hexdigest(),
        },
    )
    book.update(
        schema.cases,
        case.id,
        state="signed" if case.version == 1 else "amended",
        signed_at=book.now,
        assigned_to=None,
        assigned_name=None,
        assigned_since=None,
    )
    row = book.connection.execute(
        select(schema.signatures).where(schema.signatures.c.id == number)
    ).one()
    return signature_of(row._mapping)


def amend(store: ReviewStore, person: Person, case_id: int, reason: str) -> Case:
    """Open a signed case again as its next version; the signed one stays as it is.

    The verified answers, boxes and grades come over as the new version's first reading.

    Raises:
        NotAllowed: without the right to sign.
        CaseRefused: if it is not signed, or no reason is given.
    """
    require(person, "sign")
    if not reason.strip():
        raise CaseRefused("an amendment needs a reason")
    with recording(store, person, "amend", case_id=case_id, detail=reason.strip()) as book:
        case = case_in(book.connection, case_id)
        if not case.is_closed:
            raise CaseRefused(f"case {case.accession} is not signed; change it as it is")
        white = cells_in(
            book.connection, case, case.reading, kind="wbc", with_deleted=True, unveiled=True
        )
        graded = grades_in(book.connection, case, case.reading)
        abnormalities.carry(book, case)
        shapes.carry(book, case)
        reading_boxes.carry(book, case)
        book.update(
            schema.cases,
            case_id,
            state="in_review",
            version=case.version + 1,
            reading=FIRST,
            second_reader=False,
            signed_at=None,
            halves=None,
        )
        book.insert_many(schema.answers, [r for cell in white if (r := _carried(case, cell))])
        book.insert_many(
            schema.grades,
            [
                {
                    "case_id": case_id,
                    "version": case.version + 1,
                    "reading": FIRST,
                    "term": one.term,
                    "grade": one.grade,
                    "words": one.words,
                    "reader": one.reader,
                    "reader_name": one.reader_name,
                    "graded_at": one.graded_at,
                    "revision": 1,
                }
                for one in graded.values()
            ],
        )
        return case_in(book.connection, case_id)


def _carried(case: Case, cell: ReviewCell) -> dict[str, object] | None:
    last = cell.answer or cell.second or cell.first
    if cell.label is None or last is None:
        return None
    return {
        "case_id": case.id,
        "cell_id": cell.id,
        "version": case.version + 1,
        "reading": FIRST,
        "label": cell.label,
        "blind": False,
        "carried": True,
        "reader": last.reader,
        "reader_name": last.reader_name,
        "answered_at": last.answered_at,
        "seconds": None,
        "revision": 1,
    }


def versions(store: ReviewStore, person: Person, case_id: int) -> list[Signature]:
    """The signed versions of a case, oldest first. Raises NotAllowed, CaseRefused."""
    require(person, "read")
    with store.database.read() as connection:
        case_in(connection, case_id)
        return signatures_in(connection, case_id)


def signatures_in(connection: Connection, case_id: int) -> list[Signature]:
    """Like :func:`versions`, within a transaction."""
    table = schema.signatures
    query = select(table).where(table.c.case_id == case_id).order_by(table.c.version)
    return [signature_of(row._mapping) for row in connection.execute(query)]


def signature_of(row: RowMapping) -> Signature:
    """A signature from its row."""
    return Signature(**{**row, "snapshot": json.loads(row["snapshot"])})


def anchor(store: ReviewStore) -> None:
    """Write the ledger's head into a file outside the database, one line for each time.

    Whoever rewrites the whole chain in the database has these lines against them.
    """
    store.folder.mkdir(parents=True, exist_ok=True)
    with store.anchors.open("a", encoding="ascii") as handle:
        handle.write(f"{head(store)}\n")
        handle.flush()
        os.fsync(handle.fileno())
