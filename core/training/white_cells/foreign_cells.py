"""Cells of other laboratories, framed as PBC's pictures are, for training beside them."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from core.datasets.fields import read_rgb
from core.datasets.public.pbc import CELL_SHARE
from core.inference.locate.cell_crop import crop_cell, crop_side
from core.inference.locate.locator import locate
from core.inference.white_cell.framing import largest_white_cell_box, single_cell_box
from core.models.cards import WhiteCellCard
from core.models.classifier import CROP_RBC_DIAMETERS, INPUT_PX
from core.models.weights import LoadedModel
from core.records import Box, Field, RgbImage
from core.settings import settings
from core.training.choices import LABORATORIES
from core.training.white_cells.laboratories import (
    LaboratoryCell,
    is_validation,
    learnable_cells,
)

_FRAME_PX = round(INPUT_PX / CELL_SHARE)

_FEWEST_TO_SPLIT = 100

THREE_LABORATORIES = ("cbc", "txl", "munich")
"""Those that the shipped classifier learnt from."""


@dataclass(frozen=True)
class ForeignCell:
    """A picture ``(213, 213, 3)`` whose middle share ``CELL_SHARE`` the classifier would see.

    ``label`` is a class or a parent: where only ``neutrophil`` is known, either of its children
    is right. ``laboratory`` is one of ``LABORATORIES``.
    """

    path: Path
    pixels: RgbImage
    label: str
    laboratory: str = ""


def learnt_laboratories(layout: str, leave_out: str) -> tuple[str, ...]:
    """The laboratories beside PBC's that a training with these options learns from."""
    names = {"laboratories": LABORATORIES, "three laboratories": THREE_LABORATORIES}
    return tuple(name for name in names.get(layout, ()) if name != leave_out)


def laboratories_of(model: LoadedModel) -> tuple[str, ...]:
    """The laboratories beside PBC's that a classifier learnt from, by its card."""
    origin = model.card_as(WhiteCellCard).data
    if origin.laboratories is not None:
        return origin.laboratories
    # A card with foreign cells and no list is older than the list.
    return THREE_LABORATORIES if origin.foreign_cells else ()


def load_foreign(
    data: Path, locator: LoadedModel, laboratories: Sequence[str] = THREE_LABORATORIES
) -> list[ForeignCell]:
    """Framed cells to learn from; cells that are not found in their picture are left out.

    ``locator`` finds the cells and the size of the red ones, which gives the scale.

    Raises:
        FileNotFoundError: if a set is missing.
        ValueError: for an unknown laboratory.
    """
    cells = []
    for laboratory in laboratories:
        listed = learnable_cells(data, laboratory)
        frames, located = frames_of(laboratory, listed, locator)
        cells += [
            ForeignCell(cell.path, frame, cell.label, laboratory)
            for cell, frame, ok in zip(listed, frames, located, strict=True)
            if ok
        ]
    return cells


def split_foreign(
    cells: Sequence[ForeignCell],
) -> tuple[list[ForeignCell], list[ForeignCell]]:
    """Cells to learn from and cells to choose the epoch on.

    A laboratory with too few cells gives none to the second.
    """
    counts = Counter(cell.laboratory for cell in cells)
    number: Counter[str] = Counter()
    learnt: list[ForeignCell] = []
    judged: list[ForeignCell] = []
    for cell in cells:
        of_judged = counts[cell.laboratory] >= _FEWEST_TO_SPLIT and is_validation(
            number[cell.laboratory]
        )
        number[cell.laboratory] += 1
        (judged if of_judged else learnt).append(cell)
    return learnt, judged


def frames_of(
    laboratory: str, cells: Sequence[LaboratoryCell], locator: LoadedModel
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.bool_]]:
    """``(N, 213, 213, 3)`` frames and which of them hold a cell.

    Locating takes minutes and a stopped training asks again, so the result is stored under
    ``var/frames`` by the pictures, the boxes and the locator.
    """
    digest = hashlib.sha256(locator.sha256.encode())
    for cell in cells:
        digest.update(f"{cell.path.name} {cell.path.stat().st_size} {cell.box}".encode())
    file = settings().var / "frames" / f"{laboratory}-{digest.hexdigest()[:16]}.npz"
    if file.is_file():
        with np.load(file, allow_pickle=False) as stored:
            return stored["frames"], stored["located"]
    frames = np.zeros((len(cells), _FRAME_PX, _FRAME_PX, 3), np.uint8)
    located = np.zeros(len(cells), np.bool_)
    for i, cell in enumerate(cells):
        frame = _frame(cell, locator)
        if frame is not None:
            frames[i], located[i] = frame, True
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_suffix(".writing")
    with temporary.open("wb") as target:
        np.savez(target, frames=frames, located=located)
    temporary.replace(file)
    return frames, located


def _frame(cell: LaboratoryCell, locator: LoadedModel) -> RgbImage | None:
    pixels = read_rgb(cell.path)
    box = cell.box
    if box is not None:
        diameter = locate(pixels, locator).rbc_diameter_px
    elif cell.single:
        box, diameter = single_cell_box(Field(cell.path.name, pixels, ""), locator)
    else:
        box, diameter = largest_white_cell_box(Field(cell.path.name, pixels, ""), locator)
    return None if box is None else _framed(pixels, box, diameter)


def _framed(pixels: RgbImage, box: Box, rbc_diameter_px: float | None) -> RgbImage:
    # The square round the cell becomes the picture's middle share.
    side = crop_side(box, rbc_diameter_px) / CELL_SHARE
    return crop_cell(pixels, box, side / CROP_RBC_DIAMETERS, _FRAME_PX)
