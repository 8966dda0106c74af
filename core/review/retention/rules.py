"""How old a case must be before it may be erased, and from when on it should be."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, func, select

from core.access.people import Person
from core.access.rights import require
from core.review.record.case_rows import Case
from core.review.record.errors import CaseRefused
from core.review.record.review_store import ReviewStore
from core.settings import settings
from core.store.review_schema import cases, signatures

_YEAR = timedelta(days=365.25)


@dataclass(frozen=True)
class DueCase:
    """A case that is kept longer than the site's rule says. ``since``: its age is counted from."""

    case_id: int
    accession: str
    since: datetime


def due(store: ReviewStore, person: Person, now: datetime | None = None) -> list[DueCase]:
    """Cases older than ``HEMADESK_ERASE_AFTER_YEARS``, the oldest first; none where that is 0.

    The age of a case counts from its last signature, of one never signed from its creation.

    Raises NotAllowed without the right to erase.
    """
    require(person, "erase")
    years = settings().erase_after_years
    if not years:
        return []
    before = (now or datetime.now(UTC)) - years * _YEAR
    last = func.max(signatures.c.signed_at)
    query = (
        select(cases.c.id, cases.c.accession, cases.c.created_at, last.label("signed_at"))
        .outerjoin(signatures, signatures.c.case_id == cases.c.id)
        .group_by(cases.c.id)
    )
    with store.database.read() as connection:
        found = [
            DueCase(row.id, row.accession, row.signed_at or row.created_at)
            for row in connection.execute(query)
        ]
    return sorted((one for one in found if one.since < before), key=lambda one: one.since)


def check_old_enough(connection: Connection, case: Case, now: datetime | None = None) -> None:
    """Raises CaseRefused for a case that was signed within ``HEMADESK_KEEP_SIGNED_YEARS``."""
    years = settings().keep_signed_years
    query = select(func.max(signatures.c.signed_at)).where(signatures.c.case_id == case.id)
    signed = connection.execute(query).scalar()
    if not years or signed is None:
        return
    until = signed + years * _YEAR
    if until > (now or datetime.now(UTC)):
        raise CaseRefused(
            f"case {case.accession} was signed on {signed:%Y-%m-%d} and is kept for {years:g} "
            f"years, until {until:%Y-%m-%d} (HEMADESK_KEEP_SIGNED_YEARS); nothing was erased"
        )
