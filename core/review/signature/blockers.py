"""What stands between a case and its signature."""

from collections.abc import Sequence

from sqlalchemy import Connection

from core.review.reading import reading_boxes
from core.review.reading.cells import UNIDENTIFIED, ReviewCell
from core.review.record.case_rows import Case
from core.review.record.errors import Blocker
from core.review.record.readings import FIRST, SECOND, SETTLING
from core.settings import settings
from core.taxonomy import CRITICAL_CLASSES


def of_case(connection: Connection, case: Case, white: Sequence[ReviewCell]) -> tuple[Blocker, ...]:
    """Everything that stands against signing the case with these unveiled white cells."""
    found = list(incomplete(white))
    boxes = reading_boxes.unsettled(connection, case) if case.reading == SETTLING else ()
    if boxes:
        number = f"{len(boxes)} box{'' if len(boxes) == 1 else 'es'}"
        message = f"the two readers differ in {number}; settle them under 2 Fields"
        found.insert(0, Blocker("differing_boxes", message, False, boxes))
    if case.reading == FIRST and _needs_second(white):
        message = "a second reader is asked for in this case; finish your reading first"
        found.append(Blocker("second_reading", message, False))
    if case.reading == SECOND:
        found.append(Blocker("second_reading", "the second reader has not finished", False))
    return tuple(found)


def incomplete(white: Sequence[ReviewCell]) -> list[Blocker]:
    """What is still open in the cells of one reading."""
    found = []
    differing = tuple(cell.id for cell in white if cell.differs and cell.label is None)
    if differing:
        message = f"the two readers differ in {_cells(len(differing))}; settle them"
        found.append(Blocker("differing", message, False, differing))
    open_ = tuple(cell.id for cell in white if cell.label is None and not cell.differs)
    if open_:
        found.append(Blocker("unreviewed", f"{_cells(len(open_))} not reviewed", True, open_))
    unknown = tuple(cell.id for cell in white if cell.label == UNIDENTIFIED)
    if unknown:
        found.append(Blocker("unidentified", f"{_cells(len(unknown))} unidentified", True, unknown))
    return found


def _cells(number: int) -> str:
    return f"{number} white cell{'' if number == 1 else 's'}"


def _needs_second(white: Sequence[ReviewCell]) -> bool:
    wish = settings().second_reader
    if wish == "critical":
        return any(
            cell.is_critical or (cell.call is not None and cell.call.label in CRITICAL_CLASSES)
            for cell in white
        )
    return wish == "always"
