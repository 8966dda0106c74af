"""Chula RBC-12 (Naruenatthanaset et al. 2021): red cells in twelve shapes, points, no boxes. MIT.

Layout: ``images/1.jpg`` to ``738.jpg`` (640x480, Nikon DS-Fi2, 1000x) with ``labels.csv`` (file, x,
y of the cell's centre, class of 13), and ``disease/`` with ``disease.csv``: fields of five anemias.
Many fields label their rare shape only, so a cell without a point is not "normal": learn from crops
round the points. Scale bars and arrows are burnt in. Neighbouring numbers are one slide: cut the
set with :func:`runs`; the colour of the ground tells the few slides of a class apart.
"""

import csv
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from core.datasets.splits import run_split

CLASSES: Final = (
    "normal",
    "macrocyte",
    "microcyte",
    "spherocyte",
    "target",
    "stomatocyte",
    "ovalocyte",
    "teardrop",
    "burr",
    "schistocyte",
    "uncategorised",
    "hypochromia",
    "elliptocyte",
)
"""Shapes in the order of the set's numbers."""


@dataclass(frozen=True)
class RedCellField:
    """A field and the cells labelled on it.

    ``centres_xy_px`` is ``(N, 2)`` float32; ``classes`` is ``(N,)`` indices into ``CLASSES``.
    """

    path: Path
    number: int
    centres_xy_px: npt.NDArray[np.float32]
    classes: npt.NDArray[np.int64]

    def __post_init__(self) -> None:
        if self.centres_xy_px.shape != (len(self.classes), 2):
            raise ValueError(
                f"{self.path.name}: {self.centres_xy_px.shape} centres, {len(self.classes)} classes"
            )


@dataclass(frozen=True)
class DiseaseField:
    """A field of a patient with an anemia: ``he``, ``hs``, ``thalassemia`` ... as the set says."""

    path: Path
    number: int
    disease: str


def load(root: Path) -> list[RedCellField]:
    """Every field with labelled cells, by number; pictures without a label are left out.

    Raises:
        FileNotFoundError: if the table or a picture it names is not there.
        ValueError: if a column is missing, or a class's number and name do not go together.
    """
    cells: dict[str, list[tuple[float, float, int]]] = defaultdict(list)
    for row in _rows(root / "labels.csv", "file", "x", "y", "class", "class_id"):
        number = int(row["class_id"])
        if not 0 <= number < len(CLASSES) or row["class"] != CLASSES[number]:
            raise ValueError(f"labels.csv: class {number} is not {row['class']!r}")
        cells[row["file"]].append((float(row["x"]), float(row["y"]), number))
    fields = []
    for name, points in cells.items():
        path = _picture(root / "images" / name)
        fields.append(
            RedCellField(
                path,
                int(path.stem),
                np.array([point[:2] for point in points], np.float32),
                np.array([point[2] for point in points], np.int64),
            )
        )
    return sorted(fields, key=lambda field: field.number)


def load_diseases(root: Path) -> list[DiseaseField]:
    """Every field of ``disease.csv``, by disease and number.

    Raises:
        FileNotFoundError: if the table or a picture it names is not there.
        ValueError: if a column is missing.
    """
    fields = []
    for row in _rows(root / "disease.csv", "file", "disease"):
        path = _picture(root / "disease" / row["file"])
        fields.append(DiseaseField(path, int(path.stem.rpartition("_")[2]), row["disease"]))
    return sorted(fields, key=lambda field: (field.disease, field.number))


def runs(
    fields: Sequence[RedCellField], parts: Sequence[float] = (0.7, 0.2, 0.1), seed: int = 0
) -> list[list[RedCellField]]:
    """The fields of each part, cut by runs of numbers since neighbours show one slide.

    ``parts`` are shares that sum to 1. Fields next to a cut between two parts are left out.
    """
    split = run_split([field.number for field in fields], parts, seed=seed)
    return [[fields[i] for i in part] for part in split]


def _rows(table: Path, *columns: str) -> Iterator[dict[str, str]]:
    if not table.is_file():
        raise FileNotFoundError(f"Chula RBC-12 not found: {table}")
    with table.open(newline="", encoding="utf-8-sig") as handle:
        reader = csv.DictReader(handle)
        missing = [name for name in columns if name not in (reader.fieldnames or ())]
        if missing:
            raise ValueError(f"{table} lacks the column {' and '.join(missing)}")
        yield from reader


def _picture(path: Path) -> Path:
    if not path.is_file():
        raise FileNotFoundError(f"{path.name} is named by the table but not there: {path}")
    return path
