"""Whether erasing one cell lowers the count by one: a test of a count and of its map."""

from collections.abc import Callable, Sequence

import cv2
import numpy as np
import numpy.typing as npt

from core.datasets.fields import LabelledField
from core.records import RgbImage

_ROOM_PX = 4.0
"""Added to each side of a box, so that no rim of the cell is left."""


def free_cells(labels: LabelledField, kind: int, width: int, height: int) -> list[int]:
    """Places of the cells of a kind that touch no edge and no other cell's box."""
    boxes = labels.boxes_xyxy_px
    grown = boxes + np.array([-_ROOM_PX, -_ROOM_PX, _ROOM_PX, _ROOM_PX], np.float32)
    free = []
    for place in np.flatnonzero(labels.kinds == kind):
        x0, y0, x1, y1 = grown[place]
        if x0 < 0 or y0 < 0 or x1 > width or y1 > height:
            continue
        apart = (boxes[:, 0] > x1) | (boxes[:, 2] < x0) | (boxes[:, 1] > y1) | (boxes[:, 3] < y0)
        apart[place] = True
        if apart.all():
            free.append(int(place))
    return free


def erased(pixels: RgbImage, box_xyxy_px: npt.NDArray[np.floating]) -> RgbImage:
    """The picture with a cell inpainted from its surroundings (Telea 2004)."""
    x0, y0, x1, y1 = (
        round(float(v)) for v in box_xyxy_px + np.array([-_ROOM_PX] * 2 + [_ROOM_PX] * 2)
    )
    hole = np.zeros(pixels.shape[:2], np.uint8)
    hole[max(0, y0) : y1, max(0, x0) : x1] = 255
    return np.asarray(cv2.inpaint(pixels, hole, 3, cv2.INPAINT_TELEA), dtype=np.uint8)


def drops(
    pictures: Sequence[RgbImage],
    labels: Sequence[LabelledField],
    kind: int,
    count: Callable[[RgbImage], float],
) -> npt.NDArray[np.float64]:
    """By how much the count falls when one free cell of each field is erased, ``(cells,)``."""
    falls = []
    for pixels, field in zip(pictures, labels, strict=True):
        places = free_cells(field, kind, pixels.shape[1], pixels.shape[0])
        if places:
            without = erased(pixels, field.boxes_xyxy_px[places[0]])
            falls.append(count(pixels) - count(without))
    return np.array(falls)
