"""Labelled fields as training examples of the locator."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import Dataset

from core.datasets.fields import LabelledField, read_rgb
from core.models.locator import RBC_DIAMETER_PX
from core.records import RgbImage
from core.taxonomy import KINDS
from core.training.augment import flip_and_turn, vary_sharpness, vary_stain
from core.training.locator.targets import draw_targets

_RBC = KINDS.index("rbc")
_CACHE_SCALE = 1.5
"""Pictures are cached at this multiple of the network's scale, so that zooming in stays sharp."""


def rbc_diameter(field: LabelledField, width: int, height: int) -> float:
    """Median diameter of the uncut red cells in pixels of the file.

    Without any it is a fifth of the shorter side.
    """
    boxes = field.boxes_xyxy_px[field.kinds == _RBC]
    inside = (
        (boxes[:, 0] > 3)
        & (boxes[:, 1] > 3)
        & (boxes[:, 2] < width - 3)
        & (boxes[:, 3] < height - 3)
    )
    boxes = boxes[inside]
    if not len(boxes):
        return 0.2 * min(width, height)
    return float(np.median(np.sqrt((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]))))


CANVAS = (256, 256)
"""Width and height of training examples."""


@dataclass(frozen=True)
class _Item:
    """A cached picture; resized by ``scale`` it is at the network's scale.

    Boxes from ``certain`` on are doubtful ones.
    """

    pixels: RgbImage
    boxes: npt.NDArray[np.float32]
    kinds: npt.NDArray[np.int64]
    certain: int
    scale: float


class LocatorExamples(Dataset[dict[str, Tensor]]):
    """Fields augmented onto ``CANVAS``; item ``(epoch, index)`` is reproducible.

    With ``augment=False`` each field keeps its size at the network's scale, in multiples of eight.
    """

    def __init__(
        self,
        fields: Sequence[LabelledField],
        seed: int,
        augment: bool,
        stain_strength: float = 0.8,
    ) -> None:
        self.seed, self.augment = seed, augment
        self.stain_strength = stain_strength
        self._items: list[_Item] = []
        for field in fields:
            pixels = read_rgb(field.path)
            scale = (
                _CACHE_SCALE
                * RBC_DIAMETER_PX
                / rbc_diameter(field, pixels.shape[1], pixels.shape[0])
            )
            shrink = min(scale, 1.0)
            if shrink < 1:
                pixels = cv2.resize(
                    pixels, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA
                ).astype(np.uint8)
            boxes = np.concatenate([field.boxes_xyxy_px, field.doubtful_boxes_xyxy_px]) * shrink
            kinds = np.concatenate([field.kinds, field.doubtful_kinds])
            self._items.append(
                _Item(
                    pixels,
                    boxes.astype(np.float32),
                    kinds,
                    len(field.kinds),
                    scale / shrink / _CACHE_SCALE,
                )
            )

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, key: tuple[int, int]) -> dict[str, Tensor]:
        epoch, index = key
        rng = np.random.default_rng((self.seed, epoch, index))
        item = self._items[index]
        pixels, boxes, kinds, scale = item.pixels, item.boxes, item.kinds, item.scale
        size = (8 * round(pixels.shape[1] * scale / 8), 8 * round(pixels.shape[0] * scale / 8))
        fx, fy = size[0] / pixels.shape[1], size[1] / pixels.shape[0]
        if self.augment:
            size = CANVAS
            pixels, boxes = flip_and_turn(rng, pixels, boxes)
            scale *= float(np.exp(rng.normal(0, 0.16)))
            stretch = float(np.exp(rng.normal(0, 0.05)))
            fx, fy = scale * stretch, scale / stretch
        canvas, boxes, left = _cut(rng, pixels, boxes, (fx, fy), size)
        if self.augment:
            canvas = vary_sharpness(rng, vary_stain(rng, canvas, strength=self.stain_strength))
        keep = left > 0
        ignored = (left < 0.35) | (np.arange(len(kinds)) >= item.certain)
        targets = draw_targets(boxes[keep], kinds[keep], ignored[keep], size[1], size[0])
        image = torch.from_numpy(np.ascontiguousarray(canvas.transpose(2, 0, 1))).float() / 255
        return {
            "image": image,
            "heat": torch.from_numpy(targets.heat),
            "boxes": torch.from_numpy(targets.boxes),
            "weight": torch.from_numpy(targets.weight),
            "known": torch.from_numpy(targets.known),
        }


def _cut(
    rng: np.random.Generator,
    pixels: RgbImage,
    boxes: npt.NDArray[np.float32],
    zoom: tuple[float, float],
    size: tuple[int, int],
) -> tuple[RgbImage, npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Canvas, boxes clipped to it, and the share of each box's area that is left, ``(N,)``."""
    (fx, fy), (width, height) = zoom, size
    dx = rng.random() * (width - pixels.shape[1] * fx)
    dy = rng.random() * (height - pixels.shape[0] * fy)
    move = np.array([[fx, 0, dx], [0, fy, dy]], np.float32)
    fill = tuple(float(v) for v in np.median(pixels[::8, ::8].reshape(-1, 3), axis=0))
    canvas = cv2.warpAffine(
        pixels,
        move,
        size,
        flags=cv2.INTER_AREA,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=fill,
    )
    moved = boxes * np.array([fx, fy, fx, fy], np.float32) + np.array([dx, dy, dx, dy], np.float32)
    area = (moved[:, 2] - moved[:, 0]) * (moved[:, 3] - moved[:, 1])
    limit = np.array([width, height, width, height], np.float32)
    clipped = np.clip(moved, 0, limit)
    rest = (clipped[:, 2] - clipped[:, 0]) * (clipped[:, 3] - clipped[:, 1])
    return (
        canvas.astype(np.uint8),
        clipped.astype(np.float32),
        (rest / np.maximum(area, 1e-6)).astype(np.float32),
    )
