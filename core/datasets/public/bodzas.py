"""Bodzas et al. 2023 (Scientific Data 10:466): 16,027 white cells of 78 patients, nine classes.

A folder for each class with 1200x1200 pictures of one cell. Its erythroblasts are called
normoblasts; its blasts are divided by lineage, which the taxonomy does not do. The set is not
beside this project: spelling of the folders is taken leniently, and tested on a tree made for it.
"""

from pathlib import Path
from typing import Final

from core.datasets.public.class_folders import ClassFolders, read_class_folders
from core.settings import Settings

LICENCE: Final = "as on the set's page; cite Bodzas et al. 2023"

CLASS_OF_FOLDER: Final[dict[str, str]] = {
    "Neutrophil segment": "segmented_neutrophil",
    "Segmented neutrophil": "segmented_neutrophil",
    "Neutrophil band": "band_neutrophil",
    "Band neutrophil": "band_neutrophil",
    "Eosinophil": "eosinophil",
    "Basophil": "basophil",
    "Lymphocyte": "lymphocyte",
    "Monocyte": "monocyte",
    "Normoblast": "erythroblast",
    "Myeloblast": "blast",
    "Lymphoblast": "blast",
}


def load(root: Path, settings: Settings) -> ClassFolders:
    """Cells of the set and the files that could not be used.

    Raises:
        FileNotFoundError: if no class folder holds a readable picture.
    """
    expected = "a folder for each of its nine classes, such as Neutrophil Segment and Normoblast"
    return read_class_folders(root, CLASS_OF_FOLDER, settings, expected=expected)
