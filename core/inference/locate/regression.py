"""Count a field without locating cells: the count model's answer."""

import math
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from core.inference.locate.tiles import tiles
from core.models.cards import CountCard
from core.models.density import DENSITY_MULTIPLE, DENSITY_STRIDE, DensityCounter
from core.models.engine import as_batch, engine_for
from core.models.locator import RBC_DIAMETER_PX
from core.models.regressor import INPUT_PX
from core.models.weights import LoadedModel
from core.records import CellCounts, Estimate, Flag, RgbImage
from core.taxonomy import KINDS, CellKind

USUAL_AREA = 320 * 240
"""Pixels of the resized field where no red cell gives the scale: a camera field at 100x."""

TITLES = {"rbc": "red cells", "wbc": "white cells", "platelet": "platelets"}


def count_by_regression(
    pixels: RgbImage, rbc_diameter_px: float | None, model: LoadedModel
) -> CellCounts:
    """Counts of a field with 90 % intervals.

    Args:
        pixels: the field, ``(H, W, 3)``.
        rbc_diameter_px: of its red cells, for the scale; None assumes a camera field.
        model: the count model.
    """
    if isinstance(model.module, DensityCounter):
        sums = density_map(pixels, rbc_diameter_px, model).sum(axis=(1, 2))
    else:
        square = cv2.resize(pixels, (INPUT_PX, INPUT_PX), interpolation=cv2.INTER_AREA)
        sums = engine_for(model)(as_batch([square.astype(np.uint8)]))[0][0]
    return CellCounts(
        **{kind: _estimate(float(s), kind, model) for kind, s in zip(KINDS, sums, strict=True)}
    )


def density_map(
    pixels: RgbImage, rbc_diameter_px: float | None, model: LoadedModel
) -> npt.NDArray[np.float32]:
    """Density of cells of each kind, ``(3, h, w)``; each plane sums to its count.

    The sum over a part of the field is that part's share of the count, by construction.

    Raises:
        ValueError: if the count model gives numbers without a map.
    """
    if not isinstance(model.module, DensityCounter):
        raise ValueError(f"{model.name} gives counts without a map")
    return _planes(density_copy(pixels, rbc_diameter_px), model)


def density_copy(pixels: RgbImage, rbc_diameter_px: float | None) -> RgbImage:
    """The field at the density counter's scale; sides are multiples of ``DENSITY_MULTIPLE``."""
    height, width = pixels.shape[:2]
    scale = (
        RBC_DIAMETER_PX / rbc_diameter_px
        if rbc_diameter_px
        else math.sqrt(USUAL_AREA / (height * width))
    )
    rows, columns = (
        max(4, round(side * scale / DENSITY_MULTIPLE)) * DENSITY_MULTIPLE
        for side in (height, width)
    )
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(pixels, (columns, rows), interpolation=how), dtype=np.uint8)


_SPREAD: Final[dict[CellKind, float]] = {"rbc": 0.03, "wbc": 1.0, "platelet": 0.75}
"""How much farther the two counts may lie apart for each camera field that a picture is wider.

A share of the red cells; cells of the others. The density counter learnt from fields of up to 40
cells and sees a third to a half of a white cell in every such area where there is none. Chosen on
220 fields of DeepBioNet, Chula RBC-12 and CBC: see docs/counting.md.
"""

_ALWAYS: Final[dict[CellKind, float]] = {"rbc": 0.0, "wbc": 0.5, "platelet": 1.0}
"""How much farther the two counts may lie apart in any field, in cells.

With one platelet in a field the locator's interval has no width, and a single platelet more in the
other count would be a disagreement. Chosen with the fields of docs/counting.md in view.
"""

_USUAL_VIEW: Final = 28.4
"""Area of a camera field in squared red-cell diameters, the median of the CBC fields."""


def disagreement(
    located: CellCounts, regressed: CellCounts, view_diameters2: float | None = None
) -> Flag | None:
    """Flag ``methods_disagree`` where the two intervals of a kind do not meet.

    Args:
        located: by the locator.
        regressed: by the count model.
        view_diameters2: the field's area in squared red-cell diameters; None where no red cell gave
            a diameter. In a wider view than those learnt from the intervals may lie farther apart.
    """
    wider = max(0.0, (view_diameters2 or _USUAL_VIEW) / _USUAL_VIEW - 1)
    words = []
    for kind in KINDS:
        one, other = located.of(kind), regressed.of(kind)
        # Counts may round to the same number while their intervals do not overlap: no disagreement
        # to show.
        room = wider * _SPREAD[kind]
        if kind == "rbc":
            room *= max(one.value, other.value)
        room += _ALWAYS[kind]
        apart = one.low > other.high + room or other.low > one.high + room
        if apart and f"{one.value:.0f}" != f"{other.value:.0f}":
            words.append(f"{TITLES[kind]} {one.value:.0f} located, {other.value:.0f} by regression")
    if not words:
        return None
    return Flag(
        "methods_disagree",
        f"The two ways of counting disagree ({'; '.join(words)}): a person should count this "
        "field.",
    )


_TILE_PX: Final = 320
"""Tiles of this size stay in the processor's cache: half of the time of tiles of 1,000 pixels."""


def _planes(small: RgbImage, model: LoadedModel) -> npt.NDArray[np.float32]:
    """The map ``(3, h, w)``; of a large picture tile by tile."""
    height, width = small.shape[:2]
    density = np.empty((len(KINDS), height // DENSITY_STRIDE, width // DENSITY_STRIDE), np.float32)
    for tile in tiles(height, width, multiple=DENSITY_MULTIPLE, margin=16, longest=_TILE_PX):
        answer = engine_for(model)(as_batch([np.ascontiguousarray(small[tile.read])]))[0][0]
        density[:, *tile.place(DENSITY_STRIDE)] = answer[:, *tile.kept(DENSITY_STRIDE)]
    return density


def _estimate(value: float, kind: CellKind, model: LoadedModel) -> Estimate:
    """Split conformal interval whose width grows with the square root of the count.

    The card holds the factor. The ends are whole numbers, since the true count is one.
    """
    value = max(0.0, value)
    reach = model.card_as(CountCard).interval_scale[kind] * math.sqrt(value + 1)
    low, high = math.ceil(value - reach - 1e-9), math.floor(value + reach + 1e-9)
    return Estimate(value, min(max(0.0, low), value), max(float(high), value))
