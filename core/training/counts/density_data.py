"""Examples of the density counter: backbone features of fields, computed once, and counts."""

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
"""Largest width and height of an example in pixels: a camera field at the network's scale fits."""

_FLIPS: Final[tuple[tuple[int, ...], ...]] = ((), (2,))
"""Axes of ``(3, H, W)`` to flip: none, and the columns."""


def fitted(pixels: RgbImage, diameter_px: float) -> RgbImage:
    """The field at the network's scale, as at inference.

    A field that would be larger than ``CANVAS`` is shrunk to fit: cells outside would be lost.
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

    The backbone is frozen, so the features of a field are computed once, as it is and, with
    ``mirrored``, flipped; which of the two an epoch uses depends on (seed, epoch, index) only.
    The labels give the counts and, for the scale, the red cells' diameter. The features of an item
    are padded with zeros to one size; ``size`` holds the real rows and columns.
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
    """Diameter of the red cells in pixels of the file; if unknown, the default of inference."""
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
    # In half precision a thousand fields fit into memory.
    return features[0].half().contiguous()
