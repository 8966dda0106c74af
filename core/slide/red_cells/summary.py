"""What the red cells of a slide come to, together: for screens, files and a signature."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NotRequired, TypedDict

from core.records import SmearFinding
from core.slide.calibration import Calibration
from core.slide.red_cells.grades import MINIMUM_CELLS, ProposedGrade, proposed_grades
from core.slide.red_cells.measures import Distribution, distributions
from core.slide.red_cells.shares import JudgedCell, ShapeShares, judged_cells, shape_shares
from core.slide.scale import scale_of


class ShareJson(TypedDict):
    """A share in [0, 1] with its exact 95 % interval."""

    cells: int
    share: float
    low: float
    high: float


class ProposedJson(TypedDict):
    """A proposed grade; ``lowest`` and ``highest`` are those at the ends of the interval."""

    shape: str
    proposed: int | None
    lowest: int
    highest: int
    per_1000: float


class MeasureJson(TypedDict):
    """``quantiles`` of 5, 25, 50, 75 and 95 %; ``unit`` is empty for a share or a ratio."""

    unit: str
    cells: int
    quantiles: list[float]


class RedCellsJson(TypedDict):
    """The key ``red_cells`` of files, and of a signed snapshot.

    ``enough`` False: too few cells were judged to propose a grade. ``corrected`` cells have a shape
    that a reader gave. ``confirmed`` is there in a case only: the readers' grades of these
    findings, by term.
    """

    judged: int
    minimum: int
    enough: bool
    not_judged: dict[str, int]
    corrected: int
    models: list[str]
    shapes: dict[str, ShareJson]
    grades: dict[str, ProposedJson]
    measures: dict[str, MeasureJson]
    confirmed: NotRequired[dict[str, int]]


@dataclass(frozen=True)
class RedCells:
    """Shares, proposed grades by term, and distributions, of one slide or one field."""

    shares: ShapeShares
    grades: Mapping[str, ProposedGrade]
    measures: tuple[Distribution, ...]
    models: tuple[str, ...]

    @property
    def is_enough(self) -> bool:
        return self.shares.judged >= MINIMUM_CELLS

    def as_json(self) -> RedCellsJson:
        return {
            "judged": self.shares.judged,
            "minimum": MINIMUM_CELLS,
            "enough": self.is_enough,
            "not_judged": dict(self.shares.not_judged),
            "corrected": self.shares.corrected,
            "models": list(self.models),
            "shapes": {
                row.shape: {
                    "cells": row.cells,
                    "share": round(row.share, 5),
                    "low": round(row.interval.low, 5),
                    "high": round(row.interval.high, 5),
                }
                for row in self.shares.rows
            },
            "grades": {
                term: {
                    "shape": one.share.shape,
                    "proposed": one.grade,
                    "lowest": one.lowest,
                    "highest": one.highest,
                    "per_1000": round(one.per_1000, 2),
                }
                for term, one in self.grades.items()
            },
            "measures": {
                one.name: {
                    "unit": one.unit,
                    "cells": len(one.values),
                    "quantiles": [round(value, 3) for value in one.quantiles],
                }
                for one in self.measures
            },
        }


def red_cells_of(
    findings: Iterable[SmearFinding], um_per_px: float | None = None
) -> RedCells | None:
    """Over the fields that count; None where no shape was asked for.

    Raises:
        ValueError: if the scale is not above 0.
    """
    return red_cells_in(judged_cells(findings), um_per_px)


def red_cells_in(cells: Sequence[JudgedCell], um_per_px: float | None = None) -> RedCells | None:
    """The same of cells that a reader may have corrected; None without any."""
    if not cells:
        return None
    shares = shape_shares(cells)
    models = tuple(sorted({cell.model for cell in cells if cell.model}))
    return RedCells(shares, proposed_grades(shares), distributions(cells, um_per_px), models)


def um_per_px_of(
    findings: Iterable[SmearFinding], calibrations: Sequence[Calibration]
) -> float | None:
    """The one scale that the site's calibrations give all these fields; None where there is none.

    A scale that rests on the red cells themselves is none: their sizes would measure themselves.
    """
    scales = {scale_of(one.width, one.height, None, calibrations) for one in findings}
    found = scales.pop() if len(scales) == 1 else None
    return found.um_per_px if found else None


def red_cells_json(findings: Iterable[SmearFinding]) -> dict[str, RedCellsJson]:
    """``{"red_cells": ...}``, or nothing where no shape was asked for: for ``|`` on a document."""
    found = red_cells_of(findings)
    return {"red_cells": found.as_json()} if found else {}
