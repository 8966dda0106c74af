"""A field's ground and stain taken out: every field looks as if stained and lit alike.

Where the ground's colour or the depth of the stain tells slides apart, a network learns the slide.
So the colours are divided by those of the ground, which becomes a flat grey, and the depth is
brought to one value for the field's cells as a whole; between its cells it still differs.
"""

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from core.models.red_cell import GREY_WEIGHTS, GROUND
from core.records import RgbImage

Grey = npt.NDArray[np.uint8]

GROUND_VALUE: Final = round(255 * GROUND)
_TYPICAL_DENSITY: Final = 0.45
"""Natural optical density to which the median of a field's cells is brought."""
_CELL_DENSITY: Final = 0.18
"""From this density on a pixel belongs to a cell."""
_SAMPLE: Final = 5
"""Every fifth pixel a side is looked at for the ground."""
_LEAST_DENSITY: Final = 0.03
DENSITIES: Final = -np.log(
    np.clip(np.arange(256), 5, GROUND_VALUE) / GROUND_VALUE, dtype=np.float32
)
"""Value of an evened pixel -> its natural optical density, 0 on the ground."""
CELLS_BELOW: Final = int(np.flatnonzero(DENSITIES >= _CELL_DENSITY)[-1]) + 1
"""Evened pixels below this value belong to cells."""


def even(pixels: RgbImage) -> Grey:
    """A field ``(H, W, 3)`` RGB in grey, ``(H, W)``: its ground at ``GROUND_VALUE``, its cells at
    one depth.

    The ground is the median of what is brighter than Otsu's threshold, channel by channel.
    """
    sample = pixels[::_SAMPLE, ::_SAMPLE].reshape(-1, 3)
    grey = cv2.transform(sample[None], GREY_WEIGHTS[None]).reshape(-1)
    limit, _ = cv2.threshold(grey, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    bright = sample[grey > limit]
    ground = np.median(bright, axis=0) if len(bright) else np.full(3, 255.0)
    weights = GROUND_VALUE * GREY_WEIGHTS / np.maximum(ground, 32.0)
    evened = cv2.transform(pixels, weights[None].astype(np.float32)).reshape(pixels.shape[:2])
    dark = evened[::_SAMPLE, ::_SAMPLE].reshape(-1)[grey <= limit]
    depth = float(np.median(DENSITIES[dark])) if len(dark) else _TYPICAL_DENSITY
    gain = _TYPICAL_DENSITY / max(depth, _LEAST_DENSITY)
    table = np.round(GROUND_VALUE * np.exp(-gain * DENSITIES)).astype(np.uint8)
    return cv2.LUT(evened, table).astype(np.uint8)
