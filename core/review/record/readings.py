"""Who reads when, and who may see whose answers.

Reading 1 is the first reader's. Where a second reader is asked for, reading 2 is another person's,
who sees nothing of the first until done; in reading 3 the two are compared and adjudicated.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, Table, select

from core.access.people import Person
from core.review.record.case_rows import Case
from core.review.record.errors import CaseRefused
from core.review.record.ledger import moment_of
from core.review.record.review_store import ReviewStore
from core.store.review_schema import (
    abnormalities,
    answers,
    box_confirmations,
    box_edits,
    grades,
    ledger,
    red_cell_shapes,
)

FIRST: Final = 1
SECOND: Final = 2
SETTLING: Final = 3
FINISHED_FIRST: Final = "finish_first_reading"


class NotYourReading(CaseRefused):
    """The first reader is not the second one too."""


@dataclass(frozen=True)
class _Beginning:
    """Where the version of a case begins in the ledger: its amendment, or the case itself."""

    entry: int
    at: datetime | None


def _beginning(connection: Connection, case: Case) -> _Beginning:
    query = (
        select(ledger.c.number, ledger.c.at)
        .where(ledger.c.case_id == case.id, ledger.c.action == "amend")
        .order_by(ledger.c.number.desc())
        .limit(1)
    )
    row = connection.execute(query).first()
    if row is None:
        return _Beginning(0, None)
    return _Beginning(row.number, moment_of(row.at))


def readers_of(
    connection: Connection, case: Case, tables: Iterable[Table]
) -> set[tuple[int, str, str]]:
    """(reading, subject, name) of those who wrote rows of these tables in the case's version.

    What an amendment copied from the version before was read by nobody in this one. Grades have no
    column that says so: an amendment keeps the moment at which they were given.
    """
    since = _beginning(connection, case).at
    found: set[tuple[int, str, str]] = set()
    for table in tables:
        query = select(table.c.reading, table.c.reader, table.c.reader_name).where(
            table.c.case_id == case.id, table.c.version == case.version
        )
        if "carried" in table.c:
            query = query.where(table.c.carried.is_(False))
        elif table is grades and since is not None:
            query = query.where(grades.c.graded_at > since)
        found |= {(row.reading, row.reader, row.reader_name) for row in connection.execute(query)}
    return found


def first_readers(connection: Connection, case: Case) -> frozenset[str]:
    """Subjects of those who took part in the first reading of this version."""
    tables = (answers, grades, box_edits, box_confirmations, abnormalities, red_cell_shapes)
    found = {
        subject for reading, subject, _ in readers_of(connection, case, tables) if reading == FIRST
    }
    # Also who finished it and was answered over, or took it back: they have seen what was answered.
    ended = select(ledger.c.who).where(
        ledger.c.case_id == case.id,
        ledger.c.action == FINISHED_FIRST,
        ledger.c.number > _beginning(connection, case).entry,
    )
    found.update(connection.execute(ended).scalars())
    return frozenset(found)


def seen_by(connection: Connection, case: Case, person: Person) -> int:
    """The reading whose answers this person sees now.

    While the second reader is at work the first sees their own, and everybody else the second's.
    """
    if case.reading == SECOND and person.subject in first_readers(connection, case):
        return FIRST
    return case.reading


def writable_by(connection: Connection, case: Case, person: Person) -> int:
    """The reading this person may add to now.

    Raises:
        NotYourReading: the second reading, to one of the first readers.
    """
    if case.reading == SECOND and person.subject in first_readers(connection, case):
        raise NotYourReading(
            f"case {case.accession} is with its second reader, who must be somebody else"
        )
    return case.reading


def may_write(store: ReviewStore, case: Case, person: Person) -> bool:
    """Whether it is this person's turn: False for a first reader while the second reads."""
    with store.database.read() as connection:
        return case.reading != SECOND or person.subject not in first_readers(connection, case)
