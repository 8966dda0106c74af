"""Reference ranges of a site, by sex and age, and the marks that follow from them."""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Final, Literal, get_args

from core.files import write_json
from core.records import Estimate

RANGES_FILE: Final = "reference_ranges.json"
"""The site's own ranges, in the folder of everything written."""

Analyte = Literal[
    "wbc_per_ul",
    "platelets_per_ul",
    "neutrophil",
    "lymphocyte",
    "monocyte",
    "eosinophil",
    "basophil",
    "nrbc_per_100_wbc",
]
Sex = Literal["any", "female", "male"]
Mark = Literal["critical low", "low", "", "high", "critical high"]
ANALYTES: Final[tuple[Analyte, ...]] = get_args(Analyte)
SEXES: Final[tuple[Sex, ...]] = get_args(Sex)


@dataclass(frozen=True)
class ReferenceRange:
    """What is usual for one analyte, in its unit (per microlitre, or percent of white cells).

    Ages are in years, ``age_from <= age < age_to``. A critical limit may be left out (None).
    Construction raises ValueError with the sentence a person needs to mend the row.
    """

    analyte: Analyte
    sex: Sex
    age_from: float
    age_to: float
    low: float
    high: float
    critical_low: float | None = None
    critical_high: float | None = None

    def __post_init__(self) -> None:
        if self.analyte not in ANALYTES:
            raise ValueError(f"unknown analyte {self.analyte!r}; known are {', '.join(ANALYTES)}")
        if self.sex not in SEXES:
            raise ValueError(f"sex must be one of {', '.join(SEXES)}, got {self.sex!r}")
        given = (self.age_from, self.age_to, self.low, self.high)
        optional = [v for v in (self.critical_low, self.critical_high) if v is not None]
        for value in (*given, *optional):
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise ValueError(f"{self.analyte}: {value!r} is not a number")
            if not math.isfinite(value) or value < 0:
                raise ValueError(f"{self.analyte}: limits and ages are 0 or more, got {value}")
        if not self.age_from < self.age_to:
            raise ValueError(
                f"{self.analyte}: the age must go up, {self.age_from} to {self.age_to}"
            )
        steps = [self.critical_low, self.low, self.high, self.critical_high]
        known = [v for v in steps if v is not None]
        if known != sorted(known) or not self.low < self.high:
            raise ValueError(
                f"{self.analyte}: critical low, low, high and critical high must rise, got {steps}"
            )


ADULT_RANGES: Final[tuple[ReferenceRange, ...]] = (
    ReferenceRange("wbc_per_ul", "any", 18, 150, 4_000, 11_000, 2_000, 30_000),
    ReferenceRange("platelets_per_ul", "any", 18, 150, 150_000, 400_000, 20_000, 1_000_000),
    ReferenceRange("neutrophil", "any", 18, 150, 40, 75),
    ReferenceRange("lymphocyte", "any", 18, 150, 20, 45),
    ReferenceRange("monocyte", "any", 18, 150, 2, 10),
    ReferenceRange("eosinophil", "any", 18, 150, 1, 6),
    ReferenceRange("basophil", "any", 18, 150, 0, 2),
    ReferenceRange("nrbc_per_100_wbc", "any", 18, 150, 0, 0.5),
)
"""A usual set for adults to begin with. Every laboratory has its own and must enter them."""


def range_for(
    ranges: Sequence[ReferenceRange], analyte: Analyte, sex: Sex, age_years: float
) -> ReferenceRange | None:
    """The row for a person: one for their sex before one for any; None where there is none."""
    fitting = [
        row
        for row in ranges
        if row.analyte == analyte
        and row.age_from <= age_years < row.age_to
        and row.sex in (sex, "any")
    ]
    return min(fitting, key=lambda row: row.sex == "any", default=None)


def mark(value: float, row: ReferenceRange) -> Mark:
    """Low, high or critical; a value on a limit is still inside it."""
    if row.critical_low is not None and value < row.critical_low:
        return "critical low"
    if row.critical_high is not None and value > row.critical_high:
        return "critical high"
    return "low" if value < row.low else "high" if value > row.high else ""


def is_sure(estimate: Estimate, row: ReferenceRange) -> bool:
    """Would both ends of the interval get the mark of the value."""
    of_value = mark(estimate.value, row)
    return mark(estimate.low, row) == of_value == mark(estimate.high, row)


def read_ranges(file: Path) -> tuple[ReferenceRange, ...]:
    """The site's ranges, or the adults' set where it entered none.

    Raises:
        ValueError: if the file is not a list of ranges; the message names the row.
    """
    if not file.is_file():
        return ADULT_RANGES
    try:
        rows = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{file.name} is not valid JSON ({error})") from error
    if not isinstance(rows, list):
        raise ValueError(f"{file.name} must hold a list of ranges")
    return ranges_of(rows)


def ranges_of(rows: Sequence[object]) -> tuple[ReferenceRange, ...]:
    """Ranges from rows of a table or a file.

    Raises:
        ValueError: naming the number of the row that is wrong, and two rows for the same person.
    """
    names = {field.name for field in fields(ReferenceRange)}
    made: list[ReferenceRange] = []
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, dict):
            raise ValueError(f"row {number} is not a range")
        try:
            made.append(ReferenceRange(**{k: v for k, v in row.items() if k in names}))
        except (TypeError, ValueError) as error:
            raise ValueError(f"row {number}: {error}") from error
        for other, earlier in enumerate(made[:-1], start=1):
            now = made[-1]
            same = (now.analyte, now.sex) == (earlier.analyte, earlier.sex)
            if same and now.age_from < earlier.age_to and earlier.age_from < now.age_to:
                raise ValueError(f"rows {other} and {number} are for the same persons")
    return tuple(made)


def write_ranges(file: Path, ranges: Sequence[ReferenceRange]) -> None:
    """Keep the site's ranges; atomically."""
    file.parent.mkdir(parents=True, exist_ok=True)
    write_json(file, [asdict(row) for row in ranges], indent=2)
