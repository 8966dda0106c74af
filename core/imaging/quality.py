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
from core.imaging.burnt_in import letters_at
from core.records import Field, Flag, RgbImage

_SIDE_PX: Final = 224
_REBLUR_PX: Final = 2.0
_OBJECT_PX: Final = 6.0  # area over outline of the objects in most 100x fields

BLUR_LIMIT_PX: Final = 1.0
DARK_GROUND: Final = 110.0  # luminance of the unstained ground; the darkest real field has 117
WHITE_SHARE: Final = 0.25  # of the picture; 0.18 in the whitest real one
PALE_OBJECTS: Final = 200.0  # median luminance of what is not white
LOW_CONTRAST: Final = 0.12  # range over brightest, 2nd to 98th percentile; 0.17 in the flattest
BLOCKINESS_LIMIT: Final = 3.5  # 2.6 in the blockiest real one

MESSAGES: Final = {
    "not_a_smear": "This does not look like a stained blood smear. What is found in it means "
    "nothing unless a person confirms that it is one.",
    "out_of_focus": "The picture is out of focus. Focus again and take another field.",
    "too_dark": "The picture is too dark. Raise the lamp or the exposure time.",
    "too_bright": "The picture is overexposed and pale cells are lost. Lower the lamp or the "
    "exposure time.",
    "low_contrast": "Cells hardly stand out from the ground. Check the stain, the condenser and "
    "the focus.",
    "over_compressed": "The file was compressed so hard that square blocks show. Use the camera's "
    "own file, or a JPEG of higher quality.",
    "burnt_in_label": "Letters seem to stand at the border of the picture. Where they name a "
    "patient, crop them away before the picture is kept.",
}


def assess(field: Field) -> tuple[Flag, ...]:
    """What a person should know about a picture before trusting what is found in it.

    Rules that need located cells (too few, cut by the edge) are not here.

    Returns:
        Flags ``not_a_smear``, ``out_of_focus``, ``too_dark``, ``too_bright``,
        ``low_contrast``, ``over_compressed``, ``burnt_in_label``, in this order; empty for a good
        picture.

    Rates on 1,275 real pictures of all laboratories (95 % interval), and on 381 of them after a
    change: ``too_dark`` 0 (0-0.3 %), after halving the light at a ground of 200 or so 96.8 %
    (92.8-99.0), at 0.35 of the light all; ``too_bright`` 1 (0-0.4 %), after doubling the light
    of 640x480 fields 96.8 % (92.8-99.0), of PBC, whose dark nuclei survive, 1 in 10 (13 of
    61 blue-green and yellow fields are then ``not_a_smear`` as well);
    ``low_contrast`` 0 (0-0.3 %), with a quarter of the contrast left at 640x480 70.9 %
    (63.1-77.8). ``out_of_focus``: see `blur_px`; ``over_compressed``: see `blockiness`;
    ``not_a_smear``: see `blood.smear_likeness`; ``burnt_in_label``: see `burnt_in.letters_at`.
    """
    small = working_copy(field.pixels, LIKENESS_SIDE_PX)
    levels, lit = ground_levels(small)
    luminance = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
    seen = luminance[lit]
    low, high = byte_quantile(seen, 0.02), byte_quantile(seen, 0.98)
    raised = {
        "not_a_smear": smear_likeness(small) < NOT_A_SMEAR_BELOW,
        "out_of_focus": blur_px(field.pixels) >= BLUR_LIMIT_PX,
        "too_dark": float(levels @ (0.299, 0.587, 0.114)) < DARK_GROUND,
        "too_bright": _overexposed(small, luminance),
        "low_contrast": high - low < LOW_CONTRAST * max(high, 1),
        "over_compressed": blockiness(field.pixels) > BLOCKINESS_LIMIT,
        "burnt_in_label": bool(letters_at(field.pixels)),
    }
    return tuple(Flag(code, MESSAGES[code]) for code, is_so in raised.items() if is_so)


def blur_px(pixels: RgbImage) -> float:
    """Width of the blur in a picture, as the sigma of a Gaussian.

    Blurring again by a known sigma takes much gradient energy from a sharp edge and little from
    a soft one: with energy falling as ``1 / sigma``, the ratio ``R`` of the energies gives
    ``sigma = s R / sqrt(1 - R^2)``. The ratio does not depend on contrast or on how many edges
    there are; camera noise, estimated from the median mixed second difference, is subtracted.
    The result is divided by the size of the objects (Otsu area over outline) where they are
    larger than in a 100x field, since magnified cells have wider edges.

    A result of `BLUR_LIMIT_PX` or more is flagged; the limit was chosen on every second of
    1,275 real pictures. Flagged of the others (95 % interval): at 640x480 as taken 9 of 235,
    3.8 % (1.8-7.1), most of them truly soft; blurred by sigma 4 px 89.4 % (84.7-93.0), with
    camera noise added 89.8 % (85.2-93.3); by sigma 6 px 100 % (98.4-100). The magnified 575x575
    TXL pictures are soft as published: 22.3 % (15.0-31.2) are flagged. Pictures of a few large
    cells (PBC, Munich) bear a sigma of 0.6 % of the side; about half of those pass.

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


def blockiness(pixels: RgbImage) -> float:
    """How far JPEG's blocks of 8x8 stand out: the step across their borders over that within.

    About 1.2 to 2 in a picture as taken. Above `BLOCKINESS_LIMIT` are none of 1,275 real pictures
    of five sets, none of 100 fields of 640x480 saved again at quality 30, all of them at 10. A
    compressed picture that was resized afterwards is not recognised.

    Returns:
        The lesser ratio of the two directions; 1 where there are no steps at all.
    """
    green = np.ascontiguousarray(pixels[:, :, 1])
    if min(green.shape) <= 8:
        return 1.0
    ratios = []
    for plane in (green, cv2.transpose(green)):
        steps = cv2.absdiff(plane[:, 1:], plane[:, :-1]).mean(axis=0)
        by_place = steps[: len(steps) // 8 * 8].reshape(-1, 8).mean(axis=0)
        within = float(np.median(by_place[:7]))
        ratios.append(float(by_place[7]) / within if within > 0 else 1.0)
    return min(ratios)


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
