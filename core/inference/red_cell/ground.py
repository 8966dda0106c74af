"""A field's ground and stain taken out: every field looks as if stained and lit alike.

Where the ground's colour or the depth of the stain tells slides apart, a network learns the slide.
So the colours are divided by those of the ground, which becomes a flat grey, and the depth is
brought to one value for the field's cells as a whole; between its cells it still differs.
"""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from core.models.red_cell import GREY_WEIGHTS, GROUND
from core.records import RgbImage

Density = npt.NDArray[np.float32]

GROUND_VALUE: Final = round(255 * GROUND)
_TYPICAL_DENSITY: Final = 0.45
"""Natural optical density to which the median of a field's cells is brought."""
_SAMPLE: Final = 3
"""Every third pixel a side is looked at for the ground."""
_LEAST_DENSITY: Final = 0.03
_CLEAREST: Final = 0.85
_DENSITIES: Final = -np.log(
    np.clip(np.arange(256), 5, GROUND_VALUE) / GROUND_VALUE, dtype=np.float32
)


@dataclass(frozen=True)
class EvenField:
    """A field with its ground at ``GROUND_VALUE`` in every channel.

    ``pixels`` is ``(H, W, 3)`` uint8; ``density`` its natural optical density, ``(H, W)`` float32,
    0 on the ground; ``cells`` the pixels that are darker than half-way to the cells, ``(H, W)``
    bool.
    """

    pixels: RgbImage
    density: Density
    cells: npt.NDArray[np.bool_]


def even(pixels: RgbImage) -> EvenField:
    """Take the ground and the depth of the stain out of a field, ``(H, W, 3)`` RGB."""
    sample = pixels[::_SAMPLE, ::_SAMPLE].reshape(-1, 3)
    grey = _grey(sample[None])[0]
    limit, _ = cv2.threshold(grey, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    bright = sample[grey > limit]
    ground = np.median(bright, axis=0) if len(bright) else np.full(3, 255.0)
    ground = np.maximum(ground, 32.0)
    level = float(ground @ GREY_WEIGHTS)
    dark = np.clip(grey[grey <= limit], 5, None)
    depth = float(np.median(-np.log(dark / level))) if len(dark) else _TYPICAL_DENSITY
    gain = _TYPICAL_DENSITY / max(depth, _LEAST_DENSITY)
    values = np.arange(256, dtype=np.float32)[:, None] / ground[None].astype(np.float32)
    table = GROUND_VALUE * np.clip(values, 0, 1) ** gain
    evened = cv2.LUT(pixels, np.round(table).astype(np.uint8)[:, None])
    density = cv2.LUT(_grey(evened), _DENSITIES)
    return EvenField(evened.astype(np.uint8), density, density > _TYPICAL_DENSITY / 2.5)


def _grey(pixels: RgbImage) -> npt.NDArray[np.uint8]:
    return cv2.transform(pixels, GREY_WEIGHTS[None]).astype(np.uint8).reshape(pixels.shape[:2])
