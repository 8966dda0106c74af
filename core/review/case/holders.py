"""Who has a case: taking it, taking it over, assigning it, giving it back."""

from datetime import UTC, datetime

from core.access.people import Person
from core.access.rights import may, require, require_any
from core.review.record import readings
from core.review.record.case_rows import Case, case_in, open_case
from core.review.record.errors import CaseRefused, TakenByOther
from core.review.record.ledger import recording
from core.review.record.review_store import ReviewStore
from core.store.review_schema import cases


def take(store: ReviewStore, person: Person, case_id: int, *, over: bool = False) -> Case:
    """Take a case to review it; ``over`` also from somebody else.

    Raises:
        NotAllowed: without the right to review.
        TakenByOther: if somebody else has it.
        NotYourReading: the second reading, to a first reader.
    """
    require(person, "review")
    with recording(store, person, "take", case_id=case_id) as book:
        found = open_case(book.connection, case_id)
        readings.writable_by(book.connection, found, person)
        if found.assigned_to == person.subject:
            return found
        if found.assigned_to is not None and not over:
            raise TakenByOther(str(found.assigned_name), found.assigned_since)
        book.update(
            cases,
            case_id,
            assigned_to=person.subject,
            assigned_name=person.name,
            assigned_since=book.now,
        )
        return case_in(book.connection, case_id)


def assign(store: ReviewStore, person: Person, case_id: int, to: Person) -> Case:
    """Give a case to somebody.

    Raises:
        NotAllowed: without the right to review or upload.
        CaseRefused: if they may not review; NotYourReading if they are not to read it now.
    """
    require_any(person, "review", "upload")
    if not may(to, "review"):
        raise CaseRefused(f"{to.name} may not review, so no case can be given to them")
    with recording(store, person, "assign", case_id=case_id, detail=f"to {to.name}") as book:
        found = open_case(book.connection, case_id)
        readings.writable_by(book.connection, found, to)
        if found.assigned_to != to.subject:
            book.update(
                cases,
                case_id,
                assigned_to=to.subject,
                assigned_name=to.name,
                assigned_since=datetime.now(UTC),
            )
        return case_in(book.connection, case_id)


def give_back(store: ReviewStore, person: Person, case_id: int, reason: str = "") -> Case:
    """Give a case one has back to the list; the ledger keeps the reason.

    Raises NotAllowed, CaseRefused if it is another's.
    """
    require(person, "review")
    with recording(store, person, "give_back", case_id=case_id, detail=reason.strip()) as book:
        found = open_case(book.connection, case_id)
        if found.assigned_to is None:
            return found
        if found.assigned_to != person.subject:
            raise TakenByOther(str(found.assigned_name), found.assigned_since)
        book.update(cases, case_id, assigned_to=None, assigned_name=None, assigned_since=None)
        return case_in(book.connection, case_id)
