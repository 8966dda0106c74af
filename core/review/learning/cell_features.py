"""Cells of cases as the live white-cell network sees them: features and probabilities.

What the network said of a cell is kept in the process, so that a list made again after one more
answer asks it for the new cells only.
"""

import threading
from collections import OrderedDict, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from core.inference.locate.cell_crop import crop_cell
from core.inference.white_cell.features import answers_of
from core.models import registry
from core.models.cards import WhiteCellCard
from core.models.weights import LoadedModel
from core.records import Box
from core.review.record import pictures
from core.review.record.case_rows import CasePicture
from core.review.record.review_store import ReviewStore
from core.statistics.calibration import as_probabilities

Array = npt.NDArray[np.floating]
MOST_KEPT: Final = 8000
"""Cells whose answers are kept, about 5 kB each."""


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


def look(store: ReviewStore, cells: Sequence[SeenCell]) -> Seen:
    """Features and calibrated probabilities of cells, in their order.

    Raises:
        PictureLost: if a stored picture is gone or was changed.
        WeightsRefused: if the live model cannot be used.
    """
    model = registry.live("wbc")
    keys = [(model.identity, cell.picture.sha256, cell.box_xyxy_px) for cell in cells]
    with _lock:
        said = {key: _kept[key] for key in keys if key in _kept}
    missing = [cell for cell, key in zip(cells, keys, strict=True) if key not in said]
    if missing:
        answers = _ask(store, missing, model)
        fresh = [(model.identity, cell.picture.sha256, cell.box_xyxy_px) for cell in missing]
        said |= dict(zip(fresh, answers, strict=True))
    with _lock:
        for key in keys:
            _kept[key] = said[key]
            _kept.move_to_end(key)
        while len(_kept) > MOST_KEPT:
            _kept.popitem(last=False)
    card = model.card_as(WhiteCellCard)
    temperature = card.temperature
    features, logits = (np.stack([said[key][n] for key in keys]) for n in (0, 1))
    return Seen(
        unit_length(features),
        as_probabilities(logits, temperature),
        card.classes,
    )


_kept: OrderedDict[tuple[str, str, Box], tuple[Array, Array]] = OrderedDict()
_lock = threading.Lock()


def _ask(
    store: ReviewStore, cells: Sequence[SeenCell], model: LoadedModel
) -> list[tuple[Array, Array]]:
    """Features and logits of each cell."""
    by_picture: dict[int, list[int]] = defaultdict(list)
    for index, cell in enumerate(cells):
        by_picture[cell.picture.id].append(index)
    crops = [np.zeros((0, 0, 3), np.uint8)] * len(cells)
    for indices in by_picture.values():
        picture = cells[indices[0]].picture
        pixels = pictures.read(store, picture.sha256).pixels
        diameter = picture.finding().rbc_diameter_px
        for index in indices:
            crops[index] = crop_cell(pixels, cells[index].box_xyxy_px, diameter)
    said = answers_of(crops, model)
    return list(zip(said.features, said.logits, strict=True))


def unit_length(features: Array) -> Array:
    """Rows scaled to length 1, so that a product of two is their cosine."""
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    return np.asarray(features / np.maximum(lengths, 1e-12))
