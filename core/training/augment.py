"""Random changes to training pictures. Each function draws from the generator it is given.

The colour changes are physical: a stained cell absorbs light, so stains are varied in optical
density and the lamp as a gain per channel. Another microscope is the normal case.
"""

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torchvision.transforms import AutoAugment, AutoAugmentPolicy

from core.records import RgbImage

Rng = np.random.Generator
FloatImage = npt.NDArray[np.float32]

_POLICY: Final = AutoAugment(AutoAugmentPolicy.IMAGENET)


def vary_stain(rng: Rng, pixels: RgbImage, strength: float = 1.0) -> RgbImage:
    """Simulate another stain, lamp and camera for the same cells.

    Args:
        rng: random generator.
        pixels: ``(H, W, 3)`` RGB.
        strength: 0 leaves the picture, 1 spans the microscopes seen so far.
    """
    image = pixels.astype(np.float32) / 255.0
    if rng.random() < 0.8:
        image = _vary_density(rng, image, strength)
    if rng.random() < 0.5:
        image = _turn_hue(rng, image, 18.0 * strength if rng.random() < 0.7 else 60.0 * strength)
    if rng.random() < 0.6:
        image = np.clip(image, 0, 1) ** np.float32(np.exp(rng.normal(0, 0.25 * strength)))
    if rng.random() < 0.6:
        image = (image - 0.5) * np.float32(np.exp(rng.normal(0, 0.15 * strength))) + 0.5
        image = image + np.float32(rng.normal(0, 0.06 * strength))
    if rng.random() < 0.08 * strength:
        grey = image.mean(axis=2, keepdims=True)
        image = grey + (image - grey) * np.float32(rng.uniform(0, 0.5))
    return np.asarray(np.clip(image, 0, 1) * 255 + 0.5, dtype=np.uint8)


def _vary_density(rng: Rng, image: FloatImage, strength: float) -> FloatImage:
    lamp = np.float32(max(0.2, float(np.percentile(image[::4, ::4], 95))))
    density = -np.log(np.clip(image / lamp, 0.02, 1.5))
    mixing = np.eye(3) * np.exp(rng.normal(0, 0.15 * strength, (3, 1))) + rng.normal(
        0, 0.06 * strength, (3, 3)
    )
    density = (
        density @ mixing.T.astype(np.float32) * np.float32(np.exp(rng.normal(0, 0.2 * strength)))
    )
    gain = np.exp(rng.normal(0, 0.12 * strength, 3)) * np.exp(rng.normal(0, 0.08 * strength))
    return np.asarray(np.exp(-density) * np.minimum(lamp * gain, 1.1), dtype=np.float32)


def vary_channels(rng: Rng, pixels: RgbImage) -> RgbImage:
    """Rarely remove all colour or swap channels: form and texture must suffice then.

    Args:
        rng: random generator.
        pixels: ``(H, W, 3)`` RGB.
    """
    chance = rng.random()
    if chance < 0.15:
        grey = pixels.astype(np.float32) @ rng.dirichlet([1, 1, 1]).astype(np.float32)
        return np.repeat(grey[..., None], 3, axis=2).astype(np.uint8)
    if chance < 0.25:
        return np.ascontiguousarray(pixels[..., rng.permutation(3)])
    return pixels


def vary_parts(rng: Rng, pixels: RgbImage) -> RgbImage:
    """Vary the stain of nucleus, cytoplasm with red cells, and background independently.

    The three are separated softly by their optical density alone, ``pixels`` being ``(H, W, 3)``.
    """
    density = -np.log(np.clip(pixels.astype(np.float32) / 255, 0.02, 1))
    total = density.sum(axis=2)
    low, high = np.percentile(total, [10, 97])
    depth = np.clip((total - low) / max(float(high - low), 0.1), 0, 1)
    nucleus = 1 / (1 + np.exp((0.62 - depth) * 14))
    ground = 1 / (1 + np.exp((depth - 0.22) * 20))
    varied = np.zeros_like(density)
    for share in (nucleus, np.clip(1 - nucleus - ground, 0, 1), ground):
        gain = np.exp(rng.normal(0, 0.18, 3) + rng.normal(0, 0.12)).astype(np.float32)
        varied += share[..., None] * density * gain
    return np.asarray(np.exp(-varied) * 255 + 0.5, dtype=np.uint8)


def vary_surroundings(rng: Rng, pixels: RgbImage, others: RgbImage) -> RgbImage:
    """Put the cell in the middle among another picture's neighbours, or on plain background.

    ``pixels`` and ``others`` are squares ``(S, S, 3)`` of one size.
    """
    side = pixels.shape[0]
    rows, columns = np.mgrid[:side, :side] - (side - 1) / 2
    away = np.hypot(rows, columns)
    inside = 1 / (1 + np.exp((away - side * rng.uniform(0.3, 0.46)) / (0.02 * side)))[..., None]
    around = others.astype(np.float32)
    if rng.random() < 0.5:
        plain = np.median(pixels[::4, ::4].reshape(-1, 3), axis=0)
        around = np.full_like(around, plain if rng.random() < 0.5 else rng.uniform(120, 250, 3))
    return np.asarray(pixels * inside + around * (1 - inside) + 0.5, dtype=np.uint8)


def vary_towards(rng: Rng, pixels: RgbImage, reference: RgbImage) -> RgbImage:
    """Shift the colours towards those of another picture, by a random share.

    Means and spreads of the CIELAB channels are matched. Source: Reinhard 2001.
    """
    share = np.float32(rng.uniform(0.3, 1.0))
    own = cv2.cvtColor(pixels.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    other = cv2.cvtColor(reference.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    axes = (0, 1)
    gain = np.clip(other.std(axes) / np.maximum(own.std(axes), 1.0), 0.4, 2.5)
    moved = (own - own.mean(axes)) * gain + other.mean(axes)
    image = cv2.cvtColor((own + share * (moved - own)).astype(np.float32), cv2.COLOR_LAB2RGB)
    return np.asarray(np.clip(image, 0, 1) * 255 + 0.5, dtype=np.uint8)


def _turn_hue(rng: Rng, image: FloatImage, degrees: float) -> FloatImage:
    hsv = cv2.cvtColor(np.clip(image, 0, 1), cv2.COLOR_RGB2HSV)
    hsv[..., 0] = (hsv[..., 0] + rng.normal(0, degrees / 2)) % 360
    hsv[..., 1] = np.clip(hsv[..., 1] * np.exp(rng.normal(0, 0.25)), 0, 1)
    return np.asarray(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB), dtype=np.float32)


def vary_sharpness(rng: Rng, pixels: RgbImage) -> RgbImage:
    """Apply blur, sensor noise and JPEG artefacts, each with some probability."""
    if rng.random() < 0.25:
        pixels = cv2.GaussianBlur(pixels, (0, 0), float(rng.uniform(0.4, 1.6))).astype(np.uint8)
    elif rng.random() < 0.2:
        blurred = cv2.GaussianBlur(pixels, (0, 0), 1.5)
        pixels = cv2.addWeighted(pixels, 1.7, blurred, -0.7, 0).astype(np.uint8)
    if rng.random() < 0.25:
        noise = rng.normal(0, rng.uniform(1, 8), pixels.shape)
        pixels = np.clip(pixels + noise, 0, 255).astype(np.uint8)
    if rng.random() < 0.25:
        quality = int(rng.integers(30, 90))
        encoded = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        pixels = np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR), dtype=np.uint8)
    return pixels


def flip_and_turn(
    rng: Rng, pixels: RgbImage, boxes: npt.NDArray[np.float32]
) -> tuple[RgbImage, npt.NDArray[np.float32]]:
    """One of the eight symmetries of the square, for picture and ``(N, 4)`` boxes alike."""
    height, width = pixels.shape[:2]
    x0, y0, x1, y1 = boxes.T
    if rng.random() < 0.5:
        pixels, (x0, x1) = pixels[:, ::-1], (width - x1, width - x0)
    if rng.random() < 0.5:
        pixels, (y0, y1) = pixels[::-1], (height - y1, height - y0)
    if rng.random() < 0.5:
        pixels, (x0, y0, x1, y1) = pixels.transpose(1, 0, 2), (y0, x0, y1, x1)
    return np.ascontiguousarray(pixels), np.stack([x0, y0, x1, y1], axis=1).astype(np.float32)


def auto_augment(rng: Rng, pixels: RgbImage) -> RgbImage:
    """One draw of the ImageNet policy on ``(H, W, 3)``; the same generator, the same picture.

    Source: Cubuk et al. 2019, AutoAugment, as torchvision has it.
    """
    # torchvision draws from torch's own generator, which belongs to the loop.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(rng.integers(2**31)))
        varied = _POLICY(torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1))))
    return np.ascontiguousarray(varied.numpy().transpose(1, 2, 0))
