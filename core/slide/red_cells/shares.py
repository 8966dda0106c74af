"""Share of each shape over the judged red cells of a slide."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from core.records import SmearFinding
from core.records.red_cell import SHAPES, RedCellMeasures, RedCellShape
from core.slide import judgement
from core.slide.red_cells.terms import NO_SHAPE
from core.statistics.intervals import Interval, clopper_pearson


@dataclass(frozen=True)
class JudgedCell:
    """A red cell as it counts: ``shape`` of ``SHAPES``, or why it counts in none.

    ``corrected``: a reader said so, and the model something else or nothing.
    """

    shape: str
    not_judged: str = ""
    measures: RedCellMeasures | None = None
    corrected: bool = False
    model: str = ""

    def __post_init__(self) -> None:
        if bool(self.shape) == bool(self.not_judged):
            raise ValueError("a red cell has a shape or the reason why it has none")
        if self.shape and self.shape not in SHAPES:
            raise ValueError(f"unknown shape of a red cell {self.shape!r}")


@dataclass(frozen=True)
class ShapeShare:
    """``cells`` of the judged ones have this shape; share and exact 95 % interval in [0, 1]."""

    shape: str
    cells: int
    share: float
    interval: Interval


@dataclass(frozen=True)
class ShapeShares:
    """Every shape of ``SHAPES`` in that order, and what they rest on.

    The intervals are those of counting alone: the model's own errors are in its card.
    """

    rows: tuple[ShapeShare, ...]
    judged: int
    not_judged: Mapping[str, int]
    corrected: int

    def of(self, shape: str) -> ShapeShare:
        return self.rows[SHAPES.index(shape)]


def judged_cell(given: RedCellShape | None, reader: str | None = None) -> JudgedCell:
    """How one red cell counts.

    Args:
        given: what the model said of it; None where it was not asked.
        reader: the shape a reader gave it, ``NO_SHAPE`` where they could not tell; None: nobody.
    """
    measures, model = (given.measures, given.model) if given else (None, "")
    if reader == NO_SHAPE:
        corrected = given is None or not given.not_judged
        return JudgedCell("", "by_reader", measures, corrected, model)
    if reader is not None:
        corrected = given is None or bool(given.not_judged) or given.label != reader
        return JudgedCell(reader, "", measures, corrected, model)
    if given is None:
        return JudgedCell("", "not_asked")
    if given.not_judged:
        return JudgedCell("", given.not_judged, measures, False, model)
    return JudgedCell(given.label, "", measures, False, model)


def judged_cells(findings: Iterable[SmearFinding]) -> list[JudgedCell]:
    """Every red cell of the fields that count; empty where the model of shapes was not there."""
    red = [cell for one in judgement.included(findings) for cell in one.cells_of("rbc")]
    if all(cell.shape is None for cell in red):
        return []
    return [judged_cell(cell.shape) for cell in red]


def shape_shares(cells: Iterable[JudgedCell]) -> ShapeShares:
    """The shares over the cells that were judged; the others are counted by their reason."""
    everything = list(cells)
    counted = Counter(cell.shape for cell in everything if cell.shape)
    judged = sum(counted.values())
    rows = tuple(
        ShapeShare(
            shape,
            counted[shape],
            counted[shape] / judged if judged else 0.0,
            clopper_pearson(counted[shape], judged),
        )
        for shape in SHAPES
    )
    reasons = Counter(cell.not_judged for cell in everything if cell.not_judged)
    return ShapeShares(
        rows, judged, dict(reasons.most_common()), sum(cell.corrected for cell in everything)
    )
