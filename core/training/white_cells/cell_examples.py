"""Cells as the white-cell classifier learns from them: cut out, turned, restained, drawn."""

from collections import Counter
from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import Dataset

from core.datasets.fields import read_rgb
from core.datasets.public.pbc import CELL_SHARE, LabelledCell
from core.models.classifier import INPUT_PX
from core.records import RgbImage
from core.taxonomy import parent_of, right_answers
from core.training.augment import (
    auto_augment,
    vary_channels,
    vary_parts,
    vary_sharpness,
    vary_stain,
    vary_surroundings,
    vary_towards,
)
from core.training.choices import AUGMENTATIONS
from core.training.loop.recipe import Batch
from core.training.white_cells.foreign_cells import ForeignCell


def centre_crop(pixels: RgbImage, share: float = CELL_SHARE) -> RgbImage:
    """The middle square of a single-cell picture at the network's size."""
    height, width = pixels.shape[:2]
    side = round(min(height, width) * share)
    top, left = (height - side) // 2, (width - side) // 2
    cut = pixels[top : top + side, left : left + side]
    shrinks = side > INPUT_PX
    return cv2.resize(
        cut, (INPUT_PX, INPUT_PX), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    ).astype(np.uint8)


def as_input(pixels: RgbImage) -> Tensor:
    """``(3, H, W)`` float in [0, 1] of an ``(H, W, 3)`` picture."""
    return torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1))).float() / 255


FOREIGN_SHARE: Final = 0.2
"""Share of the drawn cells that are of other laboratories."""


class CellExamples(Dataset[Batch]):
    """Cells turned, moved, zoomed and restained; item ``(epoch, index)`` is always the same.

    With ``foreign`` cells an item is drawn: ``foreign_share`` of them from the other laboratories,
    classes by the square root of their frequency, and colours move between laboratories.
    With ``balanced``, and no foreign cells, as many cells are drawn of each class. ``target`` is 1
    for every class that is right, shape ``(len(classes),)``: two where only the parent is known.
    """

    def __init__(
        self,
        cells: Sequence[LabelledCell],
        classes: tuple[str, ...],
        seed: int,
        foreign: Sequence[ForeignCell] = (),
        augmentation: str = "stains",
        foreign_share: float = FOREIGN_SHARE,
        *,
        balanced: bool = False,
    ) -> None:
        if augmentation not in AUGMENTATIONS:
            known = ", ".join(AUGMENTATIONS)
            raise ValueError(f"augmentation must be one of {known}, got {augmentation!r}")
        self._seed, self._augmentation = seed, augmentation
        labels = [cell.label for cell in cells if cell.label is not None]
        if len(labels) != len(cells):
            raise ValueError("every training cell needs a class")
        self._pixels = [read_rgb(cell.path) for cell in cells] + [cell.pixels for cell in foreign]
        labels += [cell.label for cell in foreign]
        self._targets = [_right_answers(label, classes) for label in labels]
        self._length = len(cells)
        self._even = _even_chances(labels[: len(cells)]) if balanced and not foreign else None
        self._drawn = _cumulative_chances(labels, len(cells), foreign_share) if foreign else None

    def __len__(self) -> int:
        return self._length if self._drawn is None else min(self._length, _DRAWS)

    def __getitem__(self, key: tuple[int, int]) -> Batch:
        epoch, index = key
        rng = np.random.default_rng((self._seed, epoch, index))
        if self._drawn is not None:
            index = int(np.searchsorted(self._drawn, rng.random()))
        elif self._even is not None:
            index = int(np.searchsorted(self._even, rng.random()))
        if self._augmentation in ("autoaugment", "none"):
            pixels = centre_crop(self._pixels[index])
            if self._augmentation == "autoaugment":
                pixels = auto_augment(rng, pixels)
            return {"image": as_input(pixels), "target": self._targets[index]}
        pixels = _random_crop(rng, self._pixels[index])
        if self._augmentation == "published":
            return {"image": as_input(pixels), "target": self._targets[index]}
        if self._drawn is not None and rng.random() < 0.35:
            # From one laboratory to the other, whichever this cell is from.
            low, high = (
                (self._length, len(self._pixels)) if index < self._length else (0, self._length)
            )
            pixels = vary_towards(rng, pixels, self._pixels[int(rng.integers(low, high))])
        if self._drawn is None or rng.random() < 0.8:
            pixels = vary_stain(rng, pixels, 1.0 if self._drawn is None else 0.8)
            pixels = vary_channels(rng, pixels)
        if rng.random() < _PARTS_SHARE:
            pixels = vary_parts(rng, pixels)
        if rng.random() < _SURROUNDINGS_SHARE:
            others = self._pixels[int(rng.integers(len(self._pixels)))]
            pixels = vary_surroundings(rng, pixels, centre_crop(others))
        pixels = vary_sharpness(rng, pixels)
        return {"image": as_input(pixels), "target": self._targets[index]}


_PARTS_SHARE = 0.4
_SURROUNDINGS_SHARE = 0.3
_NUCLEI_SHARE = 0.3
_DRAWS = 6000
"""Cells of an epoch where they are drawn."""


def _right_answers(label: str, classes: tuple[str, ...]) -> Tensor:
    right = torch.tensor(right_answers(label, classes), dtype=torch.float32)
    if not right.any():
        raise ValueError(f"{label} is none of the classes to be learnt")
    return right


def _even_chances(labels: Sequence[str]) -> npt.NDArray[np.float64]:
    """Running sum of the chances of each cell by which every class is drawn as often."""
    counts = Counter(labels)
    chance = np.array([1 / (len(counts) * counts[label]) for label in labels])
    return np.cumsum(chance / chance.sum())


def _cumulative_chances(
    labels: Sequence[str], own: int, foreign_share: float
) -> npt.NDArray[np.float64]:
    """Running sum of the chances of each cell: ``own`` ones of the laboratory, then the foreign."""
    chance = np.empty(len(labels))
    hard = np.array([parent_of(label) == "neutrophil" for label in labels])
    foreign = np.arange(len(labels)) >= own
    for part, share in (
        (~foreign & hard, _NUCLEI_SHARE),
        (~foreign & ~hard, 1 - _NUCLEI_SHARE - foreign_share),
        (foreign, foreign_share),
    ):
        where = np.flatnonzero(part).tolist()
        counts = Counter(labels[i] for i in where)
        weights = np.array([counts[labels[i]] ** -0.5 for i in where])
        chance[where] = share * weights / weights.sum()
    return np.cumsum(chance / chance.sum())


def _random_crop(rng: np.random.Generator, pixels: RgbImage) -> RgbImage:
    height, width = pixels.shape[:2]
    side = min(height, width) * CELL_SHARE * float(np.exp(rng.normal(0, 0.13)))
    zoom = INPUT_PX / side
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), float(rng.uniform(0, 360)), zoom)
    if rng.random() < 0.5:
        turn[:, 0] *= -1
        turn[:, 2] += -turn[:, 0] * width
    turn[:, 2] += (
        INPUT_PX / 2 - np.array([width / 2, height / 2]) + rng.normal(0, 0.04 * INPUT_PX, 2)
    )
    return cv2.warpAffine(
        pixels, turn, (INPUT_PX, INPUT_PX), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
    ).astype(np.uint8)
