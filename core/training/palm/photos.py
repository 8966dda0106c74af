"""Palm photos read one at a time, so that memory does not grow with their number.

The paper's authors loaded all photos as arrays and ran out of 12 GB. Here a photo is decoded for
its batch and freed with it.
"""

import cv2
import numpy as np
import torch
from torch.utils.data import Dataset

from core.datasets.fields import read_rgb
from core.datasets.public.ghana_palms import PalmPhoto
from core.records import RgbImage
from core.training.loop.recipe import Batch


def sized(pixels: RgbImage, size_px: tuple[int, int]) -> RgbImage:
    """The photo resized to ``(width, height)`` without keeping its proportions, as in the paper."""
    return np.asarray(cv2.resize(pixels, size_px, interpolation=cv2.INTER_AREA), np.uint8)


class PalmPhotos(Dataset[Batch]):
    """Photos with their target; item ``(epoch, index)`` is reproducible.

    Args:
        photos: photos that have the target.
        size_px: width and height the network reads.
        target: ``anemic`` (0 or 1) or ``haemoglobin`` (g/dL).
        varied: rotate, mirror and relight each photo differently in every epoch.
        seed: of the variation.

    Raises:
        ValueError: if a photo lacks the target.
    """

    def __init__(
        self,
        photos: list[PalmPhoto],
        size_px: tuple[int, int],
        target: str = "anemic",
        *,
        varied: bool = False,
        seed: int = 0,
    ) -> None:
        self._photos, self._size, self._varied, self._seed = photos, size_px, varied, seed
        self._targets = [target_of(photo, target) for photo in photos]

    def __len__(self) -> int:
        return len(self._photos)

    def __getitem__(self, key: tuple[int, int] | int) -> Batch:
        epoch, index = key if isinstance(key, tuple) else (0, key)
        pixels = sized(read_rgb(self._photos[index].path), self._size)
        if self._varied:
            pixels = _vary(np.random.default_rng((self._seed, epoch, index)), pixels)
        image = torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1))).float() / 255
        return {"image": image, "target": torch.tensor(self._targets[index])}


def target_of(photo: PalmPhoto, target: str) -> float:
    """The training target of a photo.

    Raises:
        ValueError: if the photo lacks it.
    """
    value = photo.anemic if target == "anemic" else photo.haemoglobin_g_dl
    if value is None:
        raise ValueError(f"{photo.path.name} has no {target}")
    return float(value)


def _vary(rng: np.random.Generator, pixels: RgbImage) -> RgbImage:
    """Mirror the photo and vary its brightness a little. Hue stays: it is what is learnt."""
    if rng.random() < 0.5:
        pixels = pixels[:, ::-1]
    if rng.random() < 0.5:
        pixels = pixels[::-1]
    gain = float(np.exp(rng.normal(0, 0.08)))
    return np.clip(pixels * gain, 0, 255).astype(np.uint8)
