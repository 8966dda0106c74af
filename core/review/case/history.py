"""What happened to a case, in words."""

from core.access.people import Person
from core.access.rights import require
from core.review.record import readings
from core.review.record.case_rows import case_in
from core.review.record.ledger import Entry, entries
from core.review.record.readings import FINISHED_FIRST, FIRST, SECOND
from core.review.record.review_store import ReviewStore

_READERS_OWN = frozenset({"answer", "grade", "remark", "undo", "add_box", "change_box", "shape"})


def history(store: ReviewStore, person: Person, case_id: int) -> list[Entry]:
    """Entries of a case, oldest first.

    While the second reader is at work nobody but the first sees what the first one answered, and
    the first nothing of the second's.

    Raises:
        NotAllowed, CaseRefused.
    """
    require(person, "read")
    with store.database.read() as connection:
        case = case_in(connection, case_id)
        found = entries(connection, case_id)
        if case.reading != SECOND:
            return found
        handed_on = max((e.number for e in found if e.action == FINISHED_FIRST), default=0)
        is_first = readings.seen_by(connection, case, person) == FIRST
        return [
            entry
            for entry in found
            if entry.action not in _READERS_OWN or (entry.number < handed_on) == is_first
        ]
