"""The few labelled cells of a new laboratory: read, located, cut as the product cuts them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from core.datasets.fields import read_grey
from core.datasets.intake.cells import MIN_SIDE_PX, DataRefused, Skipped
from core.datasets.intake.class_folders import Labeller
from core.datasets.intake.copies import Locked
from core.datasets.intake.tree import list_files
from core.datasets.near_duplicates import (
    altered_pairs,
    copies_of,
    difference_hash,
    thumbnail,
)
from core.datasets.public.pbc import LabelledCell
from core.imaging.read import ImageRefused, read_path
from core.inference.locate.cell_crop import crop_cell
from core.inference.white_cell.framing import largest_white_cell, single_cell_box
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


def same_cells(crops: Sequence[RgbImage]) -> npt.NDArray[np.int64]:
    """Number of the cell that each crop shows, ``(N,)``: crops of one cell share a number.

    A camera's neighbouring fields overlap, and sets come with copies of their pictures, so one cell
    is often there several times, turned or recoloured too.
    """
    return _linked(np.stack([thumbnail(crop) for crop in crops]) if len(crops) else None)


def same_pictures(paths: Sequence[Path]) -> npt.NDArray[np.int64]:
    """The same for picture files, which can be read; copies share a number, ``(N,)``."""
    small = [thumbnail(read_grey(path)) for path in paths]
    return _linked(np.stack(small) if small else None)


def _linked(thumbnails: npt.NDArray[np.uint8] | None) -> npt.NDArray[np.int64]:
    if thumbnails is None:
        return np.zeros(0, np.int64)
    pairs = np.array(altered_pairs(thumbnails), np.int64).reshape(-1, 2)
    links = (np.ones(len(pairs), np.uint8), (pairs[:, 0], pairs[:, 1]))
    graph = coo_matrix(links, shape=(len(thumbnails), len(thumbnails)))
    return np.asarray(connected_components(graph, directed=False)[1], np.int64)


def draw_cells(
    cells: Sequence[LabelledCell],
    per_class: int,
    seed: int,
    same_cell: npt.NDArray[np.int64] | None = None,
) -> tuple[list[LabelledCell], list[LabelledCell]]:
    """At most ``per_class`` cells of each class to learn from, and the others.

    With ``same_cell`` ``(N,)`` one picture of a cell is drawn, and its other pictures are in
    neither list.
    """
    rng = np.random.default_rng(seed)
    numbers = np.arange(len(cells)) if same_cell is None else same_cell
    learnt: set[int] = set()
    used: set[int] = set()
    for name in sorted({str(cell.label) for cell in cells}):
        of_class = [i for i, cell in enumerate(cells) if cell.label == name]
        drawn = 0
        for i in rng.permutation(of_class):
            if drawn < per_class and int(numbers[i]) not in used:
                learnt.add(int(i))
                used.add(int(numbers[i]))
                drawn += 1
    return (
        [cell for i, cell in enumerate(cells) if i in learnt],
        [cell for i, cell in enumerate(cells) if int(numbers[i]) not in used],
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
