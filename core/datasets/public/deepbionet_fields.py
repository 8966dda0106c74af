"""DeepBioNet's whole fields (Shams et al. 2024): 640x480, Olympus BX53, YOLO boxes.

Layout: ``images/dbn_001.jpg``, ``labels/dbn_001.txt`` (0 white cell, 1 red cell, 2 platelet) and
``fields.csv``. The source gives no licence file: cite the paper, do not ship the pictures. It is
the laboratory of ``wbc_other_lab``, whose pictures are among these. About one red cell in ten has
no box (edges, clumps), and platelets are under-marked in some fields. Neighbouring numbers overlap:
cut the set with :func:`runs`.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from core.datasets.fields import LabelledField
from core.datasets.public.txl import read_yolo_field
from core.datasets.splits import run_split

LOCATOR_SHARES: Final = (0.7, 0.15, 0.15)
"""Parts for the locator: to learn from, to choose on and to test, cut by runs of numbers."""


@dataclass(frozen=True)
class FieldRow:
    """One field: ``number`` as in its name, its boxes, and the class of its white cell.

    ``wbc_class`` is a class or parent of the taxonomy (neutrophils are undivided), None where the
    source gives none. ``ground_rgb`` is the colour of the empty ground, each 0 to 255. ``copies``
    is how many copies of the field the published set holds.
    """

    number: int
    field: LabelledField
    wbc_class: str | None
    ground_rgb: tuple[int, int, int]
    copies: int

    @property
    def path(self) -> Path:
        """The picture."""
        return self.field.path

    def counts(self) -> npt.NDArray[np.int64]:
        """Boxes of each kind, ``(3,)`` in the order of ``KINDS``."""
        return self.field.counts()


def load(root: Path) -> list[FieldRow]:
    """Every field of the table, by number.

    Raises:
        FileNotFoundError: if the table, a picture or its boxes are not there.
        ValueError: if a row's counts are not those of its boxes, or a line has not five values.
    """
    table = root / "fields.csv"
    if not table.is_file():
        raise FileNotFoundError(f"DeepBioNet's fields not found: {table}")
    with table.open(newline="", encoding="utf-8-sig") as handle:
        rows = [_row(root, row) for row in csv.DictReader(handle)]
    return sorted(rows, key=lambda row: row.number)


def runs(
    rows: Sequence[FieldRow], parts: Sequence[float] = (0.7, 0.2, 0.1), seed: int = 0
) -> list[list[FieldRow]]:
    """The fields of each part, cut by runs of numbers since neighbours overlap.

    ``parts`` are shares that sum to 1. Fields next to a cut between two parts are left out.
    """
    split = run_split([row.number for row in rows], parts, seed=seed)
    return [[rows[i] for i in part] for part in split]


def _row(root: Path, row: dict[str, str]) -> FieldRow:
    path = root / "images" / row["file"]
    field = read_yolo_field(path, root / "labels" / f"{path.stem}.txt")
    counted = [int(row[name]) for name in ("n_rbc", "n_wbc", "n_platelet")]
    if field.counts().tolist() != counted:
        raise ValueError(f"{path.name}: fields.csv counts {counted}, its boxes are others")
    red, green, blue = (int(row[name]) for name in ("bg_r", "bg_g", "bg_b"))
    return FieldRow(
        number=int(path.stem.rpartition("_")[2]),
        field=field,
        wbc_class=row["wbc_class"] or None,
        ground_rgb=(red, green, blue),
        copies=int(row["copies"]),
    )
