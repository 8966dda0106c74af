"""The public sets this project knows: where they lie, what they are, what may be done with them."""

from dataclasses import dataclass
from pathlib import Path

from core.datasets.fields import read_rgb
from core.imaging.folders import PICTURE_ENDINGS

PICTURES = PICTURE_ENDINGS


@dataclass(frozen=True)
class DataSet:
    """One public set. ``pictures`` is how many a complete copy holds."""

    name: str
    what: str
    source: str
    licence: str
    pictures: int

    def paths(self, data: Path) -> list[Path]:
        """Its pictures under ``data``, by name; empty where it is absent."""
        return sorted(p for p in (data / self.name).rglob("*") if p.suffix.lower() in PICTURES)


CATALOGUE = (
    DataSet(
        "cbc", "fields with boxes; red cells incompletely labelled", "Alam & Islam 2019", "MIT", 420
    ),
    DataSet("txl", "fields with every visible cell boxed", "TXL-PBC", "MIT", 1390),
    DataSet(
        "pbc", "single white cells in eight classes", "Acevedo et al. 2019", "CC BY 4.0", 16245
    ),
    DataSet(
        "wbc_other_lab",
        "fields with one white cell, another laboratory",
        "DeepBioNet",
        "research use",
        361,
    ),
    DataSet(
        "deepbionet_fields",
        "whole fields with boxes, the laboratory of wbc_other_lab",
        "DeepBioNet, Shams et al. 2024",
        "no licence file; cite the paper",
        934,
    ),
    DataSet(
        "chula_rbc12",
        "red cells in twelve shapes as points, and fields of five anemias",
        "Naruenatthanaset et al. 2021",
        "MIT",
        601,
    ),
    DataSet(
        "wbc_munich_support",
        "single cells in fifteen classes",
        "AML-Cytomorphology LMU",
        "CC BY 3.0",
        75,
    ),
    DataSet(
        "bodzas",
        "single white cells in nine classes",
        "Bodzas et al. 2023",
        "as on its page",
        16027,
    ),
    DataSet(
        "raabin",
        "single white cells in five classes, two microscopes",
        "Raabin-WBC, Kouzehkanan et al. 2022",
        "as on its page",
        16633,
    ),
    DataSet("palm", "palm photos, anemic or not", "Asare et al.", "CC BY 4.0", 409),
    DataSet("hands", "hand photos, palmar and dorsal", "11K Hands", "academic use", 36),
)


def unreadable(paths: list[Path]) -> list[str]:
    """Names of the pictures that cannot be decoded."""
    broken = []
    for path in paths:
        try:
            read_rgb(path)
        except OSError:
            broken.append(path.name)
    return broken
