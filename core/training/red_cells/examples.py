"""Red cells as the classifier learns from them: turned, moved, zoomed, restained, drawn."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import Dataset

from core.inference.red_cell.ground import DENSITIES, GROUND_VALUE
from core.inference.red_cell.shapes import as_input
from core.models.red_cell import INPUT_PX
from core.training.loop.recipe import Batch


@dataclass(frozen=True)
class Example:
    """A cell to learn from: ``crops`` ``(V, 40, 40)`` uint8 of it, one is drawn each time.

    ``right`` are the shapes that it may have: one for a labelled cell. ``group`` is the slide or
    the laboratory it is from; cells of one group share their weight.
    """

    crops: npt.NDArray[np.uint8]
    right: tuple[str, ...]
    group: str


class RedCellExamples(Dataset[Batch]):
    """Item ``(epoch, index)`` is always the same; cells are drawn, rare shapes more often.

    ``target`` is ``(len(classes),)``, 1 for every shape that is right.
    """

    def __init__(
        self, cells: Sequence[Example], classes: tuple[str, ...], seed: int, length: int = 5000
    ) -> None:
        self._cells, self._seed, self._length = list(cells), seed, length
        self._targets = [
            torch.tensor([float(name in cell.right) for name in classes]) for cell in cells
        ]
        if not all(bool(target.any()) for target in self._targets):
            raise ValueError("every training cell needs a shape that is to be learnt")
        self._drawn = _cumulative_chances(cells)

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, key: tuple[int, int]) -> Batch:
        rng = np.random.default_rng((self._seed, *key))
        index = int(np.searchsorted(self._drawn, rng.random()))
        crops = self._cells[index].crops
        crop = varied(rng, crops[int(rng.integers(len(crops)))])
        return {"image": image_of(crop), "target": self._targets[index]}


def image_of(crop: npt.NDArray[np.uint8]) -> Tensor:
    """One crop as the network reads it, ``(3, 40, 40)``."""
    return torch.from_numpy(as_input([crop])[0])


_MIDDLE: Final = ((INPUT_PX - 1) / 2, (INPUT_PX - 1) / 2)


def varied(rng: np.random.Generator, crop: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """A crop ``(40, 40)`` turned, mirrored, moved, zoomed a little, restained and made noisy."""
    zoom = float(np.exp(rng.normal(0, 0.03)))
    turn = cv2.getRotationMatrix2D(_MIDDLE, float(rng.uniform(0, 360)), zoom)
    turn[:, 2] += rng.normal(0, 0.7, 2)
    if rng.random() < 0.5:
        crop = crop[:, ::-1]
    moved = cv2.warpAffine(
        np.ascontiguousarray(crop),
        turn,
        (INPUT_PX, INPUT_PX),
        flags=cv2.INTER_LINEAR,
        borderValue=(GROUND_VALUE,),
    )
    density = DENSITIES[moved]
    if rng.random() < 0.3:
        density = cv2.GaussianBlur(density, (0, 0), float(rng.uniform(0.3, 0.8)))
    inside = density > 0
    density = density * float(np.exp(rng.normal(0, 0.15)))
    density = density + inside * rng.normal(0, 0.02, density.shape).astype(np.float32)
    return np.clip(GROUND_VALUE * np.exp(-density), 0, GROUND_VALUE).astype(np.uint8)


def _cumulative_chances(cells: Sequence[Example]) -> npt.NDArray[np.float64]:
    """Running sum of the chances: shapes by the root of their number, so too slides in a shape."""
    shapes = Counter(cell.right for cell in cells)
    slides = Counter((cell.right, cell.group) for cell in cells)
    roots: defaultdict[tuple[str, ...], float] = defaultdict(float)
    for (right, _), number in slides.items():
        roots[right] += number**0.5
    chance = np.array(
        [
            shapes[cell.right] ** 0.5 / roots[cell.right] * slides[cell.right, cell.group] ** -0.5
            for cell in cells
        ]
    )
    return np.cumsum(chance / chance.sum())
