"""Cut the square that is judged out of a photo: the middle of one open palm, upright.

Accepted are photos of a hand and crops that show nothing but palm. Anything else is refused in one
sentence that says what to photograph instead.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, NoReturn

import cv2
import numpy as np

from core.imaging.palm_quality import MIN_SIDE_PX, colour_of, looks_like_skin
from core.imaging.read import ImageRefused
from core.inference.palm.hand import (
    INDEX_ROOT,
    LITTLE_ROOT,
    MIDDLE_ROOT,
    RING_ROOT,
    Hand,
    find_hands,
)
from core.models.hand import HandModelsMissing
from core.models.palm_classifier import PALM_PX
from core.records import Field, RgbImage

Kind = Literal["auto", "hand", "crop"]

_SIDE_OF_PALM: Final = 0.66
"""Side of the square in palm lengths (wrist to root of the middle finger); the crops that the
classifier learnt from are as tight."""

_MIN_PALM_SHARE: Final = 0.12
"""Palm length below which a hand is too small, as a share of the photo's longer side."""

_WHITE_LIGHTNESS: Final = 95.0
"""CIE lightness above which a corner is ground, not skin; the palest Ghana palm has 93."""

_SHIFTS: Final = (0.0, 0.05, 0.1, 0.15)
"""Shifts of the square towards the fingers that are tried to keep it inside, in palm lengths."""

MESSAGES: Final = {
    "no_palm": "{file} shows no open palm. Photograph the flat palm from the front, fingers "
    "stretched, or send a crop that shows nothing but palm.",
    "no_hand_models": "{file} is no crop of a palm, and hands cannot be found in this "
    "installation. Send a crop that shows nothing but palm.",
    "back_of_hand": "{file} shows the back of a hand. Turn the hand: the palm is judged.",
    "fist": "{file} shows a closed hand. Stretch the fingers until the palm is flat.",
    "two_hands": "{file} shows {count} hands. Choose one, or photograph one at a time.",
    "hand_too_small": "{file} shows the hand too small. Go closer until the hand fills the photo.",
    "hand_cut_off": "{file} does not show the whole palm. Bring the palm into the middle.",
    "not_skin": "{file} does not look like skin, or the light is strongly coloured. Photograph "
    "the palm in daylight.",
    "crop_too_small": "{file} has {size} pixels of palm a side; at least {least} are needed.",
}


class PalmRefused(ImageRefused):
    """A readable picture without a palm that can be judged; codes are keys of `MESSAGES`.

    ``hands`` are the hands that were found, so that a person can choose one.
    """

    hands: tuple[Hand, ...] = ()


@dataclass(frozen=True)
class PalmCrop:
    """The judged square. ``hand`` is None if the picture was a crop already.

    ``corners_px`` is ``(4, 2)``, the judged square in the photo, from its top left clockwise.
    """

    pixels: RgbImage
    hand: Hand | None
    corners_px: np.ndarray


def crop_palm(field: Field, kind: Kind = "auto", which: int | None = None) -> PalmCrop:
    """The judged square of a picture.

    Args:
        field: the photo.
        kind: ``hand``, ``crop``, or ``auto`` to find out.
        which: index into `PalmRefused.hands` if there are several; None refuses then.

    Raises:
        PalmRefused: if there is no palm, or none that can be judged.
    """
    if kind == "crop" or (kind == "auto" and _all_skin(field.pixels)):
        return _whole(field)
    try:
        hands = find_hands(field.pixels)
    except HandModelsMissing:
        refuse(field.name, "no_hand_models")
    if not hands:
        refuse(field.name, "no_palm")
    if len(hands) > 1 and which is None:
        # Ignore small hands in the background instead of asking which hand is meant.
        near = [h for h in hands if h.palm_length_px > 0.4 * hands[0].palm_length_px]
        if len(near) > 1:
            refuse(field.name, "two_hands", near, count=len(near))
        hands = near
    hand = hands[min(which or 0, len(hands) - 1)]
    _check(field, hand)
    return _cut(field, hand)


def refuse(file: str, code: str, hands: Sequence[Hand] = (), **words: object) -> NoReturn:
    """Raise the refusal of that code."""
    refusal = PalmRefused(file, code, MESSAGES[code].format(file=file, **words))
    refusal.hands = tuple(hands)
    raise refusal


def _all_skin(pixels: RgbImage) -> bool:
    """Whether skin fills the picture: in a photo of a hand at least one corner shows the ground."""
    height, width = pixels.shape[:2]
    deep, wide = height // 5, width // 5
    corners = (
        pixels[top : top + deep, left : left + wide]
        for top in (0, height - deep)
        for left in (0, width - wide)
    )
    return looks_like_skin(pixels) and all(_skin_or_shade(corner, pixels) for corner in corners)


def _skin_or_shade(corner: RgbImage, pixels: RgbImage) -> bool:
    """Whether a corner has the hue of the middle; it may be darker."""
    height, width = pixels.shape[:2]
    if colour_of(corner).lightness > _WHITE_LIGHTNESS:
        return False
    middle = pixels[height // 3 : -(height // 3), width // 3 : -(width // 3)]
    one, two = (_chroma(part) for part in (corner, middle))
    return bool(np.hypot(*(one - two)) < 18)


def _chroma(pixels: RgbImage) -> np.ndarray:
    small = cv2.resize(pixels, (24, 24), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    lab = cv2.cvtColor(small, cv2.COLOR_RGB2LAB)
    return np.median(lab[..., 1:].reshape(-1, 2), axis=0)


def _whole(field: Field) -> PalmCrop:
    if min(field.width, field.height) < MIN_SIDE_PX:
        size = min(field.width, field.height)
        refuse(field.name, "crop_too_small", size=size, least=MIN_SIDE_PX)
    if not looks_like_skin(field.pixels):
        refuse(field.name, "not_skin")
    width, height = float(field.width), float(field.height)
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]])
    return PalmCrop(field.pixels, None, corners)


def _check(field: Field, hand: Hand) -> None:
    longer = max(field.width, field.height)
    if hand.palm_length_px < _MIN_PALM_SHARE * longer or hand.palm_length_px < 1.2 * MIN_SIDE_PX:
        refuse(field.name, "hand_too_small", [hand])
    if hand.side_seen == "dorsal":
        refuse(field.name, "back_of_hand", [hand])
    if _corners_inside(field, hand) is None:
        refuse(field.name, "hand_cut_off", [hand])
    if hand.stretched_fingers < 3:
        refuse(field.name, "fist", [hand])


def _corners(hand: Hand, shift: float = 0.0) -> np.ndarray:
    """The judged square in the photo, ``(4, 2)``, from its top left clockwise, fingers up."""
    roots = hand.landmarks_px[[INDEX_ROOT, MIDDLE_ROOT, RING_ROOT, LITTLE_ROOT]].mean(axis=0)
    wrist, length = hand.landmarks_px[0], hand.palm_length_px
    up = (hand.landmarks_px[MIDDLE_ROOT] - wrist) / length
    right = np.array([-up[1], up[0]])
    centre = wrist + 0.56 * (roots - wrist) + shift * length * up
    ways = ((-1, 1), (1, 1), (1, -1), (-1, -1))
    half = _SIDE_OF_PALM * length / 2
    return np.stack([centre + half * (x * right + y * up) for x, y in ways])


def _corners_inside(field: Field, hand: Hand) -> np.ndarray | None:
    """The square, moved towards the fingers if the wrist is cut off; None if it does not fit.

    The wrist may lie outside the photo, the square may not.
    """
    slack = 0.05 * hand.palm_length_px
    for shift in _SHIFTS:
        corners = _corners(hand, shift)
        inside = (corners > -slack) & (corners < np.array([field.width, field.height]) + slack)
        if inside.all():
            return corners
    return None


def _cut(field: Field, hand: Hand) -> PalmCrop:
    corners, side = _corners_inside(field, hand), _SIDE_OF_PALM * hand.palm_length_px
    assert corners is not None
    size = round(min(max(side, MIN_SIDE_PX), 512))
    target = np.array([[0, 0], [size, 0], [size, size]], np.float32)
    turn = cv2.getAffineTransform(corners[:3].astype(np.float32), target)
    # Blur first: shrinking a large photo in one step would alias.
    pixels, factor = field.pixels, side / size
    if factor > 1.5:
        pixels = np.asarray(cv2.GaussianBlur(pixels, (0, 0), 0.4 * factor), np.uint8)
    cut = cv2.warpAffine(
        pixels, turn, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    crop = np.asarray(cut, np.uint8)
    if not looks_like_skin(crop):
        refuse(field.name, "not_skin", [hand])
    return PalmCrop(crop, hand, corners)


def views(crop: RgbImage) -> list[RgbImage]:
    """Four orientations of a crop whose answers are averaged: direction carries no meaning.

    Returns:
        ``(224, 224, 3)`` RGB each: the crop, its mirror image, and both transposed.
    """
    side = min(crop.shape[:2])
    how = cv2.INTER_AREA if side > PALM_PX else cv2.INTER_CUBIC
    square = np.asarray(cv2.resize(crop, (PALM_PX, PALM_PX), interpolation=how), np.uint8)
    turned = square.transpose(1, 0, 2)
    return [square, square[:, ::-1], turned, turned[:, ::-1]]
