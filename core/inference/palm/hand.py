"""Find hands in a photo: 21 landmarks each, the visible side, and whether the hand is open.

Source: MediaPipe Hands (Zhang 2020). The palm's box is rotated upright, moved half a box towards
the fingers and enlarged 2.6 times; the landmark network reads that square.
"""

import math
from dataclasses import dataclass
from typing import Final, Literal

import cv2
import numpy as np
import numpy.typing as npt

from core.inference.palm.hand_boxes import MIDDLE_FINGER, WRIST, PalmBox, find_palms
from core.models.hand import LANDMARK_PX, Networks, networks
from core.records import RgbImage

Points = npt.NDArray[np.float32]

_ENLARGE: Final = 2.6
_SHIFT: Final = 0.5
_PRESENT: Final = 0.6
_MOST: Final = 4

INDEX_ROOT: Final = 5
MIDDLE_ROOT: Final = 9
RING_ROOT: Final = 13
LITTLE_ROOT: Final = 17
_FINGERS: Final = ((5, 6, 8), (9, 10, 12), (13, 14, 16), (17, 18, 20))  # root, joint, tip
BONES: Final = (
    *((0, 1), (1, 2), (2, 3), (3, 4), (0, 5), (5, 6), (6, 7), (7, 8), (5, 9), (9, 10), (10, 11)),
    *((11, 12), (9, 13), (13, 14), (14, 15), (15, 16), (13, 17), (17, 18), (18, 19), (19, 20)),
    (0, 17),
)
"""Pairs of landmarks joined in a drawing."""


@dataclass(frozen=True)
class Hand:
    """One hand in a photo.

    ``landmarks_px`` is ``(21, 2)`` in pixels of the photo: wrist, then thumb, index, middle, ring
    and little finger from root to tip. ``right`` is the probability of a right hand (in a
    photo that is not mirrored), ``presence`` that of a hand at all.
    """

    landmarks_px: Points
    presence: float
    right: float
    score: float

    @property
    def side_seen(self) -> Literal["palmar", "dorsal"]:
        """Palm or back of the hand.

        Seen from the palm, a right hand that points up has its thumb on the right. The network
        tells left from right by appearance, the order of the finger roots gives the orientation,
        and together they give the side. A mirrored photo swaps both, so the side stays right.
        """
        wrist, index, little = self.landmarks_px[[0, INDEX_ROOT, LITTLE_ROOT]]
        (x0, y0), (x1, y1) = index - wrist, little - wrist
        index_is_left = float(x0 * y1 - y0 * x1) > 0
        return "palmar" if index_is_left != (self.right > 0.5) else "dorsal"

    @property
    def palm_length_px(self) -> float:
        """From the wrist to the root of the middle finger."""
        return float(np.linalg.norm(self.landmarks_px[MIDDLE_ROOT] - self.landmarks_px[0]))

    @property
    def stretched_fingers(self) -> int:
        """How many of the four fingers point away from the wrist, 0 to 4."""
        wrist = self.landmarks_px[0]

        def far(point: int) -> float:
            return float(np.linalg.norm(self.landmarks_px[point] - wrist))

        return sum(far(tip) > 1.1 * far(joint) for _, joint, tip in _FINGERS)


def find_hands(pixels: RgbImage) -> list[Hand]:
    """Every hand in a photo, largest first.

    Raises:
        HandModelsMissing: if the two networks are not installed.
    """
    nets = networks()
    found = [_landmarks(pixels, box, nets) for box in find_palms(pixels, nets)[:_MOST]]
    hands = [hand for hand in found if hand.presence >= _PRESENT]
    return _without_duplicates(sorted(hands, key=lambda hand: -hand.palm_length_px))


def _landmarks(pixels: RgbImage, box: PalmBox, nets: Networks) -> Hand:
    to_photo = _square(box)
    crop = cv2.warpAffine(
        pixels, to_photo, (LANDMARK_PX, LANDMARK_PX), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    )
    points, presence, handedness = nets.landmarks(crop / np.float32(255))
    in_photo = points[:, :2] @ to_photo[:, :2].T + to_photo[:, 2]
    return Hand(in_photo.astype(np.float32), presence, handedness, box.score)


def _square(box: PalmBox) -> npt.NDArray[np.float64]:
    """Affine map, ``(2, 3)``, from the landmark network's input to the photo."""
    x, y = box.points[MIDDLE_FINGER] - box.points[WRIST]
    turn = math.pi / 2 - math.atan2(float(-y), float(x))
    cos, sin = math.cos(turn), math.sin(turn)
    side = float(max(box.size)) * _ENLARGE
    centre = box.centre + _SHIFT * float(box.size[1]) * np.array([sin, -cos])
    linear = np.array([[cos, -sin], [sin, cos]]) * side / LANDMARK_PX
    return np.concatenate([linear, (centre - linear @ ([LANDMARK_PX / 2] * 2))[:, None]], axis=1)


def _without_duplicates(hands: list[Hand]) -> list[Hand]:
    """Drop duplicates: hands whose middles are closer than half a palm."""
    distinct: list[Hand] = []
    for hand in hands:
        middle = hand.landmarks_px[[0, MIDDLE_ROOT]].mean(axis=0)
        if all(
            np.linalg.norm(middle - other.landmarks_px[[0, MIDDLE_ROOT]].mean(axis=0))
            > 0.5 * other.palm_length_px
            for other in distinct
        ):
            distinct.append(hand)
    return distinct
