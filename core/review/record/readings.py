"""Who reads when, and who may see whose answers.

Reading 1 is the first reader's. Where a second reader is asked for, reading 2 is another person's,
who sees nothing of the first until done; in reading 3 the two are laid side by side and settled.
"""

from typing import Final

from sqlalchemy import Connection, func, select

from core.access.people import Person
from core.review.record.case_rows import Case
from core.review.record.errors import CaseRefused
from core.review.record.review_store import ReviewStore
from core.store.review_schema import answers, box_edits, grades, ledger

FIRST: Final = 1
SECOND: Final = 2
SETTLING: Final = 3
FINISHED_FIRST: Final = "finish_first_reading"


class NotYourReading(CaseRefused):
    """The first reader is not the second one too."""


def first_readers(connection: Connection, case: Case) -> frozenset[str]:
    """Subjects of those who took part in the first reading of this version."""
    found: set[str] = set()
    for table in (answers, grades, box_edits):
        here = (table.c.case_id == case.id) & (table.c.version == case.version)
        mine = select(table.c.reader).where(here, table.c.reading == FIRST)
        if "carried" in table.c:
            mine = mine.where(table.c.carried.is_(False))
        found.update(connection.execute(mine.distinct()).scalars())
    # Also who finished it and was answered over, or took it back: they have seen what was answered.
    of_case = ledger.c.case_id == case.id
    amended = select(func.max(ledger.c.number)).where(of_case, ledger.c.action == "amend")
    since = connection.execute(amended).scalar() or 0
    ended = select(ledger.c.who).where(
        of_case, ledger.c.action == FINISHED_FIRST, ledger.c.number > since
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
    """Is it this person's turn: False for a first reader while the second reads."""
    with store.database.read() as connection:
        return case.reading != SECOND or person.subject not in first_readers(connection, case)
