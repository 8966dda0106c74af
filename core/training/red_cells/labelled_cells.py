"""Chula RBC-12's labelled centres matched to located cells, cut out as an analysis cuts them out.

A centre is a cell where a located box lies round it. Only such cells are learnt: many fields label
their rare shape only, so a located cell without a point has no known shape.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from core.datasets.fields import read_rgb
from core.datasets.public import chula_rbc12
from core.datasets.public.chula_rbc12 import RedCellField
from core.inference.locate.edge import touches_edge
from core.inference.locate.locator import locate, thresholds_of
from core.inference.red_cell.outlines import DIAMETER_PX, Outlined, outline
from core.inference.red_cell.shapes import overlaps
from core.models.weights import LoadedModel
from core.records import Box, RgbImage
from core.taxonomy import KINDS

SHAPE_OF: Final = {
    "target": "target_cell",
    "burr": "burr_cell",
    "hypochromia": "hypochromic",
}
"""The set's word -> the shape's name, where they differ."""
LEFT_OUT: Final = "uncategorised"
"""The set's class of what its authors could not name."""
OVERLAP_ABOVE: Final = 0.15
"""Share of a box under another from which a cell is "overlapped" and not judged."""

_RBC: Final = KINDS.index("rbc")
_NEAR: Final = 0.35
"""A labelled centre lies within this many diameters from the middle of its box."""


@dataclass(frozen=True)
class LearntCell:
    """A labelled cell.

    ``crops`` is ``(V, 40, 40)`` uint8: as an analysis sees it, then as it would see it in other
    light and in other boxes. ``look`` are diameter over the field's, roundness, elongation,
    solidity, pallor, density and rim; ``ground`` the mean and deviation of the field's own colours
    round the cell, ``(6,)``, which nothing learns from but the check that they do not matter.
    """

    label: str
    number: int
    crops: npt.NDArray[np.uint8]
    look: npt.NDArray[np.float32]
    ground: npt.NDArray[np.float32]


@dataclass(frozen=True)
class LabelledCells:
    """``cells`` to learn from, and how many labelled centres are not among them, by reason."""

    cells: list[LearntCell]
    left_out: dict[str, int]


def load_cells(root: Path, locator: LoadedModel, variants: int = 4, seed: int = 0) -> LabelledCells:
    """Every labelled cell of Chula RBC-12 that an analysis would put before the network.

    Args:
        root: folder of the set.
        locator: finds the cells.
        variants: crops of each cell, the first of them as it is.
        seed: of the variations.

    Raises:
        FileNotFoundError: if the set is not there.
    """
    cells: list[LearntCell] = []
    left_out: Counter[str] = Counter()
    for field in chula_rbc12.load(root):
        cells += _cells_of(field, locator, variants, seed, left_out)
    return LabelledCells(cells, dict(left_out))


def located_boxes(pixels: RgbImage, locator: LoadedModel) -> tuple[list[Box], list[int], float]:
    """Boxes of every kind, which of them are red cells, and their diameter (0: none was found)."""
    found = locate(pixels, locator)
    peaks = found.peaks.above(thresholds_of(locator))
    boxes = [(float(a), float(b), float(c), float(d)) for a, b, c, d in peaks.boxes_xyxy]
    red = [i for i, kind in enumerate(peaks.kinds) if kind == _RBC]
    return boxes, red, found.rbc_diameter_px or 0.0


def judged_of(boxes: Sequence[Box], red: Sequence[int], pixels: RgbImage) -> list[int]:
    """Those red cells that an analysis puts before the network."""
    height, width = pixels.shape[:2]
    covered = overlaps(boxes)
    return [
        i for i in red if covered[i] <= OVERLAP_ABOVE and not touches_edge(boxes[i], width, height)
    ]


def look_of(cell: Outlined) -> npt.NDArray[np.float32]:
    """What is measured on a cell: see :class:`LearntCell`."""
    diameter = np.sqrt(4 * cell.area / np.pi) / DIAMETER_PX
    return np.array(
        [
            diameter,
            cell.roundness,
            cell.elongation,
            cell.solidity,
            cell.pallor,
            cell.density,
            cell.rim,
        ],
        np.float32,
    )


def _cells_of(
    field: RedCellField, locator: LoadedModel, variants: int, seed: int, left_out: Counter[str]
) -> list[LearntCell]:
    names = [chula_rbc12.CLASSES[k] for k in field.classes]
    left_out[LEFT_OUT] += names.count(LEFT_OUT)
    named = [(xy, name) for xy, name in zip(field.centres_xy_px, names, strict=True)
             if name != LEFT_OUT]  # fmt: skip
    pixels = read_rgb(field.path)
    boxes, red, diameter = located_boxes(pixels, locator)
    if not diameter or not named:
        left_out["not located"] += len(named)
        return []
    pairs = _matched([xy for xy, _ in named], boxes, red, diameter)
    left_out["not located"] += len(named) - len(pairs)
    judged = set(judged_of(boxes, red, pixels))
    left_out["overlapped or cut by the border"] += sum(i not in judged for i in pairs.values())
    pairs = {point: i for point, i in pairs.items() if i in judged}
    wanted = list(pairs.values())
    rng = np.random.default_rng((seed, field.number))
    seen = [outline(pixels, boxes, wanted, diameter)]
    for _ in range(variants - 1):
        moved = [_jitter(rng, box, diameter) for box in boxes]
        size = diameter * float(np.exp(rng.normal(0, 0.06)))
        seen.append(outline(_other_light(rng, pixels), moved, wanted, size))
    return [
        LearntCell(
            SHAPE_OF.get(named[point][1], named[point][1]),
            field.number,
            np.stack([version[place].crop for version in seen]),
            look_of(seen[0][place]),
            _ground(pixels, boxes, index, diameter),
        )
        for place, (point, index) in enumerate(pairs.items())
    ]


def _matched(
    points: Sequence[npt.NDArray[np.float32]],
    boxes: Sequence[Box],
    red: Sequence[int],
    diameter: float,
) -> dict[int, int]:
    """Point -> box, nearest pairs first, each once."""
    if not red:
        return {}
    b = np.array([boxes[i] for i in red], np.float32)
    middles = (b[:, :2] + b[:, 2:]) / 2
    apart = np.linalg.norm(np.stack(points)[:, None] - middles[None], axis=2)
    pairs: dict[int, int] = {}
    for flat in np.argsort(apart, axis=None):
        point, place = divmod(int(flat), len(red))
        if apart[point, place] > _NEAR * diameter:
            break
        if point not in pairs and red[place] not in pairs.values():
            pairs[point] = red[place]
    return pairs


def _jitter(rng: np.random.Generator, box: Box, diameter: float) -> Box:
    x0, y0, x1, y1 = np.array(box) + rng.normal(0, 0.025 * diameter, 4)
    return (float(x0), float(y0), float(max(x1, x0 + 2)), float(max(y1, y0 + 2)))


def _other_light(rng: np.random.Generator, pixels: RgbImage) -> RgbImage:
    """The field with each channel's light and contrast changed, and out of focus now and then."""
    values = np.arange(256, dtype=np.float64)[:, None] / 255
    table = np.exp(rng.normal(0, 0.12, 3)) * values ** np.exp(rng.normal(0, 0.2, 3))
    table *= float(np.exp(rng.normal(0, 0.08)))
    changed = cv2.LUT(pixels, np.clip(255 * table, 0, 255).astype(np.uint8)[:, None])
    if rng.random() < 0.5:
        changed = cv2.GaussianBlur(changed, (0, 0), float(rng.uniform(0.4, 1.3)))
    return changed.astype(np.uint8)


def _ground(
    pixels: RgbImage, boxes: Sequence[Box], index: int, diameter: float
) -> npt.NDArray[np.float32]:
    """Mean and deviation of the colours round a cell, outside of every box."""
    x0, y0, x1, y1 = boxes[index]
    reach = 0.9 * diameter
    left, top = max(0, int((x0 + x1) / 2 - reach)), max(0, int((y0 + y1) / 2 - reach))
    part = pixels[top : int((y0 + y1) / 2 + reach), left : int((x0 + x1) / 2 + reach)]
    free = np.ones(part.shape[:2], bool)
    for a, b, c, d in boxes:
        if c > left and d > top:
            free[
                max(0, int(b) - top) : max(0, int(d) + 1 - top),
                max(0, int(a) - left) : max(0, int(c) + 1 - left),
            ] = False
    around = part[free] if free.any() else part.reshape(-1, 3)
    return np.concatenate([around.mean(axis=0), around.std(axis=0)]).astype(np.float32)
