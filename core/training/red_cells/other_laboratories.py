"""Red cells of other laboratories: nobody named their shapes, but most of them are normal.

What is learnt from them is only that they are neither schistocytes nor teardrops, which a few of
them are: so much is true of nearly all cells of these fields. Their own parts serve to choose the
limits of these two shapes, and others to measure how often they are named wrongly.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from core.datasets.fields import read_rgb
from core.datasets.public import cbc, txl
from core.inference.red_cell.outlines import outline
from core.models.weights import LoadedModel
from core.training.locator.completed_fields import parts
from core.training.locator.recipe import split_fields
from core.training.red_cells.labelled_cells import judged_of, located_boxes

Part = Literal["learnt", "chosen on", "reported"]
SUSPECTS: Final = ("schistocyte", "teardrop")
"""Shapes that a laboratory of mostly normal cells should hardly show."""
_FIELDS: Final = {"learnt": 70, "chosen on": 60, "reported": 94}
"""Fields of a laboratory, at most."""


@dataclass(frozen=True)
class ElsewhereCells:
    """The judged cells of one laboratory: ``crops`` ``(N, 40, 40)``, ``fields`` they are from."""

    laboratory: str
    fields: int
    crops: npt.NDArray[np.uint8]


def elsewhere(data: Path, locator: LoadedModel, part: Part) -> list[ElsewhereCells]:
    """Cells of the laboratories whose sets are there; the three parts share no field.

    TXL's fields to learn from are without copies of test fields, DeepBioNet's are cut by runs.
    """
    return [
        _cells(name, files, locator) for name, files in _files(data, part).items() if len(files)
    ]


def _files(data: Path, part: Part) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    index = ("learnt", "chosen on", "reported").index(part)
    if (data / "txl").is_dir():
        if part == "reported":
            fields = txl.load(data / "txl", "test")
        else:
            split = split_fields(data)
            fields = split.train if part == "learnt" else split.validation
        found["TXL-PBC"] = [field.path for field in fields]
    if part == "reported" and (data / "cbc").is_dir():
        found["CBC"] = [field.path for field in cbc.load(data / "cbc", "Testing")]
    if (data / "deepbionet_fields").is_dir():
        found["DeepBioNet"] = [field.path for field in parts(data)[index]]
    return {name: _spread(files, _FIELDS[part]) for name, files in found.items()}


def _spread(files: Sequence[Path], most: int) -> list[Path]:
    """At most so many, evenly from all."""
    chosen = np.unique(np.linspace(0, len(files) - 1, min(most, len(files))).round().astype(int))
    return [files[i] for i in chosen] if len(files) else []


def _cells(name: str, files: Sequence[Path], locator: LoadedModel) -> ElsewhereCells:
    crops = []
    for file in files:
        pixels = read_rgb(file)
        boxes, red, diameter = located_boxes(pixels, locator)
        if diameter and red:
            judged = judged_of(boxes, red, pixels)
            crops += [cell.crop for cell in outline(pixels, boxes, judged, diameter)]
    empty = np.empty((0, 40, 40), np.uint8)
    return ElsewhereCells(name, len(files), np.stack(crops) if crops else empty)
