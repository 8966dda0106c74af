"""AML-Cytomorphology LMU (Matek 2019): single cells in fifteen class folders. CC BY 3.0.

The folders are named by three letters. The published set holds 18,365 cells of 200 patients; the
support set beside this project about five of each class.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from core.datasets.catalogue import PICTURES

CLASS_OF_CODE: Final[dict[str, str | None]] = {
    "NGS": "segmented_neutrophil",
    "NGB": "band_neutrophil",
    "LYT": "lymphocyte",
    "LYA": None,
    "MON": "monocyte",
    "EOS": "eosinophil",
    "BAS": "basophil",
    "MYO": "blast",
    "MOB": "blast",
    "PMO": "immature_granulocyte",
    "PMB": "immature_granulocyte",
    "MYB": "immature_granulocyte",
    "MMZ": "immature_granulocyte",
    "EBO": "erythroblast",
    "KSC": "smudge",
}
"""Folder -> class. Atypical lymphocytes (LYA) have none: they are what no model here knows."""


@dataclass(frozen=True)
class MunichCell:
    """A picture, its three letters, and its class or None."""

    path: Path
    code: str
    label: str | None


def load(root: Path) -> list[MunichCell]:
    """Every picture of the set, by folder and name; folders of other names are left alone.

    Raises:
        FileNotFoundError: if none of the folders holds a picture.
    """
    cells = [
        MunichCell(path, code, label)
        for code, label in sorted(CLASS_OF_CODE.items())
        for path in sorted((root / code).glob("*"))
        if path.suffix.lower() in PICTURES
    ]
    if not cells:
        raise FileNotFoundError(f"no folder of AML-Cytomorphology LMU with pictures in {root}")
    return cells
