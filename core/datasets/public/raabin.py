"""Raabin-WBC (Kouzehkanan 2022, Scientific Reports 12:1123) and BCCD's cell types (Mooney).

Both are trees of class folders under parts: ``Train/Basophil``, ``TestA/...`` and ``TestB/...`` of
Raabin, ``TRAIN/EOSINOPHIL`` and ``TEST/...`` of BCCD. Neutrophils are undivided. Raabin's TestB
comes from another microscope and camera. BCCD's pictures there are turned copies of few: cells of
one original stand in both parts, so they can be learnt from, but nothing can be measured on them.
"""

from pathlib import Path
from typing import Final, Literal

from core.datasets.public.class_folders import ClassFolders, read_class_folders
from core.settings import Settings

LICENCE: Final = "PBC: CC BY 4.0; Raabin-WBC: as on its page, cite Kouzehkanan et al. 2022"

CLASS_OF_FOLDER: Final[dict[str, str]] = {
    "Neutrophil": "neutrophil",
    "Lymphocyte": "lymphocyte",
    "Small lymph": "lymphocyte",
    "Large lymph": "lymphocyte",
    "Monocyte": "monocyte",
    "Eosinophil": "eosinophil",
    "Basophil": "basophil",
    "Burst": "smudge",
}

RaabinPart = Literal["Train", "TestA", "TestB"]
BccdPart = Literal["TRAIN", "TEST", "TEST_SIMPLE"]


def load(root: Path, part: RaabinPart, settings: Settings) -> ClassFolders:
    """One part of Raabin-WBC's cropped cells; burst cells are smudge cells.

    Raises:
        FileNotFoundError: if the part holds no readable picture.
    """
    expected = "Train, TestA and TestB with a folder for each class"
    return read_class_folders(root / part, CLASS_OF_FOLDER, settings, expected=expected)


def load_bccd_types(root: Path, part: BccdPart, settings: Settings) -> ClassFolders:
    """One part of BCCD's cell types (``dataset2-master/images``).

    Raises:
        FileNotFoundError: if the part holds no readable picture.
    """
    expected = "TRAIN, TEST and TEST_SIMPLE with a folder for each class"
    return read_class_folders(root / part, CLASS_OF_FOLDER, settings, expected=expected)
