"""Is this picture of a smear good enough to be read? Flags from the pixels alone."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from core.imaging.blood import (
    LIKENESS_SIDE_PX,
    NOT_A_SMEAR_BELOW,
    byte_quantile,
    ground_levels,
    smear_likeness,
    working_copy,
)
from core.records import Field, Flag, RgbImage

_SIDE_PX: Final = 224
_REBLUR_PX: Final = 2.0
_OBJECT_PX: Final = 6.0

BLUR_LIMIT_PX: Final = 1.0
DARK_GROUND: Final = 110.0
WHITE_SHARE: Final = 0.25
PALE_OBJECTS: Final = 200.0
LOW_CONTRAST: Final = 0.12

MESSAGES: Final = {
    "not_a_smear": "This does not look like a stained blood smear. What is found in it means "
    "nothing unless a person confirms that it is one.",
    "out_of_focus": "The picture is out of focus. Focus again and take another field.",
    "too_dark": "The picture is too dark. Raise the lamp or the exposure time.",
    "too_bright": "The picture is overexposed and pale cells are lost. Lower the lamp or the "
    "exposure time.",
    "low_contrast": "Cells hardly stand out from the ground. Check the stain, the condenser and "
    "the focus.",
}


def assess(field: Field) -> tuple[Flag, ...]:
    """What a person should know about a picture before trusting what is found in it.

    Rules that need located cells (too few, cut by the edge) are not here.

    Returns:
        Flags ``not_a_smear``, ``out_of_focus``, ``too_dark``, ``too_bright``,
        ``low_contrast``, in this order; empty for a good picture.

    EXPOSURERATES
    """
    small = working_copy(field.pixels, LIKENESS_SIDE_PX)
    levels, lit = ground_levels(small)
    luminance = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
    seen = luminance[lit]
    low, high = byte_quantile(seen, 0.02), byte_quantile(seen, 0.98)
    found = {
        "not_a_smear": smear_likeness(small) < NOT_A_SMEAR_BELOW,
        "out_of_focus": blur_px(field.pixels) >= BLUR_LIMIT_PX,
        "too_dark": float(levels @ (0.299, 0.587, 0.114)) < DARK_GROUND,
        "too_bright": _overexposed(small, luminance),
        "low_contrast": high - low < LOW_CONTRAST * max(high, 1),
    }
    return tuple(Flag(code, MESSAGES[code]) for code, is_so in found.items() if is_so)


def blur_px(pixels: RgbImage) -> float:
    """Width of the blur in a picture, as the sigma of a Gaussian.

    Blurring again by a known sigma takes much gradient energy from a sharp edge and little from
    a soft one: with energy falling as ``1 / sigma``, the ratio ``R`` of the energies gives
    ``sigma = s R / sqrt(1 - R^2)``. The ratio does not depend on contrast or on how many edges
    there are; camera noise, estimated from the median mixed second difference, is subtracted.
    The result is divided by the size of the objects (Otsu area over outline) where they are
    larger than in a 100x field, since magnified cells have wider edges.

    RATES

    Returns:
        Pixels of a copy with a longer side of 224; 0 where nothing stands out.

    Source: the idea of reblurring, Crete et al. 2007; noise as Immerkaer 1996.
    """
    grey = _grey(pixels)
    if min(grey.shape) < 8 or float(grey.std()) < 1.0:
        return 0.0
    mixed = grey[:-1, :-1] + grey[1:, 1:] - grey[:-1, 1:] - grey[1:, :-1]
    noise = float(np.median(np.abs(mixed))) / 0.6745 / 2
    sharp = max(_gradient_energy(grey) - 4 * noise * noise, 1e-6)
    soft = _gradient_energy(cv2.GaussianBlur(grey, (0, 0), _REBLUR_PX))
    ratio = min(soft / sharp, 0.999)
    sigma = _REBLUR_PX * ratio / float(np.sqrt(1 - ratio * ratio))
    return sigma / min(max(_object_size_px(grey) / _OBJECT_PX, 1.0), 1.7)


def _grey(pixels: RgbImage) -> npt.NDArray[np.float32]:
    # Averaged as floats: rounding would pass for noise in a dark picture.
    grey = cv2.cvtColor(working_copy(pixels, 4 * _SIDE_PX), cv2.COLOR_RGB2GRAY)
    scale = min(1.0, _SIDE_PX / max(grey.shape))
    size = (max(1, round(grey.shape[1] * scale)), max(1, round(grey.shape[0] * scale)))
    small = cv2.resize(grey.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    return np.asarray(small, dtype=np.float32)


def _gradient_energy(grey: npt.NDArray[np.float32]) -> float:
    across, down = np.diff(grey, axis=1), np.diff(grey, axis=0)
    return float(np.mean(across * across) + np.mean(down * down))


def _object_size_px(grey: npt.NDArray[np.float32]) -> float:
    smooth = cv2.GaussianBlur(grey, (0, 0), 1.0).astype(np.uint8)
    objects = cv2.threshold(smooth, 0, 1, cv2.THRESH_BINARY_INV + cv2.THRESH_OTSU)[1]
    outline = int((objects[:, 1:] != objects[:, :-1]).sum() + (objects[1:] != objects[:-1]).sum())
    area = int(objects.sum())
    return min(area, objects.size - area) / max(outline, 1)


def _overexposed(pixels: RgbImage, luminance: npt.NDArray[np.uint8]) -> bool:
    # White ground alone is how many scanners deliver; it is too bright where cells are pale too.
    white = np.minimum(np.minimum(pixels[..., 0], pixels[..., 1]), pixels[..., 2]) >= 250
    if white.mean() < WHITE_SHARE:
        return False
    return bool(white.all() or np.median(luminance[~white]) > PALE_OBJECTS)
