"""The shares of white cells that are usual for a person, for tables and bars of a differential."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from core.slide.reference_ranges import (
    ADULT_RANGES,
    Analyte,
    ReferenceRange,
    Sex,
    range_for,
    read_ranges,
)

_ANALYTES: Final[tuple[Analyte, ...]] = (
    "neutrophil", "lymphocyte", "monocyte", "eosinophil", "basophil",
)  # fmt: skip


def site_shares(file: Path, sex: str, age_years: int | None) -> dict[str, tuple[float, float]]:
    """Those of the ranges that the site entered; empty where it entered none, or damaged ones."""
    try:
        return usual_shares(read_ranges(file), sex, age_years) if file.is_file() else {}
    except ValueError:
        return {}  # the page on which they are entered says what is wrong


def usual_shares(
    ranges: Sequence[ReferenceRange], sex: str, age_years: int | None
) -> dict[str, tuple[float, float]]:
    """Row of the differential -> usual percent, from and to; empty where the age is not known.

    A person whose sex is not female or male gets the ranges that hold for any.
    """
    if age_years is None:
        return {}
    chosen: Sex = "female" if sex == "female" else "male" if sex == "male" else "any"
    found = {name: range_for(ranges, name, chosen, age_years) for name in _ANALYTES}
    return {name: (row.low, row.high) for name, row in found.items() if row is not None}


@dataclass(frozen=True)
class UsualShares:
    """Usual percent of rows of the differential, and whether they are the laboratory's own."""

    percent: dict[str, tuple[float, float]]
    are_own: bool

    @classmethod
    def of(cls, sex: str, age_years: int | None, own: dict[str, tuple[float, float]]) -> Self:
        """The site's where it entered some, else the set that the program brings."""
        return cls(own or usual_shares(ADULT_RANGES, sex, age_years), bool(own))
