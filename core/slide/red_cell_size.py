"""Sizes of the red cells: diameters in micrometres, their spread, and what was left out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from core.inference.locate.edge import touches_edge
from core.records import Cell, SmearFinding
from core.slide import judgement

USUAL_DIAMETER_UM: Final = 7.5
"""Taken as the median where no calibration is entered: only the spread means anything then."""

_COVERED_SHARE: Final = 0.1
"""A box that shares more of itself with another cell's counts as overlapping."""


@dataclass(frozen=True)
class RedCellSizes:
    """Diameters of the whole, free-lying red cells, and how many others there were.

    ``diameters_um`` is sorted. ``spread`` is their coefficient of variation, an estimate of
    anisocytosis that includes the error of the boxes; None below two cells. ``calibrated`` is
    False where the median was taken as 7.5 micrometres.
    """

    diameters_um: npt.NDArray[np.float64]
    median_um: float | None
    spread: float | None
    cells: int
    share_at_edge: float
    share_overlapping: float
    calibrated: bool


def red_cell_sizes(
    findings: Sequence[SmearFinding], um_per_px: float | None = None
) -> RedCellSizes:
    """Sizes over all fields of a slide.

    A diameter is the geometric mean of a box's sides. Without a calibration each field is scaled
    by its own median, so that fields of different magnification may stand together.

    Args:
        findings: of one slide; fields that are left out are in no number.
        um_per_px: micrometres per pixel of the pictures as they were read.

    Raises:
        ValueError: if the calibration is not above 0.
    """
    if um_per_px is not None and not um_per_px > 0:
        raise ValueError(f"the calibration must be above 0 micrometres per pixel, got {um_per_px}")
    diameters: list[npt.NDArray[np.float64]] = []
    cells = edge = overlapping = 0
    for finding in judgement.included(findings):
        red = finding.cells_of("rbc")
        cut = np.array([_cut(cell, finding) for cell in red], bool)
        covered = _covered(red, finding.cells) > _COVERED_SHARE
        cells, edge = cells + len(red), edge + int(cut.sum())
        overlapping += int(covered.sum())
        free = np.array([np.sqrt(c.width_px * c.height_px) for c in red], float)[~cut & ~covered]
        if len(free):
            scale = um_per_px or USUAL_DIAMETER_UM / float(np.median(free))
            diameters.append(free * scale)
    found = np.sort(np.concatenate(diameters)) if diameters else np.zeros(0)
    median = float(np.median(found)) if len(found) else None
    spread = float(found.std(ddof=1) / found.mean()) if len(found) > 1 else None
    return RedCellSizes(
        found,
        median,
        spread,
        cells,
        edge / cells if cells else 0.0,
        overlapping / cells if cells else 0.0,
        um_per_px is not None,
    )


def _cut(cell: Cell, finding: SmearFinding) -> bool:
    return touches_edge(cell.box_xyxy_px, finding.width, finding.height)


def _covered(red: Sequence[Cell], others: Sequence[Cell]) -> npt.NDArray[np.float64]:
    """Largest share of each red cell's box that one other red or white cell's box covers."""
    mine = np.array([cell.box_xyxy_px for cell in red], float).reshape(-1, 4)
    large = [cell for cell in others if cell.kind != "platelet"]
    theirs = np.array([cell.box_xyxy_px for cell in large], float).reshape(-1, 4)
    low = np.maximum(mine[:, None, :2], theirs[None, :, :2])
    high = np.minimum(mine[:, None, 2:], theirs[None, :, 2:])
    shared = np.clip(high - low, 0, None).prod(axis=2)
    itself = np.array([[a is b for b in large] for a in red], bool).reshape(shared.shape)
    shared[itself] = 0
    area = np.maximum((mine[:, 2:] - mine[:, :2]).prod(axis=1), 1e-9)
    return np.asarray(shared.max(axis=1, initial=0.0) / area, dtype=np.float64)
