"""Distributions of what was measured on the judged red cells."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from core.slide.red_cells.shares import JudgedCell

MEASURES: Final = ("diameter", "area", "roundness", "pallor", "chromicity")
"""In the order of screens and files."""
_QUANTILES: Final = (0.05, 0.25, 0.5, 0.75, 0.95)


@dataclass(frozen=True)
class Distribution:
    """``values`` is sorted; ``unit`` is empty for a share or a ratio.

    ``quantiles`` are those of 5, 25, 50, 75 and 95 %.
    """

    name: str
    unit: str
    values: npt.NDArray[np.float64]
    quantiles: tuple[float, ...]


def distributions(
    cells: Iterable[JudgedCell], um_per_px: float | None = None
) -> tuple[Distribution, ...]:
    """One for each of ``MEASURES``; empty where nothing was measured.

    Args:
        cells: those without a shape are in no distribution.
        um_per_px: micrometres per pixel, one for all fields; without it diameter and area stay in
            pixels, and fields of different magnification do not compare.

    Raises:
        ValueError: if the scale is not above 0.
    """
    if um_per_px is not None and not um_per_px > 0:
        raise ValueError(f"the scale must be above 0 micrometres per pixel, got {um_per_px}")
    found = [cell.measures for cell in cells if cell.shape and cell.measures is not None]
    if not found:
        return ()
    scale = um_per_px or 1.0
    length, area = ("µm", "µm²") if um_per_px else ("px", "px²")
    columns = {
        "diameter": (length, [scale * one.diameter_px for one in found]),
        "area": (area, [scale**2 * one.area_px for one in found]),
        "roundness": ("", [one.roundness for one in found]),
        "pallor": ("", [one.pallor for one in found]),
        "chromicity": ("", [one.chromicity for one in found]),
    }
    return tuple(_distribution(name, *columns[name]) for name in MEASURES)


def _distribution(name: str, unit: str, numbers: list[float]) -> Distribution:
    values = np.sort(np.array(numbers, np.float64))
    quantiles = tuple(float(one) for one in np.quantile(values, _QUANTILES))
    return Distribution(name, unit, values, quantiles)
