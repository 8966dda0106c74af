"""The few labelled cells of a new laboratory: read, located, cut as the product cuts them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.datasets.fields import read_grey
from core.datasets.intake.cells import MIN_SIDE_PX, DataRefused, Skipped
from core.datasets.intake.class_folders import Labeller
from core.datasets.intake.copies import Locked
from core.datasets.intake.tree import list_files
from core.datasets.near_duplicates import copies_of, difference_hash
from core.datasets.public.pbc import LabelledCell
from core.imaging.read import ImageRefused, read_path
from core.inference.locate.cell_crop import crop_cell
from core.inference.white_cell.classify import largest_white_cell, single_cell_box
from core.models.weights import LoadedModel
from core.records import RgbImage
from core.settings import settings


@dataclass(frozen=True)
class LaboratoryCells:
    """Cells whose class a person wrote down, ``neutrophil`` where undivided, and what was left."""

    cells: tuple[LabelledCell, ...]
    skipped: tuple[Skipped, ...]

    def counts(self) -> dict[str, int]:
        """Class -> cells."""
        return dict(Counter(str(cell.label) for cell in self.cells))


def list_cells(root: Path) -> LaboratoryCells:
    """Pictures in class folders anywhere under ``root``; nothing is opened yet.

    Raises:
        DataRefused: if there is no folder, or no picture in a folder with a known class.
    """
    tree = list_files(root)
    labeller = Labeller(tree.pictures, {})
    cells, skipped = [], []
    for file in tree.pictures:
        label, why = labeller.label(file)
        if label is None:
            skipped.append(Skipped(file, why))
        else:
            cells.append(LabelledCell(tree.path(file), label))
    if not cells:
        raise DataRefused(
            f"no pictures in class folders under {root.name}; expected is a folder for each class, "
            "such as neutrophil or SNE, with pictures of its cells"
        )
    return LaboratoryCells(tuple(cells), tuple(skipped))


def usable_cells(
    cells: Sequence[LabelledCell], locked: Locked | None
) -> tuple[list[LabelledCell], list[Skipped]]:
    """Cells whose pictures can be read and are no copies of a locked test set's, and the others."""
    kept, skipped = [], []
    for cell in cells:
        try:
            grey = read_grey(cell.path)
        except OSError:
            # What is not learnt from becomes test cells, and one bad file would break those.
            skipped.append(Skipped(cell.path.name, "it cannot be read as a picture"))
            continue
        if locked and copies_of(locked.hashes, difference_hash(grey)[None])[0]:
            why = f"a copy of a picture of the locked test set {locked.title}"
            skipped.append(Skipped(cell.path.name, why))
        else:
            kept.append(cell)
    return kept, skipped


def draw_cells(
    cells: Sequence[LabelledCell], per_class: int, seed: int
) -> tuple[list[LabelledCell], list[LabelledCell]]:
    """At most ``per_class`` cells of each class to learn from, and all the others."""
    rng = np.random.default_rng(seed)
    learnt = set()
    for name in sorted({str(cell.label) for cell in cells}):
        of_class = [i for i, cell in enumerate(cells) if cell.label == name]
        learnt |= {int(i) for i in rng.permutation(of_class)[:per_class]}
    return (
        [cell for i, cell in enumerate(cells) if i in learnt],
        [cell for i, cell in enumerate(cells) if i not in learnt],
    )


def crop_of(path: Path, locator: LoadedModel) -> RgbImage:
    """The white cell of a picture as the classifier sees it: of a single cell, or of a whole field.

    Of several white cells the largest is taken, since a label names one.

    Raises:
        ImageRefused: if the picture cannot be read, or no cell is found in it.
    """
    field = read_path(path, settings(), min_side_px=MIN_SIDE_PX)
    crop = largest_white_cell(field, locator)
    if crop is None:
        box, diameter = single_cell_box(field, locator)
        if box is None:
            raise ImageRefused(field.name, "cell_not_found", f"{field.name} shows no cell.")
        crop = crop_cell(field.pixels, box, diameter)
    return crop


def crops_of(
    cells: Sequence[LabelledCell], locator: LoadedModel
) -> tuple[list[RgbImage], list[LabelledCell], list[Skipped]]:
    """Crops, the cells they are of, and the pictures that could not be used."""
    crops, used, skipped = [], [], []
    for cell in cells:
        try:
            crops.append(crop_of(cell.path, locator))
            used.append(cell)
        except ImageRefused as refusal:
            skipped.append(Skipped(cell.path.name, refusal.message))
    return crops, used, skipped
