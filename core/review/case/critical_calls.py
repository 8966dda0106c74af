"""Calls about critical findings: who told whom of what, when, and whether it was read back.

A call belongs to the case, not to a reading: it may be written before the signature or after it.
Source: CAP COM.30000 and ISO 15189:2022, 7.4.1.3, on what is to be recorded.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import Connection, select

from core.access.people import Person
from core.access.rights import require
from core.review.record.case_rows import case_in
from core.review.record.errors import CaseRefused
from core.review.record.ledger import recording
from core.review.record.review_store import ReviewStore
from core.store.review_schema import critical_calls

LONGEST: Final = 500
_LONGEST_NAME: Final = 120
_CLOCKS_DIFFER: Final = timedelta(minutes=5)


@dataclass(frozen=True)
class CriticalCall:
    """One call. ``told`` is who was called, ``caller_name`` who called."""

    id: int
    case_id: int
    version: int
    finding: str
    told: str
    called_at: datetime
    read_back: bool
    caller: str
    caller_name: str
    written_at: datetime
    deleted: bool
    revision: int

    @property
    def sentence(self) -> str:
        """``Told Dr Li at 3 May 2026 10:12 UTC: blasts; read back. By Paul.``"""
        back = "read back" if self.read_back else "not read back"
        at = f"{self.called_at:%d %b %Y %H:%M} UTC"
        return f"{self.caller_name} told {self.told} at {at}: {self.finding}; {back}."


def write_call(
    store: ReviewStore,
    person: Person,
    case_id: int,
    finding: str,
    told: str,
    called_at: datetime,
    *,
    read_back: bool,
) -> CriticalCall:
    """Record a call.

    Args:
        store: the database and its folder.
        person: who called.
        case_id: open or signed.
        finding: what was said.
        told: who was called.
        called_at: when, with its zone.
        read_back: whether they repeated it.

    Raises:
        NotAllowed: without the right to review.
        CaseRefused: for a text that is missing or too long, or a time that has not come yet.
    """
    require(person, "review")
    finding, told = finding.strip(), told.strip()
    for words, what, longest in ((finding, "what was said", LONGEST), (told, "who", _LONGEST_NAME)):
        if not words or len(words) > longest:
            raise CaseRefused(f"a call needs {what}, of at most {longest} characters")
    if called_at > datetime.now(UTC) + _CLOCKS_DIFFER:
        raise CaseRefused(f"a call cannot have been at {called_at:%d %b %Y %H:%M}: that is to come")
    detail = f"told {told}: {finding}"
    with recording(store, person, "critical_call", case_id=case_id, detail=detail) as book:
        case = case_in(book.connection, case_id)
        number = book.insert(
            critical_calls,
            {
                "case_id": case_id,
                "version": case.version,
                "finding": finding,
                "told": told,
                "called_at": called_at,
                "read_back": read_back,
                "caller": person.subject,
                "caller_name": person.name,
                "written_at": book.now,
                "deleted": False,
                "revision": 1,
            },
        )
        return next(one for one in calls_in(book.connection, case_id) if one.id == number)


def withdraw_call(store: ReviewStore, person: Person, case_id: int, number: int) -> None:
    """Take back a call that one wrote by mistake; its entry stays in the ledger.

    Raises:
        NotAllowed: without the right to review.
        CaseRefused: for somebody else's, or one that is not of this case.
    """
    require(person, "review")
    with recording(store, person, "withdraw_call", case_id=case_id) as book:
        known = {one.id: one for one in calls_in(book.connection, case_id)}
        if number not in known:
            raise CaseRefused(f"there is no call {number} in this case")
        if known[number].caller != person.subject:
            raise CaseRefused(f"this call is {known[number].caller_name}'s")
        book.detail = known[number].finding
        book.update(critical_calls, number, deleted=True)


def calls_of(store: ReviewStore, person: Person, case_id: int) -> list[CriticalCall]:
    """Calls of a case, oldest first. Raises NotAllowed, CaseRefused."""
    require(person, "read")
    with store.database.read() as connection:
        case_in(connection, case_id)
        return calls_in(connection, case_id)


def calls_in(connection: Connection, case_id: int) -> list[CriticalCall]:
    """Like :func:`calls_of`, within a transaction."""
    table = critical_calls
    query = select(table).where(table.c.case_id == case_id, table.c.deleted.is_(False))
    rows = connection.execute(query.order_by(table.c.called_at, table.c.id))
    return [CriticalCall(**row._mapping) for row in rows]
