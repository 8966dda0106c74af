"""Cells of cases as the live white-cell network sees them: features and probabilities.

The network's answers are kept beside the picture (:mod:`core.review.record.feature_files`)
and cached in the process, so that each cell is computed once for each network.
"""

import contextlib
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
from core.models.weights import LoadedModel, WeightsRefused
from core.records import Box
from core.review.record import feature_files, pictures
from core.review.record.case_rows import CasePicture
from core.review.record.errors import PictureLost
from core.review.record.review_store import ReviewStore
from core.statistics.calibration import as_probabilities

Array = npt.NDArray[np.floating]
MOST_CACHED: Final = 8000
"""Cells whose answers are cached, about 5 kB each."""


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
        answers = {key: _cache[key] for key in keys if key in _cache}
    missing = [cell for cell, key in zip(cells, keys, strict=True) if key not in answers]
    for sha256 in {cell.picture.sha256 for cell in missing}:
        stored = feature_files.stored_answers(store, sha256, model.identity)
        answers |= {(model.identity, sha256, box): answer for box, answer in stored.items()}
    missing = [cell for cell, key in zip(cells, keys, strict=True) if key not in answers]
    if missing:
        fresh = [(model.identity, cell.picture.sha256, cell.box_xyxy_px) for cell in missing]
        answers |= dict(zip(fresh, _compute(store, missing, model), strict=True))
    with _lock:
        for key in keys:
            _cache[key] = answers[key]
            _cache.move_to_end(key)
        while len(_cache) > MOST_CACHED:
            _cache.popitem(last=False)
    card = model.card_as(WhiteCellCard)
    temperature = card.temperature
    features, logits = (np.stack([answers[key][n] for key in keys]) for n in (0, 1))
    return Seen(
        unit_length(features),
        as_probabilities(logits, temperature),
        card.classes,
    )


def are_kept(store: ReviewStore, cells: Sequence[SeenCell]) -> list[bool]:
    """Whether :func:`look` has a cell's answer without opening its picture, in their order.

    Raises:
        WeightsRefused: if the live model cannot be used.
    """
    model = registry.live("wbc").identity
    kept = {
        sha256: feature_files.stored_boxes(store, sha256, model)
        for sha256 in {cell.picture.sha256 for cell in cells}
    }
    return [cell.box_xyxy_px in kept[cell.picture.sha256] for cell in cells]


def keep_features(store: ReviewStore, picture: CasePicture) -> None:
    """Compute what :func:`look` needs of a field's white cells, while its case is made.

    Nothing happens where the live model or the picture cannot be used: it is then computed, or
    refused, where it is needed.
    """
    white = picture.finding().cells_of("wbc")
    try:
        if white:
            look(store, [SeenCell(0, picture, cell.box_xyxy_px) for cell in white])
    except (PictureLost, WeightsRefused):
        return


_cache: OrderedDict[tuple[str, str, Box], tuple[Array, Array]] = OrderedDict()
_lock = threading.Lock()


def _compute(
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
    computed = answers_of(crops, model)
    # As they are read again from the file, so that a list is the same before and after.
    features = computed.features.astype(np.float16).astype(np.float32)
    found = list(zip(features, computed.logits, strict=True))
    for indices in by_picture.values():
        fresh = {cells[index].box_xyxy_px: found[index] for index in indices}
        # A full disk keeps nobody from the list: it is computed again next time.
        with contextlib.suppress(OSError):
            feature_files.keep_answers(
                store, cells[indices[0]].picture.sha256, model.identity, fresh
            )
    return found


def unit_length(features: Array) -> Array:
    """Rows scaled to length 1, so that a product of two is their cosine."""
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    return np.asarray(features / np.maximum(lengths, 1e-12))
