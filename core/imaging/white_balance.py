"""Taking the light's colour out of a photo with something in it that is known to be neutral.

Nothing here guesses a reference. Making the average of an all-skin crop grey would remove the very
colour that is to be judged.
"""

from typing import Final

import numpy as np

from core.records import RgbImage

SIDE_SHARE: Final = 0.02
"""Side of the square read round the tapped place, as a share of the longer side."""

MAX_GAIN: Final = 2.5


class ReferenceRefused(ValueError):
    """The tapped place cannot be a neutral reference; the message says why."""


def reference_colour(pixels: RgbImage, x_px: float, y_px: float) -> tuple[float, float, float]:
    """Median RGB, 0 to 255, of a small square round a place in the photo.

    Raises:
        ReferenceRefused: outside the photo, or too dark, burnt out, uneven or plainly coloured.
    """
    height, width = pixels.shape[:2]
    if not (0 <= x_px < width and 0 <= y_px < height):
        raise ReferenceRefused("The tapped place lies outside the photo.")
    reach = max(3, round(SIDE_SHARE * max(height, width) / 2))
    x, y = round(x_px), round(y_px)
    square = pixels[max(0, y - reach) : y + reach + 1, max(0, x - reach) : x + reach + 1]
    flat = square.reshape(-1, 3).astype(float)
    red, green, blue = (float(v) for v in np.median(flat, axis=0))
    if max(red, green, blue) >= 252:
        raise ReferenceRefused(
            "The paper is burnt out there, so its colour is lost. Tap a greyer part of it."
        )
    if min(red, green, blue) < 60:
        raise ReferenceRefused("That is too dark for white paper. Tap the paper.")
    if float(flat.mean(axis=1).std()) > 12:
        raise ReferenceRefused("That is an edge. Tap the middle of the paper.")
    if max(red, green, blue) / min(red, green, blue) > MAX_GAIN:
        raise ReferenceRefused("That is too coloured for white paper. Tap the paper.")
    return red, green, blue


def balance(pixels: RgbImage, reference: tuple[float, float, float]) -> RgbImage:
    """The photo as under white light: each channel scaled so that the reference is grey.

    Scaled in linear light (sRGB undone and done again), where a lamp's colour is a factor; the
    reference keeps its luminance. Source: von Kries.
    """
    linear = _linear(np.asarray(reference) / 255)
    gains = float(linear @ (0.2126, 0.7152, 0.0722)) / linear
    # Eight bits in, eight bits out: one table for each channel.
    levels = _linear(np.arange(256) / 255)
    tables = np.clip(levels[:, None] * gains, 0, 1)
    encoded = np.where(tables <= 0.0031308, 12.92 * tables, 1.055 * tables ** (1 / 2.4) - 0.055)
    bytes_of = np.round(encoded * 255).astype(np.uint8)
    return np.stack([bytes_of[pixels[..., c], c] for c in range(3)], axis=-1)


def _linear(encoded: np.ndarray) -> np.ndarray:
    """SRGB in [0, 1] as linear light (IEC 61966-2-1)."""
    return np.asarray(
        np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    )
