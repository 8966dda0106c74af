"""Is this picture of a palm good enough to be judged? Flags from the pixels of the crop alone.

Limits were set on the 409 Ghana palms (docs/palm.md says how many each flags there).
"""

from __future__ import annotations

from typing import Final, NamedTuple

import cv2
import numpy as np

from core.imaging.blood import (
    LIKENESS_SIDE_PX,
    NOT_A_SMEAR_BELOW,
    smear_likeness,
    working_copy,
)
from core.records import Flag, RgbImage

_BLUR_SIDE_PX: Final = 224
_COLOUR_SIDE_PX: Final = 96
_REBLUR_PX: Final = 2.0

MIN_SIDE_PX: Final = 64
"""Smallest side of a crop: below it creases are not resolved."""

BLUR_LIMIT_PX: Final = 1.65
SKIN_AT_LEAST: Final = 0.25
SKIN_EXPECTED: Final = 0.90
GREY_BELOW: Final = 1.5
"""Median chroma: noise of every colour is grey on the whole; palms in bluish light reach 2."""
DARK_LIGHTNESS: Final = 34.0
BRIGHT_LIGHTNESS: Final = 86.0
GLARE_SHARE: Final = 0.02
CAST_HUES: Final = (12.0, 84.0)
"""Median hue of skin in daylight, degrees in CIE Lab, with room for tungsten and shade."""

MESSAGES: Final = {
    "out_of_focus": "The picture is out of focus: creases are soft. Hold the camera 25 cm away, "
    "tap on the palm, wait until it is sharp.",
    "glare": "Part of the palm shines white. Switch the flash off and turn the hand away from "
    "the lamp.",
    "too_dark": "The picture is too dark. Go to a window, or take the photo in the shade outside.",
    "too_bright": "The picture is too bright and pale skin cannot be told from light. Go out of "
    "direct sun and switch the flash off.",
    "colour_cast": "The light has a colour, so the palm's colour cannot be trusted. Use daylight, "
    "no lamp, no wall or cloth of a strong colour near the hand.",
    "coloured_light": "The light is so coloured that paleness cannot be judged. Take the photo in "
    "daylight.",
    "uncalibrated_colour": "The colour is uncalibrated: no white paper was tapped in the photo, so "
    "the light's own colour is in the answer.",
}

SPOILS_THE_COLOUR: Final = frozenset({"glare", "too_dark", "too_bright", "coloured_light"})
"""With one of these, or out of focus, no verdict is given."""


class Colour(NamedTuple):
    """Medians of a picture in CIE Lab (D65): lightness 0-100, hue in degrees, chroma."""

    lightness: float
    hue_degrees: float
    chroma: float
    skin_share: float


def colour_of(pixels: RgbImage) -> Colour:
    """What colour a picture is and how much of it could be skin in some usual light."""
    small = cv2.resize(pixels, (_COLOUR_SIDE_PX, _COLOUR_SIDE_PX), interpolation=cv2.INTER_AREA)
    lab = cv2.cvtColor(small.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    lightness, a, b = (float(np.median(lab[..., i])) for i in range(3))
    hue = np.degrees(np.arctan2(lab[..., 2], lab[..., 1]))
    chroma = np.hypot(lab[..., 1], lab[..., 2])
    skin = (hue > -40) & (hue < 95) & (chroma > 3) & (lab[..., 0] > 8)
    return Colour(
        lightness, float(np.degrees(np.arctan2(b, a))), float(np.hypot(a, b)), float(skin.mean())
    )


def looks_like_skin(pixels: RgbImage) -> bool:
    """Could this be skin: colours as skin has them, not grey on the whole, and no stained smear."""
    colour = colour_of(pixels)
    if colour.skin_share < SKIN_AT_LEAST or colour.chroma < GREY_BELOW:
        return False
    return smear_likeness(working_copy(pixels, LIKENESS_SIDE_PX)) < NOT_A_SMEAR_BELOW


def assess_palm(pixels: RgbImage, *, calibrated: bool = False) -> tuple[Flag, ...]:
    """What a person should know before trusting a verdict on this crop.

    Args:
        pixels: ``(H, W, 3)`` RGB, skin only.
        calibrated: a neutral reference has taken the light's colour out.

    Returns:
        Flags in the order of :data:`MESSAGES`; ``uncalibrated_colour`` always without a reference.
    """
    colour = colour_of(pixels)
    odd_hue = not CAST_HUES[0] <= colour.hue_degrees <= CAST_HUES[1]
    coloured = colour.skin_share < SKIN_AT_LEAST * 2 or not -5 <= colour.hue_degrees <= 92
    raised = {
        "out_of_focus": blur_px(pixels) >= BLUR_LIMIT_PX,
        "glare": _glare_share(pixels) > GLARE_SHARE,
        "too_dark": colour.lightness < DARK_LIGHTNESS,
        "too_bright": colour.lightness > BRIGHT_LIGHTNESS,
        "colour_cast": not coloured and (odd_hue or colour.skin_share < SKIN_EXPECTED),
        "coloured_light": coloured,
        "uncalibrated_colour": not calibrated,
    }
    return tuple(Flag(code, MESSAGES[code]) for code, is_so in raised.items() if is_so)


def blur_px(pixels: RgbImage) -> float:
    """Width of the blur as the sigma of a Gaussian, in pixels of a copy with a side of 224.

    The idea of :func:`core.imaging.quality.blur_px`, without its sizes of cells: blurring again
    takes much gradient energy from a sharp crease and little from a soft one. Of the Ghana palms
    4 in 100 are at or above the limit; blurred by a sigma of 3 px, 93 in 100.

    Source: the idea of reblurring, Crete et al. 2007.
    """
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)
    scale = _BLUR_SIDE_PX / max(grey.shape)
    size = (max(8, round(grey.shape[1] * scale)), max(8, round(grey.shape[0] * scale)))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    small = np.asarray(cv2.resize(grey, size, interpolation=how), np.float32)
    sharp = max(_energy(small), 1e-6)
    soft = _energy(np.asarray(cv2.GaussianBlur(small, (0, 0), _REBLUR_PX), np.float32))
    ratio = min(soft / sharp, 0.999)
    return float(_REBLUR_PX * ratio / np.sqrt(1 - ratio * ratio))


def _energy(grey: np.ndarray) -> float:
    across, down = np.diff(grey, axis=1), np.diff(grey, axis=0)
    return float(np.mean(across * across) + np.mean(down * down))


def _glare_share(pixels: RgbImage) -> float:
    """Share of the picture that is white: a highlight has lost the skin's colour altogether."""
    return float((pixels.min(axis=2) >= 247).mean())
