"""What stands between a case and its signature."""

from collections.abc import Sequence

from sqlalchemy import Connection

from core.access.people import Person
from core.review.reading import reading_boxes
from core.review.reading.abnormalities import Seen, seen_in
from core.review.reading.cells import ReviewCell
from core.review.reading.grades import differences_in
from core.review.record import readings, roster
from core.review.record.case_rows import Case
from core.review.record.errors import Blocker
from core.review.record.readings import FIRST, SECOND, SETTLING
from core.settings import settings
from core.slide import judgement
from core.taxonomy import UNIDENTIFIED


def of_case(connection: Connection, case: Case, white: Sequence[ReviewCell]) -> tuple[Blocker, ...]:
    """Everything that stands against signing the case with these unveiled white cells."""
    found = list(incomplete(white))
    boxes = reading_boxes.unsettled(connection, case) if case.reading == SETTLING else ()
    if boxes:
        number = f"{len(boxes)} box{'' if len(boxes) == 1 else 'es'}"
        message = f"the two readers differ in {number}; settle {_it(len(boxes))} under 2 Fields"
        found.insert(0, Blocker("differing_boxes", message, False, boxes))
    grades = [one.term for one in differences_in(connection, case) if one.is_open]
    if grades:
        words = ", ".join(term.replace("_", " ") for term in grades)
        message = (
            f"the two readers differ in {words}; settle {_it(len(grades))} under 3 Red cells and "
            "platelets"
        )
        found.insert(0, Blocker("differing_grades", message, False))
    if case.reading == FIRST and case.halves:
        message = (
            "a second reader reads the other half of this case; finish your reading, or read all "
            "cells yourself (menu Case)"
        )
        found.append(Blocker("second_reading", message, False))
    elif case.reading == FIRST and _needs_second(white, seen_in(connection, case, case.reading)):
        others = second_readers(connection, case)
        message = "a second reader is asked for in this case; finish your reading first"
        if not others:
            message = "a second reader is asked for in this case, and nobody on the list can be one"
        # Where nobody can read second the case must not lie there for good.
        found.append(Blocker("second_reading", message, not others))
    if case.reading == SECOND:
        names = " or ".join(one.name for one in second_readers(connection, case)) or "nobody"
        message = f"the second reader has not finished ({names} can read it)"
        found.append(Blocker("second_reading", message, False))
    return tuple(found)


def incomplete(white: Sequence[ReviewCell]) -> list[Blocker]:
    """What is still open in the cells of one reading."""
    found = []
    white = [cell for cell in white if cell.included and cell.asked]
    differing = tuple(cell.id for cell in white if cell.differs and cell.label is None)
    if differing:
        message = (
            f"the two readers differ in {_cells(len(differing))}; settle {_it(len(differing))}"
        )
        found.append(Blocker("differing", message, False, differing))
    open_ = tuple(cell.id for cell in white if cell.label is None and not cell.differs)
    if open_:
        found.append(Blocker("unreviewed", f"{_cells(len(open_))} not reviewed", True, open_))
    proposed = [cell for cell in white if cell.is_preclassified]
    if proposed:
        names = " and ".join(sorted({cell.answer.reader_name for cell in proposed if cell.answer}))
        message = f"{_cells(len(proposed))} only pre-classified by {names}"
        numbers = tuple(cell.id for cell in proposed)
        found.append(Blocker("preclassified", message, True, numbers))
    unknown = tuple(cell.id for cell in white if cell.label == UNIDENTIFIED)
    if unknown:
        found.append(Blocker("unidentified", f"{_cells(len(unknown))} unidentified", True, unknown))
    return found


def second_readers(connection: Connection, case: Case) -> list[Person]:
    """People on the list who may be the second reader: they took no part in the first reading."""
    first = readings.first_readers(connection, case)
    return [person for person in roster.may_do(connection, "review") if person.subject not in first]


def _it(number: int) -> str:
    return "it" if number == 1 else "them"


def _cells(number: int) -> str:
    return f"{number} white cell{'' if number == 1 else 's'}"


def _needs_second(white: Sequence[ReviewCell], seen: Sequence[Seen]) -> bool:
    wish = settings().second_reader
    if wish == "critical":
        return any(one.is_critical for one in seen) or any(
            cell.is_critical or judgement.call_is_critical(cell.call)
            for cell in white
            if cell.included
        )
    return wish == "always"
