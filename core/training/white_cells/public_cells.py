"""Public sets that the white-cell classifier can learn from instead of PBC, or beside it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from core.datasets.public import bodzas, pbc, raabin
from core.datasets.public.pbc import LabelledCell
from core.settings import Settings

SETS: Final = ("bodzas", "raabin")
"""Values of the recipe's option ``layout``, and folders below that of the public sets."""


@dataclass(frozen=True)
class PublicCells:
    """Training, validation and test cells of a set, and what a model's card says of them."""

    title: str
    licence: str
    train: list[LabelledCell]
    validation: list[LabelledCell]
    test: list[LabelledCell]


def read_public_cells(name: str, data: Path, settings: Settings) -> PublicCells:
    """Read a set of ``SETS`` below ``data``.

    Bodzas' cells are cut 0.7 / 0.2 / 0.1 by groups of near-duplicates. Raabin's neutrophils are
    undivided, so nothing can be measured on them: its part Train is learnt from beside PBC's
    training part, and PBC's validation and test parts judge.

    Raises:
        FileNotFoundError: if the set (or PBC beside Raabin's) is not there; the message says where
            it belongs.
    """
    folder = data / name
    if not folder.is_dir():
        raise FileNotFoundError(
            f"the set {name} is not at {folder}; `python -m core datasets fetch {name}` says where "
            "to get it"
        )
    if name == "bodzas":
        cells = list(bodzas.load(folder, settings).cells)
        # The same cut as PBC's: by groups of near-duplicates within each class.
        parts = pbc.split(cells)
        return PublicCells(
            "Bodzas et al. 2023, 0.7 / 0.2 / 0.1 by near-duplicate group", bodzas.LICENCE, *parts
        )
    train, validation, test = pbc.split(pbc.load(data / "pbc"), seed=0)
    own = raabin.load(folder, "Train", settings).cells
    return PublicCells(
        "PBC, 0.7 / 0.2 / 0.1 by near-duplicate group, and the part Train of Raabin-WBC",
        raabin.LICENCE,
        [*train, *own],
        validation,
        test,
    )
