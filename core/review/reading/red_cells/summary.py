"""What the red cells of a case come to in a reading: readers' shapes before the model's."""

from collections.abc import Iterable, Mapping, Sequence

from core.review.reading.cells import ReviewCell
from core.review.reading.grades import Grade
from core.review.record.case_rows import CasePicture
from core.settings import settings
from core.slide.calibration import CALIBRATIONS, Calibration, read_calibrations
from core.slide.red_cells.shares import JudgedCell, judged_cell
from core.slide.red_cells.summary import RedCells, RedCellsJson, red_cells_in, um_per_px_of


def red_cells_of_case(
    cells: Iterable[ReviewCell], pictures: Iterable[CasePicture]
) -> RedCells | None:
    """Over the fields that count; None where no shape was asked for.

    Args:
        cells: of the reading, of any kinds; those taken away are in no number.
        pictures: of the case; palms are passed over.
    """
    red = [cell for cell in cells if cell.kind == "rbc" and cell.included and not cell.deleted]
    if all(cell.shape is None and cell.given_shape is None for cell in red):
        return None
    fields = [one.finding() for one in pictures if one.kind == "field" and one.left_out is None]
    return red_cells_in([as_judged(cell) for cell in red], um_per_px_of(fields, _calibrations()))


def as_judged(cell: ReviewCell) -> JudgedCell:
    """How a red cell of a case counts."""
    given = cell.given_shape
    if given is not None and given.differs:
        measures, model = (cell.shape.measures, cell.shape.model) if cell.shape else (None, "")
        return JudgedCell("", "readers_differ", measures, model=model)
    return judged_cell(cell.shape, given.shape if given else None)


def with_confirmed(found: RedCells | None, grades: Mapping[str, Grade]) -> RedCellsJson | None:
    """As files and a signature hold it: what is proposed, and beside it what readers graded."""
    if found is None:
        return None
    row = found.as_json()
    row["confirmed"] = {
        term: given.grade
        for term in found.grades
        if (given := grades.get(term)) is not None and given.grade is not None
    }
    return row


def _calibrations() -> Sequence[Calibration]:
    try:
        return read_calibrations(settings().var / CALIBRATIONS)
    except ValueError:
        return ()  # the page Settings says what is wrong; sizes stay in pixels
