"""A site's calibrations: what one objective and camera show of a smear.

A factor from cells per field to cells per microlitre holds for one field of view only. The
published ones are for the whole field of an oil-immersion eyepiece, which no camera shows, so
nothing is estimated by factor before the site has entered its own, or the area of its field.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from core.files import write_json
from core.records import SmearFinding

CALIBRATIONS: Final = "calibrations.json"
"""The site's file of calibrations, in the folder of everything written."""

WHOLE_FIELD_MM2: Final = math.pi * 0.11**2
"""Area of a whole oil-immersion field: field number 22 through a 100x objective, 0.22 mm wide."""

PUBLISHED_PLATELET_FACTOR: Final = 15_000.0
PUBLISHED_WBC_FACTOR: Final = 2_000.0
"""Cells per microlitre for one in a whole oil-immersion field, as textbooks give them; platelet
factors from 9,400 to 20,000 were published."""

_LONGEST_NAME: Final = 80


@dataclass(frozen=True)
class Calibration:
    """What a person entered for pictures of one objective and camera.

    ``width_px`` and ``height_px`` are the size of the pictures it holds for: a cropped picture
    shows less. Either ``field_area_mm2`` or a factor is given, or both; a factor found by
    comparison with an analyser goes before one that is scaled by area. ``entered_at`` is an ISO
    date. Construction raises ValueError with the sentence a person needs to mend the entry.
    """

    objective: str
    camera: str
    width_px: int
    height_px: int
    entered_by: str
    entered_at: str
    field_area_mm2: float | None = None
    platelet_factor_per_ul: float | None = None
    wbc_factor_per_ul: float | None = None

    def __post_init__(self) -> None:
        for what in ("objective", "camera", "entered_by", "entered_at"):
            if not 0 < len(str(getattr(self, what)).strip()) <= _LONGEST_NAME:
                words = what.replace("_", " ")
                raise ValueError(f"{words} takes 1 to {_LONGEST_NAME} characters")
        for what in ("width_px", "height_px"):
            value: object = getattr(self, what)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ValueError(f"{what} must be a number of pixels, got {value!r}")
        numbers = (self.field_area_mm2, self.platelet_factor_per_ul, self.wbc_factor_per_ul)
        if all(value is None for value in numbers):
            raise ValueError("a calibration needs the field's area or a factor")
        for number in numbers:
            if number is not None and not (math.isfinite(number) and number > 0):
                raise ValueError(f"area and factors must be numbers above 0, got {number!r}")

    @property
    def name(self) -> str:
        """``100x oil, DS-Fi2, 640 x 480``."""
        return f"{self.objective}, {self.camera}, {self.width_px} x {self.height_px}"

    @property
    def platelet_factor(self) -> float | None:
        """Platelets per microlitre for one per field; None without it and without the area."""
        return self.platelet_factor_per_ul or self._by_area(PUBLISHED_PLATELET_FACTOR)

    @property
    def wbc_factor(self) -> float | None:
        """White cells per microlitre for one per field."""
        return self.wbc_factor_per_ul or self._by_area(PUBLISHED_WBC_FACTOR)

    def _by_area(self, published: float) -> float | None:
        if self.field_area_mm2 is None:
            return None
        return published * WHOLE_FIELD_MM2 / self.field_area_mm2

    def does_not_fit(self, findings: Sequence[SmearFinding]) -> str:
        """Why it does not hold for these fields; empty where it does."""
        wrong = [f for f in findings if (f.width, f.height) != (self.width_px, self.height_px)]
        if not wrong:
            return ""
        return (
            f"the calibration is for pictures of {self.width_px} x {self.height_px} pixels, "
            f"{wrong[0].file} has {wrong[0].width} x {wrong[0].height}"
        )


def today() -> str:
    """The day of an entry, ISO, UTC."""
    return datetime.now(UTC).date().isoformat()


def read_calibrations(file: Path) -> tuple[Calibration, ...]:
    """The site's calibrations; none where it entered none.

    Raises:
        ValueError: if the file is not a list of calibrations; the message names the row.
    """
    if not file.is_file():
        return ()
    try:
        rows = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{file.name} is not valid JSON ({error})") from error
    if not isinstance(rows, list):
        raise ValueError(f"{file.name} must hold a list of calibrations")
    found = []
    for number, row in enumerate(rows, start=1):
        try:
            found.append(Calibration(**row))
        except (TypeError, ValueError) as error:
            raise ValueError(f"{file.name}, row {number}: {error}") from error
    return tuple(found)


def keep_calibration(file: Path, entry: Calibration) -> None:
    """Add a calibration; one for the same objective, camera and picture size is replaced.

    Raises:
        ValueError: if the file cannot be read; nothing is overwritten then.
    """
    others = [one for one in read_calibrations(file) if one.name.lower() != entry.name.lower()]
    file.parent.mkdir(parents=True, exist_ok=True)
    write_json(file, [asdict(one) for one in (*others, entry)], indent=2)
