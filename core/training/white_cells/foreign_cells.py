"""Cells of other laboratories, framed as PBC's pictures are, for training beside them."""

from dataclasses import dataclass
from pathlib import Path

from core.datasets.fields import read_rgb
from core.datasets.public import munich, other_labs
from core.datasets.public.pbc import CELL_SHARE
from core.inference.locate.cell_crop import crop_cell, crop_side
from core.inference.locate.locator import locate
from core.inference.white_cell.classify import single_cell_box
from core.models.classifier import CROP_RBC_DIAMETERS, INPUT_PX
from core.models.weights import LoadedModel
from core.records import Box, Field, RgbImage

_FRAME_PX = round(INPUT_PX / CELL_SHARE)


@dataclass(frozen=True)
class ForeignCell:
    """A picture ``(213, 213, 3)`` whose middle share ``CELL_SHARE`` the classifier would see.

    ``label`` is a class or a parent: where only ``neutrophil`` is known, either of its children
    is right.
    """

    path: Path
    pixels: RgbImage
    label: str


def load_foreign(data: Path, locator: LoadedModel) -> list[ForeignCell]:
    """Cells of the CBC and TXL-PBC training fields and of the Munich support set.

    ``locator`` finds the size of the red cells, which gives the scale.

    Raises:
        FileNotFoundError: if a set is missing.
    """
    cells = []
    boxed = other_labs.cbc_training_cells(data) + other_labs.txl_cells(data, "train")
    for cell, box in boxed:
        pixels = read_rgb(cell.path)
        diameter = locate(pixels, locator).rbc_diameter_px
        cells.append(ForeignCell(cell.path, _framed(pixels, box, diameter), str(cell.label)))
    for single in munich.load(data / "wbc_munich_support"):
        if single.label is None:
            continue
        pixels = read_rgb(single.path)
        found, diameter = single_cell_box(Field(single.path.name, pixels, ""), locator)
        if found is not None:
            framed = _framed(pixels, found, diameter)
            cells.append(ForeignCell(single.path, framed, single.label))
    return cells


def _framed(pixels: RgbImage, box: Box, rbc_diameter_px: float | None) -> RgbImage:
    # The square round the cell becomes the picture's middle share.
    side = crop_side(box, rbc_diameter_px) / CELL_SHARE
    return crop_cell(pixels, box, side / CROP_RBC_DIAMETERS, _FRAME_PX)
