"""Erasing cases for good: their rows, what the ledger says of them, their pictures and copies.

The chain of the ledger stays whole (:mod:`core.review.record.ledger`). One entry for each erased
case says who erased it, when and why; it names the rows that are gone and the entries whose content
was taken out, so that :func:`core.review.record.integrity.verify` tells erasing from tampering.

The rows go in one transaction, the files after it. Where the process dies between the two,
:func:`finish` removes the rest at the next start; the ledger says what there is to remove.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, Table, delete, func, or_, select, update

from core.access.people import Person
from core.access.rights import require
from core.review.record.case_rows import Case, case_in
from core.review.record.errors import CaseRefused
from core.review.record.ledger import (
    RECORDED,
    Change,
    Recording,
    changes_of,
    changes_text,
    entry_of,
    plain_row,
    recording,
    sha256_of_values,
)
from core.review.record.review_store import ReviewStore
from core.review.retention import leftovers, rules
from core.store import review_schema as schema
from core.store.schema import metadata

ACTION: Final = "erase_case"
LONGEST_REASON: Final = 500
_MENTIONS: Final = "also in "
"""How the detail of an entry begins that names other cases with the same picture."""


@dataclass(frozen=True)
class Extent:
    """What erasing a case removes."""

    case: Case
    pictures: int
    cells: int
    signatures: int
    entries: int
    training_sets: tuple[str, ...]


@dataclass(frozen=True)
class Erased:
    """An erased case as the ledger has it: its number, who erased it, when and why."""

    case_id: int
    at: str
    by: str
    reason: str


def extent(store: ReviewStore, person: Person, case_id: int) -> Extent:
    """What would go with a case. Raises NotAllowed, CaseRefused."""
    require(person, "erase")
    with store.database.read() as connection:
        case = case_in(connection, case_id)
        rows = _rows_of(connection, case_id)
        numbers = {table.name: len(ids) for table, ids in rows.items()}
        entries = select(schema.ledger.c.number).where(schema.ledger.c.case_id == case_id)
        return Extent(
            case,
            numbers["case_pictures"],
            numbers["case_cells"],
            numbers["signatures"],
            len(connection.execute(entries).all()),
            leftovers.sets_with(store, connection, {case_id}),
        )


def of_patient(store: ReviewStore, person: Person, pseudonym: str) -> list[int]:
    """Numbers of the cases with a pseudonym, letters of either size. Raises NotAllowed."""
    require(person, "erase")
    wanted = pseudonym.strip().lower()
    query = select(schema.cases.c.id).order_by(schema.cases.c.id)
    same = query.where(func.lower(schema.cases.c.pseudonym) == wanted)
    with store.database.read() as connection:
        return [int(number) for number in connection.execute(same).scalars()] if wanted else []


def erase(store: ReviewStore, person: Person, case_ids: Sequence[int], reason: str) -> list[Erased]:
    """Erase cases for good; the first one only after all of them were found erasable.

    Args:
        store: the database and its folder.
        person: who erases them; the ledger keeps their name.
        case_ids: which.
        reason: why; the ledger keeps it, so it should name no patient.

    Raises:
        NotAllowed: without the right to erase.
        CaseRefused: without a reason, for a case that there is not, that was signed too short a
            time ago (``HEMADESK_KEEP_SIGNED_YEARS``), or whose name stands in the reason.
        OSError: if a file cannot be removed; the rows are gone then, and the rest goes at the next
            start.
    """
    require(person, "erase")
    reason = reason.strip()
    if not reason:
        raise CaseRefused("erasing a case needs a reason")
    if len(reason) > LONGEST_REASON:
        raise CaseRefused(f"a reason has at most {LONGEST_REASON} characters")
    with store.database.read() as connection:
        for case_id in case_ids:
            _check(connection, case_id, reason)
    for case_id in dict.fromkeys(case_ids):
        with recording(store, person, ACTION, case_id=case_id, detail=reason) as book:
            _check(book.connection, case_id, reason)
            _erase_rows(store, book, case_id)
    finish(store)
    store.database.forget_deleted()
    return [one for one in erased(store, person) if one.case_id in set(case_ids)]


def erased(store: ReviewStore, person: Person) -> list[Erased]:
    """Every case that was erased, the last one first. Raises NotAllowed."""
    require(person, "read")
    with store.database.read() as connection:
        return [
            Erased(row.case_id, row.at, row.who_name, row.detail)
            for row in connection.execute(
                select(schema.ledger)
                .where(schema.ledger.c.action == ACTION)
                .order_by(schema.ledger.c.number.desc())
            )
        ]


def finish(store: ReviewStore) -> None:
    """Remove the files of erased cases that are still there. Raises OSError."""
    with store.database.read() as connection:
        query = select(schema.ledger).where(schema.ledger.c.action == ACTION)
        gone = [entry_of(row._mapping) for row in connection.execute(query)]
        if not gone:
            return
        pictures = {
            str(change.new["sha256"])
            for entry in gone
            for change in entry.changes
            if change.erased and change.table == schema.case_pictures.name
        }
        cases = {int(entry.case_id) for entry in gone if entry.case_id is not None}
        leftovers.remove_pictures(store, connection, pictures)
        leftovers.remove_from_sets(store, connection, cases)
    leftovers.remove_acquaintances(store, cases)


def _check(connection: Connection, case_id: int, reason: str) -> None:
    case = case_in(connection, case_id)
    rules.check_old_enough(connection, case)
    for name in (case.accession, case.pseudonym):
        if name and name.casefold() in reason.casefold():
            raise CaseRefused(
                f"the reason names {name}, and the ledger keeps the reason for good; say why "
                "without naming the case or the patient"
            )


def _rows_of(connection: Connection, case_id: int) -> dict[Table, list[int]]:
    """The rows of a case, the tables in the order in which they can be deleted."""
    rows = {}
    for table in reversed(metadata.sorted_tables):
        if table not in RECORDED:
            continue
        if table is schema.cases:
            own = table.c.id == case_id
        elif "case_id" in table.c:
            own = table.c.case_id == case_id
        else:
            continue
        query = select(table.c.id).where(own).order_by(table.c.id)
        rows[table] = [int(number) for number in connection.execute(query).scalars()]
    return rows


def _erase_rows(store: ReviewStore, book: Recording, case_id: int) -> None:
    connection = book.connection
    case = case_in(connection, case_id)
    rows = _rows_of(connection, case_id)
    pictures = schema.case_pictures
    names = select(pictures.c.id, pictures.c.sha256).where(pictures.c.case_id == case_id)
    sha256 = {row.id: row.sha256 for row in connection.execute(names)}
    gone = {(table.name, number) for table, numbers in rows.items() for number in numbers}
    entries = schema.ledger
    query = select(entries).where(
        or_(entries.c.case_id == case_id, entries.c.detail.like(f"{_MENTIONS}%"))
    )
    for row in connection.execute(query.order_by(entries.c.number)).all():
        _take_out(book, {**row._mapping}, case, gone)
    for table, numbers in rows.items():
        own = table.c.id if table is schema.cases else table.c.case_id
        connection.execute(delete(table).where(own == case_id))
        for number in numbers:
            # The hash of a picture says nothing of it, and lets its file be found.
            new = {"sha256": sha256[number]} if table is pictures else {}
            book.changes.append(Change(table.name, number, None, new, erased=True))
    leftovers.record_sets_without(store, book, {case_id})


def _take_out(
    book: Recording, row: Mapping[str, object], case: Case, gone: Collection[tuple[str, int]]
) -> None:
    """Take what an entry says of a case out of it, and record what it is without that."""
    entry = dict(row)
    own = entry["case_id"] == case.id
    changes = [
        Change(one.table, one.row, None, {}) if (one.table, one.row) in gone else one
        for one in changes_of(str(entry["changes"]))
    ]
    detail = "" if own else _unnamed(str(entry["detail"]), case.accession)
    if not own and detail == entry["detail"]:
        return
    without = {"detail": detail, "changes": changes_text(changes), "salt": None}
    table = schema.ledger
    book.connection.execute(update(table).where(table.c.number == entry["number"]).values(without))
    sha256 = sha256_of_values(plain_row(table, {**entry, **without}))
    book.changes.append(Change(table.name, int(str(entry["number"])), None, {"sha256": sha256}))


def _unnamed(detail: str, accession: str) -> str:
    """``also in A-1, because: ...`` without the accession number."""
    where, because, why = detail.partition(", because: ")
    named = re.compile(rf"(?<![^ ]){re.escape(accession)}(?=,|$)")
    return named.sub("an erased case", where) + because + why
