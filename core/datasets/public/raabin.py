"""Raabin-WBC (Kouzehkanan 2022, Scientific Reports 12:1123): cropped white cells, five classes.

Class folders below three parts, such as ``Train/Basophil``. Neutrophils are undivided. ``TestB``
comes from another microscope and camera than ``Train`` and ``TestA``.
"""

from pathlib import Path
from typing import Final, Literal, get_args

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
PARTS: Final[tuple[RaabinPart, ...]] = get_args(RaabinPart)


def load(root: Path, part: RaabinPart, settings: Settings) -> ClassFolders:
    """One part of Raabin-WBC's cropped cells; burst cells are smudge cells.

    Raises:
        FileNotFoundError: if the part holds no readable picture.
    """
    expected = "Train, TestA and TestB with a folder for each class"
    return read_class_folders(root / part, CLASS_OF_FOLDER, settings, expected=expected)
