"""What becomes of a case besides its readings: cancelled, opened again, fields taken out and in."""

from core.access.people import Person
from core.access.rights import require_any
from core.review.record.case_rows import (
    Case,
    CasePicture,
    case_in,
    open_case,
    picture_in,
    update_doubts,
)
from core.review.record.errors import CaseRefused
from core.review.record.ledger import recording
from core.review.record.review_store import ReviewStore
from core.store.review_schema import case_pictures, cases

LONGEST_REASON = 500


def cancel(store: ReviewStore, person: Person, case_id: int, reason: str) -> Case:
    """Cancel an unsigned case. Nothing of it is lost, and it can be opened again.

    Raises:
        NotAllowed: without the right to upload or review.
        CaseRefused: without a reason, or if the case is signed or cancelled already.
    """
    require_any(person, "upload", "review")
    reason = _stated(reason, "cancelling a case")
    with recording(store, person, "cancel_case", case_id=case_id, detail=reason) as book:
        open_case(book.connection, case_id)
        book.update(
            cases,
            case_id,
            cancelled_at=book.now,
            cancelled_reason=reason,
            assigned_to=None,
            assigned_name=None,
            assigned_since=None,
        )
        return case_in(book.connection, case_id)


def reopen(store: ReviewStore, person: Person, case_id: int, reason: str) -> Case:
    """Open a cancelled case again, as it was.

    Raises:
        NotAllowed: without the right to upload or review.
        CaseRefused: without a reason, or if the case is not cancelled.
    """
    require_any(person, "upload", "review")
    reason = _stated(reason, "opening a cancelled case")
    with recording(store, person, "reopen_case", case_id=case_id, detail=reason) as book:
        case = case_in(book.connection, case_id)
        if not case.is_cancelled:
            raise CaseRefused(f"case {case.accession} is not cancelled")
        book.update(cases, case_id, cancelled_at=None, cancelled_reason=None)
        return case_in(book.connection, case_id)


def include_field(
    store: ReviewStore, person: Person, case_id: int, picture_id: int, included: bool
) -> CasePicture:
    """Take a field of an unsigned case out, or in.

    A field that is out is in no count, no differential and no label; what was answered in it stays.

    Raises:
        NotAllowed: without the right to upload or review.
        CaseRefused: if the case is signed or cancelled, or has no such field.
    """
    require_any(person, "upload", "review")
    with recording(store, person, "include_field", case_id=case_id) as book:
        case = open_case(book.connection, case_id)
        picture = picture_in(book.connection, picture_id)
        if picture.case_id != case_id or picture.kind != "field":
            raise CaseRefused(f"case {case.accession} has no field {picture_id}")
        if picture.included != included:
            book.update(case_pictures, picture_id, included=included)
            book.detail = f"{picture.name}: {'taken in' if included else 'left out'}"
            update_doubts(book, case_id)
        return picture_in(book.connection, picture_id)


def _stated(reason: str, what: str) -> str:
    reason = reason.strip()
    if not reason:
        raise CaseRefused(f"{what} needs a reason")
    if len(reason) > LONGEST_REASON:
        raise CaseRefused(f"a reason has at most {LONGEST_REASON} characters")
    return reason
