"""White cells of laboratories nothing was trained on: whole fields with one labelled white cell."""

import csv
from pathlib import Path

from core.datasets.pbc import LabelledCell

_CLASS_OF_CATEGORY = {
    "NEUTROPHIL": "neutrophil",
    "LYMPHOCYTE": "lymphocyte",
    "MONOCYTE": "monocyte",
    "EOSINOPHIL": "eosinophil",
    "BASOPHIL": "basophil",
}


def deepbionet(root: Path) -> list[LabelledCell]:
    """The ``wbc_other_lab`` fields; labels are class folders, neutrophils undivided.

    Raises:
        FileNotFoundError: if the folder holds no pictures.
    """
    cells = [
        LabelledCell(path, path.parent.name) for path in sorted(root.glob("*/*")) if path.is_file()
    ]
    if not cells:
        raise FileNotFoundError(f"no class folders with pictures in {root}")
    return cells


def cbc_test_cells(data: Path) -> list[LabelledCell]:
    """The CBC test fields with exactly one labelled white cell; the others are left out."""
    with (data / "bccd_wbc" / "labels.csv").open() as file:
        category = {int(row["Image"]): row["Category"].strip() for row in csv.DictReader(file)}
    cells = []
    for path in sorted((data / "cbc" / "Testing" / "Images").iterdir()):
        label = _CLASS_OF_CATEGORY.get(category.get(int(path.stem.rsplit("_", 1)[1]), ""))
        if label:
            cells.append(LabelledCell(path, label))
    return cells
