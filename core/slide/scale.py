"""How large a pixel of a field is: by the site's calibration, else by its red cells."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from core.slide.calibration import Calibration
from core.slide.red_cell_size import USUAL_DIAMETER_UM


@dataclass(frozen=True)
class Scale:
    """Micrometres per pixel, and in words what that rests on."""

    um_per_px: float
    basis: str


def scale_of(
    width_px: int,
    height_px: int,
    rbc_diameter_px: float | None,
    calibrations: Sequence[Calibration] = (),
) -> Scale | None:
    """The scale of a field; None where neither a calibration nor a red cell gives one.

    A calibration is taken where exactly one with an area holds for pictures of this size: of two
    objectives nobody can tell which one it was.
    """
    fitting = [
        one
        for one in calibrations
        if (one.width_px, one.height_px) == (width_px, height_px) and one.field_area_mm2
    ]
    if len(fitting) == 1 and fitting[0].field_area_mm2:
        um2_per_px = fitting[0].field_area_mm2 * 1e6 / (width_px * height_px)
        return Scale(math.sqrt(um2_per_px), f"by the calibration {fitting[0].name}")
    if not rbc_diameter_px:
        return None
    basis = f"by the red cells of this field, taken as {USUAL_DIAMETER_UM:g} µm wide"
    return Scale(USUAL_DIAMETER_UM / rbc_diameter_px, basis)
