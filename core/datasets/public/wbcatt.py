"""WBCAtt (NeurIPS 2023): eleven attributes of PBC pictures, in the set's own split. MIT licence.

Layout: ``pbc_attr_v1_{train,val,test}.csv``, a row for each picture by its file name. Only the
five classes of normal blood are covered.
"""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

Part = Literal["train", "val", "test"]

ATTRIBUTES: Final = (
    "cell_size",
    "cell_shape",
    "nucleus_shape",
    "nuclear_cytoplasmic_ratio",
    "chromatin_density",
    "cytoplasm_vacuole",
    "cytoplasm_texture",
    "cytoplasm_colour",
    "granule_type",
    "granule_colour",
    "granularity",
)
_FOLDERS: Final = {
    "Neutrophil": "neutrophil",
    "Lymphocyte": "lymphocyte",
    "Monocyte": "monocyte",
    "Eosinophil": "eosinophil",
    "Basophil": "basophil",
}


@dataclass(frozen=True)
class DescribedCell:
    """A PBC picture and its attributes, in the order of ``ATTRIBUTES``."""

    path: Path
    values: tuple[str, ...]


def load(data: Path, part: Part) -> list[DescribedCell]:
    """Cells of one part whose picture lies in ``pbc/``, in the order of the table.

    Args:
        data: folder of the public sets.
        part: ``train``, ``val`` or ``test``, the authors' own.

    Raises:
        FileNotFoundError: if the table is not there.
        ValueError: if it lacks an attribute's column.
    """
    file = data / "wbcatt" / f"pbc_attr_v1_{part}.csv"
    cells = []
    with file.open(newline="", encoding="utf-8-sig") as handle:
        rows = csv.DictReader(handle)
        missing = {"img_name", "label", *ATTRIBUTES} - set(rows.fieldnames or ())
        if missing:
            raise ValueError(f"{file.name} lacks the columns {', '.join(sorted(missing))}")
        for row in rows:
            folder = _FOLDERS.get(row["label"])
            path = data / "pbc" / str(folder) / Path(row["img_name"]).name
            if folder and path.is_file():
                cells.append(DescribedCell(path, tuple(row[name] for name in ATTRIBUTES)))
    return cells
