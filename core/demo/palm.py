"""A palm drawn by the program: skin, creases and a shade of light, nobody's hand."""

import cv2
import numpy as np

from core.imaging.view import png
from core.records import Field, RgbImage

_SIDE_PX = 480
_SKIN = (206, 150, 124)
_CREASES = (
    ((30, 150), (190, 70), (430, 110)),
    ((20, 210), (200, 215), (400, 300)),
    ((40, 240), (170, 300), (190, 470)),
)
"""Heart, head and life line: begin, bend and end of each, in pixels."""


def draw_palm(seed: int = 1) -> Field:
    """A crop of a palm, 480 x 480 px; equal seeds give equal pixels."""
    import hashlib

    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:_SIDE_PX, 0:_SIDE_PX] / _SIDE_PX
    light = 1.04 - 0.16 * np.hypot(rows - 0.55, columns - 0.5)
    mottle = cv2.GaussianBlur(rng.normal(0, 1, (_SIDE_PX, _SIDE_PX)), (0, 0), 18) * 9
    grain = cv2.GaussianBlur(rng.normal(0, 1, (_SIDE_PX, _SIDE_PX)), (0, 0), 1.1) * 5
    skin = np.array(_SKIN)[None, None] * light[..., None] + (mottle + grain)[..., None]
    creases = np.zeros((_SIDE_PX, _SIDE_PX), np.float32)
    for begin, bend, end in _CREASES:
        share = np.linspace(0, 1, 60)[:, None]
        line = (1 - share) ** 2 * np.array(begin) + 2 * share * (1 - share) * np.array(bend)
        points = (line + share**2 * np.array(end)).astype(np.int32)
        cv2.polylines(creases, [points], False, 1.0, 4, cv2.LINE_AA)
    creases = cv2.GaussianBlur(creases, (0, 0), 1.6)
    skin -= creases[..., None] * np.array([38.0, 48.0, 44.0])
    pixels: RgbImage = np.clip(skin, 0, 255).astype(np.uint8)
    return Field("palm drawn by the program.png", pixels, hashlib.sha256(png(pixels)).hexdigest())
