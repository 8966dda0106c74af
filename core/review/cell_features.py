"""Cells of cases as the live white-cell network sees them: features and probabilities."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.evaluation.calibration import as_probabilities
from core.inference.cell_crop import crop_cell
from core.inference.features import answers_of
from core.models import registry
from core.records import Box
from core.review import pictures
from core.review.cases import CasePicture
from core.review.desk import Desk

Array = npt.NDArray[np.floating]


@dataclass(frozen=True)
class SeenCell:
    """A cell to be looked at: its number, where it is, and what people say it is, if anything."""

    cell_id: int
    picture: CasePicture
    box_xyxy_px: Box
    label: str | None = None


@dataclass(frozen=True)
class Seen:
    """Of ``N`` cells: ``features`` ``(N, width)`` of length 1, ``probabilities`` ``(N, C)``."""

    features: Array
    probabilities: Array
    classes: tuple[str, ...]


def look(desk: Desk, cells: Sequence[SeenCell]) -> Seen:
    """Features and calibrated probabilities of cells, in their order.

    Raises:
        PictureLost: if a stored picture is gone or was changed.
        WeightsRefused: if the live model cannot be used.
    """
    model = registry.live("wbc")
    by_picture: dict[int, list[int]] = defaultdict(list)
    for index, cell in enumerate(cells):
        by_picture[cell.picture.id].append(index)
    crops = [np.zeros((0, 0, 3), np.uint8)] * len(cells)
    for indices in by_picture.values():
        picture = cells[indices[0]].picture
        pixels = pictures.read(desk, picture.sha256).pixels
        diameter = picture.finding().rbc_diameter_px
        for index in indices:
            crops[index] = crop_cell(pixels, cells[index].box_xyxy_px, diameter)
    said = answers_of(crops, model)
    temperature = float(model.card["temperature"])
    return Seen(
        unit_length(said.features),
        as_probabilities(said.logits, temperature),
        tuple(model.card["architecture"]["classes"]),
    )


def unit_length(features: Array) -> Array:
    """Rows scaled to length 1, so that a product of two is their cosine."""
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    return np.asarray(features / np.maximum(lengths, 1e-12))
