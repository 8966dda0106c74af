"""White cells of other laboratories for the second backbone of the count paper.

The paper's second set (Bodzas et al. 2023) has 16,027 white cells. Where it is missing, those of
DeepBioNet and of TXL-PBC's 575 px fields take its place, with five classes.
"""

from pathlib import Path
from typing import Final

import cv2
import numpy as np

from core.datasets.public.pbc import LabelledCell
from core.datasets.splits import grouped_split
from core.files import atomic_path
from core.models import registry
from core.taxonomy import parent_of
from core.training.white_cells.foreign_cells import load_foreign

_LABORATORIES: Final = ("deepbionet", "txl")


def other_cells(data: Path, folder: Path) -> tuple[list[LabelledCell], list[LabelledCell]]:
    """Cells to learn from and to choose on, 0.8 / 0.2, those of one picture on one side.

    The live locator frames them; the frames are written into ``folder`` as PNG files.

    Raises:
        FileNotFoundError: if a set is missing.
    """
    found = load_foreign(data, registry.live("locator"), _LABORATORIES)
    cells: list[LabelledCell] = []
    for number, cell in enumerate(found):
        label = parent_of(cell.label)
        file = folder / label / f"{cell.laboratory}-{number:05d}.png"
        if not file.is_file():
            file.parent.mkdir(parents=True, exist_ok=True)
            _, png = cv2.imencode(".png", np.ascontiguousarray(cell.pixels[:, :, ::-1]))
            with atomic_path(file) as temporary:
                temporary.write_bytes(png.tobytes())
        cells.append(LabelledCell(file, label))
    parts = grouped_split(
        [str(cell.path) for cell in found], [cell.label for cell in cells], (0.8, 0.2), seed=0
    )
    learn, validation = ([cells[i] for i in part] for part in parts)
    return learn, validation
