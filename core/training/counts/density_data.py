"""Fields with their counts as examples of the density counter: features made once, then a head."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.data import Dataset

from core.datasets.fields import LabelledField, read_rgb
from core.datasets.intake.fields import CountedField
from core.inference.locate.regression import USUAL_AREA, density_copy
from core.models.density import DENSITY_STRIDE, DensityCounter
from core.models.locator import RBC_DIAMETER_PX
from core.records import RgbImage
from core.training.locator.data import rbc_diameter
from core.training.loop.recipe import Batch

CANVAS: Final = (336, 256)
"""Largest width and height of an example, room for a camera field at the network's scale."""

_FLIPS: Final[tuple[tuple[int, ...], ...]] = ((), (2,))
"""Axes of ``(3, H, W)`` turned round: as it is, and mirrored."""


def fitted(pixels: RgbImage, diameter_px: float) -> RgbImage:
    """The whole field at the network's scale, as an answer reads it.

    A field larger than ``CANVAS`` is made a little smaller: a cell outside could not be counted.
    """
    height, width = pixels.shape[:2]
    scale = min(RBC_DIAMETER_PX / diameter_px, CANVAS[0] / width, CANVAS[1] / height)
    return density_copy(pixels, RBC_DIAMETER_PX / scale)


@dataclass(frozen=True)
class ScaledField(CountedField):
    """A field with counts only, and how large its red cells are (None: nobody knows).

    With ``window``, ``(x0, y0, x1, y1)`` in pixels of the file, it is that part of the picture.
    """

    rbc_diameter_px: float | None
    window: tuple[int, int, int, int] | None = None


class DensityFields(Dataset[Batch]):
    """Backbone features of whole fields and their counts.

    The backbone does not learn here, so a field's features are made once, plain and, with
    ``mirrored``, turned round; which of them an epoch takes depends on (seed, epoch, index) only.
    Of the labels only the counts are read, and the red cells' diameter for the scale. In an item
    the features are filled up with zeros to one size; ``size`` are the real rows and columns.
    """

    def __init__(
        self,
        fields: Sequence[LabelledField | CountedField],
        body: DensityCounter,
        seed: int,
        mirrored: bool,
    ) -> None:
        self._seed = seed
        self.counts = torch.tensor(
            np.stack([field.counts() for field in fields]), dtype=torch.float32
        )
        body.eval()
        ways = _FLIPS if mirrored else _FLIPS[:1]
        self.features = [[_features(body, field, axes) for axes in ways] for field in fields]

    def __len__(self) -> int:
        return len(self.counts)

    def __getitem__(self, key: tuple[int, int]) -> Batch:
        epoch, index = key
        rng = np.random.default_rng((self._seed, epoch, index))
        ways = self.features[index]
        features = ways[int(rng.integers(len(ways)))].float()
        height, width = features.shape[1:]
        beyond = (0, CANVAS[0] // DENSITY_STRIDE - width, 0, CANVAS[1] // DENSITY_STRIDE - height)
        return {
            "features": F.pad(features, beyond),
            "size": torch.tensor([height, width]),
            "counts": self.counts[index],
        }


def _diameter(field: LabelledField | CountedField, width: int, height: int) -> float:
    """Of the red cells, in pixels of the file; without any the scale is what an answer takes."""
    if isinstance(field, LabelledField):
        return rbc_diameter(field, width, height)
    known = field.rbc_diameter_px if isinstance(field, ScaledField) else None
    return known or RBC_DIAMETER_PX * math.sqrt(width * height / USUAL_AREA)


@torch.no_grad()
def _features(
    body: DensityCounter, field: LabelledField | CountedField, axes: tuple[int, ...]
) -> Tensor:
    pixels = read_rgb(field.path)
    if isinstance(field, ScaledField) and field.window:
        x0, y0, x1, y1 = field.window
        pixels = np.ascontiguousarray(pixels[y0:y1, x0:x1])
    diameter = _diameter(field, pixels.shape[1], pixels.shape[0])
    picture = np.ascontiguousarray(fitted(pixels, diameter).transpose(2, 0, 1))
    image = torch.from_numpy(picture).float()[None] / 255
    if axes:
        image = torch.flip(image, [axis + 1 for axis in axes])
    with torch.autocast("cpu", torch.bfloat16):
        features = body.features(image.contiguous(memory_format=torch.channels_last))
    # Half precision: a thousand fields fit into memory.
    return features[0].half().contiguous()
