"""Random planes for drawing cells: smooth noise, warps, scattered grains.

All planes are square or rectangular ``float32`` arrays indexed ``[y, x]``; all randomness comes
from the generator passed in, so equal generators give equal planes.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

Plane = npt.NDArray[np.float32]


def as_plane(values: object) -> Plane:
    """The same numbers as a contiguous ``float32`` array (OpenCV's return types are loose)."""
    return np.ascontiguousarray(values, dtype=np.float32)


def blurred(plane: Plane, sigma_px: float) -> Plane:
    """Gaussian blur; below a tenth of a pixel the plane itself."""
    if sigma_px < 0.1:
        return plane
    return as_plane(cv2.GaussianBlur(plane, (0, 0), sigma_px, borderType=cv2.BORDER_REFLECT))


def smooth_noise(rng: np.random.Generator, height: int, width: int, grain_px: float) -> Plane:
    """Isotropic noise, mean 0 and standard deviation about 1, features about ``grain_px`` wide.

    Args:
        rng: source of the noise.
        height: rows of the plane.
        width: columns of the plane.
        grain_px: distance over which the noise decorrelates, more than 0.

    Returns:
        Plane of shape ``(height, width)``.
    """
    # Coarse noise is computed on a coarse grid: it looks the same and is much faster.
    step = max(1.0, grain_px / 3.0)
    rows, columns = int(np.ceil(height / step)) + 2, int(np.ceil(width / step)) + 2
    coarse = rng.standard_normal((rows, columns), dtype=np.float32)
    coarse = blurred(coarse, grain_px / step / 2.0)
    spread = float(coarse.std())
    coarse = (coarse - float(coarse.mean())) / (spread if spread > 1e-6 else 1.0)
    if step > 1.0:
        coarse = as_plane(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC))
    return as_plane(coarse[:height, :width])


def warped(rng: np.random.Generator, plane: Plane, amplitude_px: float, grain_px: float) -> Plane:
    """The plane with every point moved by smooth noise of ``amplitude_px`` (one sigma)."""
    height, width = plane.shape
    ys, xs = np.mgrid[0:height, 0:width].astype(np.float32)
    xs += amplitude_px * smooth_noise(rng, height, width, grain_px)
    ys += amplitude_px * smooth_noise(rng, height, width, grain_px)
    return as_plane(
        cv2.remap(plane, xs, ys, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=0)
    )


def scattered_grains(
    rng: np.random.Generator,
    where: Plane,
    *,
    count: int,
    radius_px: float,
    softness: float = 0.35,
) -> Plane:
    """Roundish grains strewn over a region.

    Args:
        rng: source of positions and weights.
        where: relative chance of a grain at each pixel, in [0, 1].
        count: grains strewn.
        radius_px: radius of one grain; grains below a pixel become faint dots.
        softness: blur of a grain's edge as a share of its radius.

    Returns:
        Plane of the shape of ``where``, 0 where there is none and about 1 inside a grain; more
        where several lie on one another.
    """
    grains = np.zeros(where.shape, dtype=np.float32)
    ys, xs = np.nonzero(where > 0.02)
    if count < 1 or ys.size == 0:
        return grains
    chance = where[ys, xs].astype(np.float64)
    at = rng.choice(ys.size, size=count, p=chance / chance.sum())
    np.add.at(grains, (ys[at], xs[at]), rng.uniform(0.55, 1.25, count).astype(np.float32))
    reach = int(np.ceil(radius_px * 1.6)) + 1
    offsets = np.arange(-reach, reach + 1, dtype=np.float32)
    distance = np.hypot(offsets[:, None], offsets[None, :])
    edge = max(0.6, softness * radius_px)
    kernel = np.clip((radius_px - distance) / edge + 0.5, 0.0, 1.0).astype(np.float32)
    return as_plane(cv2.filter2D(grains, cv2.CV_32F, kernel, borderType=cv2.BORDER_CONSTANT))
