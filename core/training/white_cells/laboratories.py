"""Labelled white cells of the laboratories beside PBC's: which there are, and where each cell lies.

A laboratory is learnt from whole or left out whole. ``wbc_other_lab`` and ``deepbionet_fields`` are
one laboratory, with pictures in common.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from core.datasets import near_duplicates
from core.datasets.public import munich, other_labs, txl
from core.records import Box
from core.taxonomy import KINDS
from core.training.choices import LABORATORIES

COMMON_CLASSES = ("neutrophil", "lymphocyte", "monocyte", "eosinophil", "basophil")
"""The five classes that laboratories are compared on."""

LABORATORY_TITLES = {
    "cbc": "white cells of the CBC fields",
    "txl": "white cells of TXL-PBC's 575x575 fields (classes named by this project, no expert)",
    "deepbionet": "DeepBioNet (wbc_other_lab and the fields with a class in deepbionet_fields)",
    "munich": "Munich support set",
}


@dataclass(frozen=True)
class LaboratoryCell:
    """A picture with one labelled white cell.

    ``box`` is where an annotation puts the cell, in pixels; None where it has to be located.
    ``single`` pictures show one cell, the others a whole field.
    """

    path: Path
    label: str
    box: Box | None
    single: bool = False


def learnable_cells(data: Path, laboratory: str) -> list[LaboratoryCell]:
    """Cells to learn from. Those of CBC's test fields are not among them.

    Raises:
        FileNotFoundError: if the set is missing.
        ValueError: for an unknown laboratory.
    """
    if laboratory == "cbc":
        return [
            LaboratoryCell(cell.path, str(cell.label), box)
            for cell, box in other_labs.cbc_training_cells(data)
        ]
    if laboratory == "txl":
        return _txl(data, ("train",))
    if laboratory == "deepbionet":
        return _deepbionet(data)
    if laboratory == "munich":
        return [
            LaboratoryCell(cell.path, cell.label, None, single=True)
            for cell in munich.load(data / "wbc_munich_support")
            if cell.label is not None
        ]
    raise ValueError(f"laboratory must be one of {', '.join(LABORATORIES)}, got {laboratory!r}")


def all_cells(data: Path, laboratory: str) -> list[LaboratoryCell]:
    """Every labelled cell of a laboratory: the test of a model that never saw the laboratory.

    Raises:
        FileNotFoundError: if the set is missing.
        ValueError: for an unknown laboratory.
    """
    cells = learnable_cells(data, laboratory)
    if laboratory == "cbc":
        tests = other_labs.cbc_test_cells(data)
        return cells + [LaboratoryCell(cell.path, str(cell.label), None) for cell in tests]
    return _txl(data, ("train", "val")) if laboratory == "txl" else cells


def _txl(data: Path, parts: Sequence[str]) -> list[LaboratoryCell]:
    return [
        LaboratoryCell(cell.path, str(cell.label), box)
        for part in parts
        for cell, box in other_labs.txl_cells(data, part)
    ]


def _deepbionet(data: Path) -> list[LaboratoryCell]:
    """The class folders, and the whole fields with one white cell that are no copies of them.

    Raises:
        FileNotFoundError: if the class folders are missing; the whole fields may be.
    """
    labelled = other_labs.deepbionet(data / "wbc_other_lab")
    cells = [LaboratoryCell(cell.path, str(cell.label), None) for cell in labelled]
    root = data / "deepbionet_fields"
    if not (root / "fields.csv").is_file():
        return cells
    with (root / "fields.csv").open() as file:
        named = {
            row["file"]: row["wbc_class"]
            for row in csv.DictReader(file)
            if row["wbc_class"] and row["n_wbc"] == "1"
        }
    paths = [root / "images" / name for name in sorted(named)]
    copied = near_duplicates.copies_of(
        near_duplicates.hash_files([cell.path for cell in cells]), near_duplicates.hash_files(paths)
    )
    for path, is_copy in zip(paths, copied, strict=True):
        if is_copy:
            continue
        field = txl.read_yolo_field(path, root / "labels" / f"{path.stem}.txt")
        x0, y0, x1, y1 = (
            float(side) for side in field.boxes_xyxy_px[field.kinds == KINDS.index("wbc")][0]
        )
        cells.append(LaboratoryCell(path, named[path.name], (x0, y0, x1, y1)))
    return cells


def copies_in(pictures: Sequence[Path], candidates: Sequence[Path]) -> npt.NDArray[np.bool_]:
    """Which candidates show one of ``pictures``, turned, recoloured or trimmed too, ``(N,)``.

    Public sets contain pictures of one another, so a laboratory is only left out if these are.

    Raises:
        OSError: for an unreadable file.
    """
    thumbnails = [_thumbnail(path) for path in (*pictures, *candidates)]
    copied = np.zeros(len(candidates), np.bool_)
    for first, second in near_duplicates.altered_pairs(np.stack(thumbnails)):
        if first < len(pictures) <= second:
            copied[second - len(pictures)] = True
    return copied


def _thumbnail(path: Path) -> npt.NDArray[np.uint8]:
    grey = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if grey is None:
        raise OSError(f"not a readable picture: {path}")
    return near_duplicates.thumbnail(grey.astype(np.uint8))


def is_validation(number: int) -> bool:
    """Is the cell with this number in its laboratory's order one to choose the epoch on.

    Every fifth run of ten: neighbouring pictures are often of one field, so they stay together.
    """
    return number // 10 % 5 == 4


def balanced_accuracy(truth: Sequence[str], predicted: Sequence[str]) -> float:
    """Mean recall over the classes of ``truth``; NaN where it is empty."""
    names = sorted(set(truth))
    pairs = list(zip(truth, predicted, strict=True))
    recalls = [np.mean([p == name for t, p in pairs if t == name]) for name in names]
    return float(np.mean(recalls)) if recalls else float("nan")
