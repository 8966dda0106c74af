"""White cells of laboratories other than PBC's: fields with one labelled white cell, or cells."""

import csv
from pathlib import Path

from core.datasets import near_duplicates
from core.datasets.public import cbc, txl
from core.datasets.public.pbc import LabelledCell
from core.records import Box
from core.taxonomy import KINDS

_TXL_CLASSES = Path(__file__).with_name("txl_cells.csv")
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
    category = _categories(data)
    cells = []
    for path in sorted((data / "cbc" / "Testing" / "Images").iterdir()):
        label = _CLASS_OF_CATEGORY.get(category.get(_number(path), ""))
        if label:
            cells.append(LabelledCell(path, label))
    return cells


def cbc_training_cells(data: Path) -> list[tuple[LabelledCell, Box]]:
    """White cells of the CBC training fields and their boxes: fields with one, and one label.

    Fields that are near copies of a CBC test field are left out.
    """
    category = _categories(data)
    fields = cbc.load(data / "cbc", "Training")
    tests = [field.path for field in cbc.load(data / "cbc", "Testing")]
    copies = near_duplicates.copies_of(
        near_duplicates.hash_files(tests), near_duplicates.hash_files([f.path for f in fields])
    )
    cells = []
    for field, copied in zip(fields, copies, strict=True):
        label = _CLASS_OF_CATEGORY.get(category.get(_number(field.path), ""))
        white = field.boxes_xyxy_px[field.kinds == KINDS.index("wbc")]
        if label and len(white) == 1 and not copied:
            x0, y0, x1, y1 = (float(side) for side in white[0])
            cells.append((LabelledCell(field.path, label), (x0, y0, x1, y1)))
    return cells


def txl_cells(data: Path, part: str) -> list[tuple[LabelledCell, Box]]:
    """White cells of TXL-PBC's 575x575 fields, another microscope and stain, and their boxes.

    The set gives boxes only. The classes are this project's own, told by eye without an expert;
    383 of 466 boxes have one, the others were too doubtful or hold no white cell. They serve to
    learn from, never as a test. ``part`` is ``train`` or ``val``; fields that are not there are
    left out.

    Raises:
        FileNotFoundError: if the part is not there.
    """
    fields = {field.path.name: field for field in txl.load(data / "txl", part)}
    cells = []
    with _TXL_CLASSES.open() as file:
        for row in csv.DictReader(file):
            field = fields.get(row["picture"])
            if row["part"] != part or field is None:
                continue
            x0, y0, x1, y1 = (float(side) for side in field.boxes_xyxy_px[int(row["box"])])
            cells.append((LabelledCell(field.path, row["class"]), (x0, y0, x1, y1)))
    return cells


def _categories(data: Path) -> dict[int, str]:
    with (data / "bccd_wbc" / "labels.csv").open() as file:
        return {int(row["Image"]): row["Category"].strip() for row in csv.DictReader(file)}


def _number(path: Path) -> int:
    return int(path.stem.rsplit("_", 1)[1])
