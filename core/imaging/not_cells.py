"""Crops that hold no white cell, for setting and measuring novelty: drawn, or cut from photographs.

Each function draws from the generator it is given and returns ``(side, side, 3)`` RGB.
"""

import string
from typing import Final

import cv2
import numpy as np

from core.records import RgbImage

Rng = np.random.Generator

SIDE_PX: Final = 128
_FONTS: Final = (
    cv2.FONT_HERSHEY_SIMPLEX,
    cv2.FONT_HERSHEY_PLAIN,
    cv2.FONT_HERSHEY_DUPLEX,
    cv2.FONT_HERSHEY_COMPLEX,
    cv2.FONT_HERSHEY_TRIPLEX,
    cv2.FONT_HERSHEY_SCRIPT_SIMPLEX,
)


def noise(rng: Rng, side_px: int = SIDE_PX) -> RgbImage:
    """Noise of one grain, from single pixels to large clouds, in any colour."""
    grain = int(rng.choice([1, 2, 4, 8, 16, 32]))
    small = rng.normal(
        rng.uniform(60, 200, 3), rng.uniform(10, 80), (side_px // grain, side_px // grain, 3)
    )
    pixels = np.clip(small, 0, 255).astype(np.uint8)
    return cv2.resize(pixels, (side_px, side_px), interpolation=cv2.INTER_CUBIC).astype(np.uint8)


def text(rng: Rng, side_px: int = SIDE_PX) -> RgbImage:
    """A few lines of print on paper or on a screen."""
    dark = rng.random() < 0.3
    paper, ink = (rng.uniform(0, 60, 3), rng.uniform(150, 255, 3))
    if not dark:
        paper, ink = rng.uniform(190, 255, 3), rng.uniform(0, 110, 3)
    pixels = np.full((side_px, side_px, 3), paper, np.uint8)
    font, scale = int(rng.choice(_FONTS)), float(rng.uniform(0.35, 1.3))
    letters = np.array(list(string.ascii_letters + string.digits + "   .,:"))
    step = max(10, round(30 * scale))
    for y in range(step, side_px + step, step):
        line = "".join(rng.choice(letters, 20))
        thickness = int(rng.integers(1, 3))
        cv2.putText(
            pixels, line, (int(rng.integers(-20, 10)), y), font, scale, ink.tolist(), thickness,
            cv2.LINE_AA,
        )  # fmt: skip
    return pixels


def patch(rng: Rng, photograph: RgbImage, side_px: int = SIDE_PX) -> RgbImage:
    """A square of a photograph, between a tenth and the whole of its shorter side."""
    height, width = photograph.shape[:2]
    side = max(16, round(min(height, width) * float(rng.uniform(0.1, 1))))
    top, left = int(rng.integers(height - side + 1)), int(rng.integers(width - side + 1))
    cut = np.ascontiguousarray(photograph[top : top + side, left : left + side])
    shrinks = side > side_px
    return cv2.resize(
        cut, (side_px, side_px), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    ).astype(np.uint8)


def has_nucleus(crop: RgbImage, share: float = 0.02) -> bool:
    """Does a stained crop hold a dark violet area like a white cell's nucleus, roughly."""
    hue, saturation, value = (cv2.cvtColor(crop, cv2.COLOR_RGB2HSV)[..., i] for i in range(3))
    violet = (hue > 110) & (hue < 165) & (saturation > 70) & (value < 210)
    return bool(violet.mean() > share)
