"""PBC (Acevedo et al. 2019): single cells in eight class folders, subtype in the file's prefix.

CC BY 4.0. No patient identifiers. Files with the prefixes ``NEUTROPHIL_`` and ``IG_`` carry no
subtype and often a bluish background seen nowhere else, a shortcut a network would learn: they are
loaded with ``odd_background`` set and kept out of training.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.datasets import near_duplicates
from core.datasets.splits import grouped_split

_CLASS_OF_FOLDER = {
    "basophil": "basophil",
    "eosinophil": "eosinophil",
    "erythroblast": "erythroblast",
    "ig": "immature_granulocyte",
    "lymphocyte": "lymphocyte",
    "monocyte": "monocyte",
    "platelet": "platelet",
}
_CLASS_OF_NEUTROPHIL = {"SNE": "segmented_neutrophil", "BNE": "band_neutrophil"}
_STAGES = {"PMY": "promyelocyte", "MY": "myelocyte", "MMY": "metamyelocyte"}
_SHORTCUT_PREFIXES = frozenset({"NEUTROPHIL", "IG"})

CELL_SHARE = 0.6
"""Side of the square around the cell, as a share of the picture: about three red-cell diameters."""


@dataclass(frozen=True)
class LabelledCell:
    """One picture of one cell. ``label`` is None where only ``neutrophil`` is known."""

    path: Path
    label: str | None
    odd_background: bool = False


def load(root: Path) -> list[LabelledCell]:
    """Every picture of the set, by folder and name.

    Raises:
        FileNotFoundError: if the folder holds none of the class folders.
    """
    cells: list[LabelledCell] = []
    for folder in sorted([*_CLASS_OF_FOLDER, "neutrophil"]):
        for path in sorted((root / folder).glob("*.jpg")):
            prefix = path.stem.split("_")[0]
            label = (
                _CLASS_OF_NEUTROPHIL.get(prefix)
                if folder == "neutrophil"
                else _CLASS_OF_FOLDER[folder]
            )
            cells.append(LabelledCell(path, label, prefix in _SHORTCUT_PREFIXES))
    if not cells:
        raise FileNotFoundError(f"no PBC class folders in {root}")
    return cells


def stage_of(cell: LabelledCell) -> str | None:
    """Stage of an immature granulocyte by the prefix of its file; None where it names none."""
    return _STAGES.get(cell.path.stem.split("_")[0]) if cell.path.parent.name == "ig" else None


def split(
    cells: Sequence[LabelledCell], seed: int = 0
) -> tuple[list[LabelledCell], list[LabelledCell], list[LabelledCell]]:
    """Training, validation and test cells, 0.7 / 0.2 / 0.1, near-duplicates kept together."""
    groups = near_duplicates.groups(near_duplicates.hash_files([cell.path for cell in cells]))
    strata = [f"{cell.label}-{cell.odd_background}" for cell in cells]
    parts = grouped_split(groups.tolist(), strata, (0.7, 0.2, 0.1), seed)
    train, validation, test = ([cells[i] for i in part] for part in parts)
    return train, validation, test
