"""Where the white cell of a picture lies, and the square round it that the classifier sees.

A single-cell picture may be framed in any way: with red cells round the cell, which give the scale,
or cut out tightly, on a white ground, at any size. Where no red cell gives the scale the cell does.
"""

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from core.inference.locate.cell_crop import crop_cell
from core.inference.locate.locator import candidates_at, locate, thresholds_of
from core.inference.locate.peaks import Peaks
from core.models.locator import RBC_DIAMETER_PX
from core.models.weights import LoadedModel
from core.records import Box, Field, RgbImage
from core.taxonomy import KINDS

_WBC: Final = KINDS.index("wbc")
_PLATELET: Final = KINDS.index("platelet")
_NEAR: Final = 0.2
"""The middle of the cell lies within this share of the shorter side from the picture's middle."""

_CELL_DIAMETERS: Final = 1.7
"""A white cell's diameter in red-cell diameters: what the locator's network expects."""

_SHARES: Final = (1.0, 0.75, 0.5)
"""Sizes of the cell, as shares of the shorter side, that a close look assumes."""

_PLAUSIBLE: Final = (0.8, 3.2)
"""A white cell's diameter in red-cell diameters; beyond it parts of the cell were taken for red
cells, and they give no scale."""

_WIDE: Final = 3.5
"""Red-cell diameters that a picture framed by its white cell does not measure."""

_FIELD: Final = 5.0
"""Red-cell diameters from which on a picture is a whole field: PBC's single cells measure 4.1 to
4.6, DeepBioNet's fields 5.5 and more."""

_STAINED, _NUCLEUS_DENSITY, _NUCLEUS_BLUE = 0.2, 0.65, 5.0
"""Density in red light of anything stained and of a nucleus; how much bluer than red one is."""


def largest_white_cell(field: Field, locator: LoadedModel) -> RgbImage | None:
    """The classifier's view of a field's largest white cell; None where none is found."""
    box, rbc_diameter_px = largest_white_cell_box(field, locator)
    return None if box is None else crop_cell(field.pixels, box, rbc_diameter_px)


def largest_white_cell_box(field: Field, locator: LoadedModel) -> tuple[Box | None, float | None]:
    """Box of a field's largest white cell, None where none is found; the red cells' diameter."""
    located = locate(field.pixels, locator)
    peaks = located.peaks.above(thresholds_of(locator))
    limit = np.array([field.width, field.height] * 2, np.float32)
    boxes = np.clip(peaks.boxes_xyxy[peaks.kinds == _WBC], 0, limit)
    if not len(boxes):
        return None, located.rbc_diameter_px
    largest = boxes[(boxes[:, 2:] - boxes[:, :2]).prod(axis=1).argmax()]
    return _as_box(largest), located.rbc_diameter_px


def single_cell_crop(field: Field, locator: LoadedModel) -> tuple[RgbImage, bool]:
    """The classifier's view of a single-cell picture, and whether a cell was found in it."""
    box, rbc_diameter_px = single_cell_box(field, locator)
    if box is not None:
        return crop_cell(field.pixels, box, rbc_diameter_px), True
    side = min(field.width, field.height)
    left, top = (field.width - side) / 2, (field.height - side) / 2
    return crop_cell(field.pixels, (left, top, left + side, top + side), side / 3.6), False


def single_cell_box(field: Field, locator: LoadedModel) -> tuple[Box | None, float | None]:
    """The cell nearest to the middle that is no red cell, and the red cells' diameter in pixels.

    In a whole field it is the only white cell, wherever that lies. The locator looks at the picture
    as at a field first, then closely, as if the cell filled it. A picture with a nucleus in which
    neither finds a cell is taken for the cell as a whole.

    Returns:
        The box, None where the picture shows no cell; the diameter, None where no red cell gives a
        plausible one.
    """
    located = locate(field.pixels, locator)
    thresholds = thresholds_of(locator)
    diameter = located.rbc_diameter_px
    # A single-cell picture is known to hold one, so half the evidence is enough.
    evidence = thresholds * 0.5
    if diameter is not None and max(field.width, field.height) > _FIELD * diameter:
        # A wider view may hold anything: a doubtful platelet in its middle is not what is meant.
        evidence[_PLATELET] = thresholds[_PLATELET]
    if diameter is not None and min(field.width, field.height) > _FIELD * diameter:
        only = _only_white_cell(located.peaks.above(thresholds))
        if only is not None:
            return only, diameter
    peaks = located.peaks.above(evidence)
    middle = np.array([field.width, field.height]) / 2
    near = _nearest(peaks.take(peaks.kinds != KINDS.index("rbc")), middle)
    if near is not None:
        box, kind = near
        return box, _plausible(diameter, box, kind)
    nucleus = _has_nucleus(field.pixels)
    if diameter is not None and min(field.width, field.height) > _WIDE * diameter:
        # A view wide enough for red cells, and no white one in its middle.
        white = located.peaks.above(thresholds)
        if (white.kinds == _WBC).any() or not nucleus:
            return _only_white_cell(white), diameter
        # On plain ground parts of the cell may have been taken for red cells; their size is none.
        return _close_look(field.pixels, locator, float(thresholds[_WBC])), None
    # Closely seen a red cell looks a little like a white one: without a nucleus all the evidence is
    # asked for, and the picture as a whole is no cell.
    close = _close_look(field.pixels, locator, float(thresholds[_WBC]) * (0.5 if nucleus else 1))
    if close is not None:
        return close, _plausible(located.rbc_diameter_px, close, _WBC)
    return (_foreground(field.pixels) if nucleus else None), None


def _only_white_cell(peaks: Peaks) -> Box | None:
    """Box of the only white cell; None where there is none, or more than one."""
    white = peaks.boxes_xyxy[peaks.kinds == _WBC]
    return _as_box(white[0]) if len(white) == 1 else None


def _nearest(peaks: Peaks, middle: npt.NDArray[np.float64]) -> tuple[Box, int] | None:
    """Box and kind of the candidate nearest to the middle; None where none lies near it."""
    boxes = peaks.boxes_xyxy
    if not len(boxes):
        return None
    offsets = np.linalg.norm((boxes[:, :2] + boxes[:, 2:]) / 2 - middle, axis=1)
    best = int(offsets.argmin())
    if offsets[best] >= _NEAR * 2 * min(middle):
        return None
    return _as_box(boxes[best]), int(peaks.kinds[best])


def _plausible(rbc_diameter_px: float | None, box: Box, kind: int) -> float | None:
    """The diameter, unless it cannot be that of red cells beside a white cell of this size."""
    if rbc_diameter_px is None:
        return None
    longest = max(box[2] - box[0], box[3] - box[1]) / rbc_diameter_px
    least = _PLAUSIBLE[0] if kind == _WBC else 0.0
    return rbc_diameter_px if least <= longest <= _PLAUSIBLE[1] else None


def _close_look(pixels: RgbImage, locator: LoadedModel, threshold: float) -> Box | None:
    """The white cell of a picture that it fills in good part: the likeliest of three sizes."""
    height, width = pixels.shape[:2]
    side = min(height, width)
    # Room of the ground's colour: the network has never seen a cell that the edge cuts all round.
    room = round(0.6 * side)
    ground = [int(value) for value in _ground(pixels)]
    framed = cv2.copyMakeBorder(
        pixels, room, room, room, room, cv2.BORDER_CONSTANT, value=ground
    ).astype(np.uint8)
    best: tuple[float, Box] | None = None
    for share in _SHARES:
        scale = _CELL_DIAMETERS * RBC_DIAMETER_PX / (share * side)
        peaks = candidates_at(framed, scale, locator)
        middle = np.array([width, height]) / 2 + room
        for box, score, kind in zip(peaks.boxes_xyxy, peaks.scores, peaks.kinds, strict=True):
            offset = np.linalg.norm((box[:2] + box[2:]) / 2 - middle)
            if kind != _WBC or score < threshold or offset >= _NEAR * side:
                continue
            if best is None or score > best[0]:
                best = float(score), _as_box(box - room)
    return None if best is None else best[1]


def _ground(pixels: RgbImage) -> npt.NDArray[np.float64]:
    """Colour of the ground: bright, and no stain in it."""
    return np.asarray(np.percentile(pixels.reshape(-1, 3), 95, axis=0))


def _has_nucleus(pixels: RgbImage) -> bool:
    """Does a dark or blue part of the picture stand out from the ground, as a nucleus does.

    Haemoglobin and eosin let red light pass, the nucleus' stain does not. The limits keep 98 % of
    104 squares of red cells of CBC and TXL-PBC out, and 91 % of 298 tight crops of white cells of
    four laboratories in.
    """
    small = cv2.resize(pixels, (96, 96), interpolation=cv2.INTER_AREA).astype(np.uint8)
    red, blue = small[..., 0], small[..., 2].astype(np.float64)
    density = -np.log((red + 1.0) / (_ground(small)[0] + 1.0))
    _, dark = cv2.threshold(red, 0, 1, cv2.THRESH_BINARY_INV | cv2.THRESH_OTSU)
    darkest = float(np.percentile(density, 97))
    bluish = float((blue - red)[dark > 0].mean()) >= _NUCLEUS_BLUE if dark.any() else False
    return darkest >= _STAINED and (darkest >= _NUCLEUS_DENSITY or bluish)


def _foreground(pixels: RgbImage) -> Box:
    """Box of what is not ground round the middle; the whole picture where the cell fills it."""
    height, width = pixels.shape[:2]
    distance = np.abs(pixels.astype(np.float32) - _ground(pixels)).max(axis=2)
    _, _, boxes, _ = cv2.connectedComponentsWithStats((distance > 30).astype(np.uint8))
    rows = boxes[1:]
    if not len(rows):
        return 0.0, 0.0, float(width), float(height)
    x, y, w, h, _ = (float(value) for value in rows[rows[:, 4].argmax()])
    return x, y, x + w, y + h


def _as_box(sides: npt.NDArray[np.floating]) -> Box:
    x0, y0, x1, y1 = (float(side) for side in sides)
    return x0, y0, x1, y1
