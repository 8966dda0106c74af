"""The locator's heat map: every peak above the threshold is one counted cell."""

import cv2
import numpy as np
import numpy.typing as npt

from core.models.engine import as_batch, engine_for
from core.models.locator import RBC_DIAMETER_PX
from core.models.weights import LoadedModel
from core.records import RgbImage
from core.taxonomy import KINDS, CellKind

HeatMap = npt.NDArray[np.float32]


def count_heat(
    pixels: RgbImage, kind: CellKind, rbc_diameter_px: float | None, model: LoadedModel
) -> HeatMap:
    """How strongly the locator sees the middle of a cell of ``kind`` at each place.

    Args:
        pixels: the field, ``(H, W, 3)``.
        kind: which count.
        rbc_diameter_px: the finding's scale; None scales the field to the area of 320x240 pixels.
        model: the locator.

    Returns:
        ``(H, W)`` in [0, 1].
    """
    small = network_copy(pixels, rbc_diameter_px)
    logits = engine_for(model)(as_batch([small]))[0][0, KINDS.index(kind)]
    heat = 1 / (1 + np.exp(-logits.astype(np.float32)))
    return stretch(heat, *pixels.shape[:2])


def network_copy(pixels: RgbImage, rbc_diameter_px: float | None) -> RgbImage:
    """The field at the size at which the locator reads it, at most 960 px a side.

    A map is looked at by eye, so it needs no finer detail.
    """
    height, width = pixels.shape[:2]
    scale = (
        RBC_DIAMETER_PX / rbc_diameter_px
        if rbc_diameter_px
        else (320 * 240 / (height * width)) ** 0.5
    )
    scale = min(scale, 960 / max(height, width))
    size = (_multiple_of_eight(width * scale), _multiple_of_eight(height * scale))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def stretch(heat: HeatMap, height: int, width: int) -> HeatMap:
    """The map at another size, ``(height, width)``, for a larger copy of the same picture."""
    larger = cv2.resize(heat, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(larger.clip(0, 1), np.float32)


def _multiple_of_eight(length: float) -> int:
    return max(64, 8 * round(length / 8))
