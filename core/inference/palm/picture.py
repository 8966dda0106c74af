"""Draw onto a photo what was found: the landmarks of each hand and the judged square."""

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np

from core.imaging.view import shrink
from core.inference.palm.hand import BONES, Hand
from core.records import RgbImage

_BONE: Final = (0, 114, 178)
_JOINT: Final = (255, 255, 255)
_SQUARE: Final = (213, 94, 0)


def drawn(
    pixels: RgbImage,
    hands: Sequence[Hand],
    corners_px: np.ndarray | None = None,
    long_side_px: int = 900,
    *,
    numbered: bool = False,
) -> RgbImage:
    """A copy with its longer side at most ``long_side_px``.

    Args:
        pixels: the photo.
        hands: whose landmarks are drawn.
        corners_px: ``(4, 2)``, the judged square; its upper side is drawn thicker.
        long_side_px: size of the copy.
        numbered: write 1, 2 ... at the wrists, for a person to choose.
    """
    small = shrink(pixels, long_side_px).copy()
    scale = small.shape[1] / pixels.shape[1]
    thick = max(1, round(max(small.shape) / 400))
    for number, hand in enumerate(hands, start=1):
        points = [tuple(int(v) for v in point * scale) for point in hand.landmarks_px]
        for a, b in BONES:
            cv2.line(small, points[a], points[b], _BONE, 2 * thick, cv2.LINE_AA)
        for point in points:
            cv2.circle(small, point, 3 * thick, _JOINT, -1, cv2.LINE_AA)
            cv2.circle(small, point, 3 * thick, _BONE, thick, cv2.LINE_AA)
        if numbered:
            _number(small, points[9], number, thick)
    if corners_px is not None:
        corners = np.round(corners_px * scale).astype(np.int32)
        cv2.polylines(small, [corners], True, _SQUARE, 2 * thick, cv2.LINE_AA)
        cv2.polylines(small, [corners[:2]], False, _SQUARE, 5 * thick, cv2.LINE_AA)
    return np.asarray(small, np.uint8)


def _number(picture: RgbImage, place: tuple[int, ...], number: int, thick: int) -> None:
    where = (place[0] - 10 * thick, place[1] + 10 * thick)
    for colour, width in (((0, 0, 0), 6 * thick), (_JOINT, 2 * thick)):
        cv2.putText(
            picture, str(number), where, cv2.FONT_HERSHEY_SIMPLEX, thick, colour, width, cv2.LINE_AA
        )
