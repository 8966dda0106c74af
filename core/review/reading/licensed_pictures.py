"""Cells of published sets whose licence lets them be shown beside the cell that is read.

Few of each class, cut and made smaller; ``licensed_cells/LICENCES.md`` says where they come from.
"""

import csv
from dataclasses import dataclass
from functools import lru_cache
from itertools import zip_longest
from pathlib import Path
from typing import Final

from core.taxonomy import parent_of

FOLDER: Final = Path(__file__).parent / "licensed_cells"
SOURCES: Final = {
    "pbc": ("Barcelona", "PBC, Acevedo et al. 2019, CC BY 4.0"),
    "munich": ("Munich", "AML-Cytomorphology LMU, Matek et al. 2019, CC BY 3.0"),
}
"""Source -> its laboratory, and set, authors and licence."""


@dataclass(frozen=True)
class LicensedCell:
    """A picture of one cell. ``laboratory`` is short, ``credit`` names set, authors and licence."""

    file: Path
    label: str
    laboratory: str
    credit: str


@lru_cache(maxsize=1)
def _all() -> tuple[LicensedCell, ...]:
    with (FOLDER / "cells.csv").open(encoding="utf-8", newline="") as rows:
        return tuple(
            LicensedCell(FOLDER / row["file"], row["class"], *SOURCES[row["source"]])
            for row in csv.DictReader(rows)
        )


def licensed_cells(label: str) -> list[LicensedCell]:
    """Those of a class, else of the classes that are parts of it, one of each in turn.

    Empty where no published set with a fitting licence has either.
    """
    own = [cell for cell in _all() if cell.label == label]
    if own:
        return own
    parts: dict[str, list[LicensedCell]] = {}
    for cell in _all():
        if parent_of(cell.label) == label:
            parts.setdefault(cell.label, []).append(cell)
    turns = zip_longest(*parts.values())
    return [cell for turn in turns for cell in turn if cell is not None]
