"""The four views of a crop that are averaged: up and left mean nothing in a palm."""

import cv2
import numpy as np

from core.models.palm_classifier import PALM_PX
from core.records import RgbImage


def views(crop: RgbImage) -> list[RgbImage]:
    """``(224, 224, 3)`` each: as it is, mirrored, and both transposed."""
    side = min(crop.shape[:2])
    how = cv2.INTER_AREA if side > PALM_PX else cv2.INTER_CUBIC
    square = np.asarray(cv2.resize(crop, (PALM_PX, PALM_PX), interpolation=how), np.uint8)
    turned = square.transpose(1, 0, 2)
    return [square, square[:, ::-1], turned, turned[:, ::-1]]
