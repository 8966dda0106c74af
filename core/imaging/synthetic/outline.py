"""Outlines of cells and nuclei, as planes that fade over one pixel at the edge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from core.imaging.synthetic.texture import Plane, as_plane, blurred, smooth_noise, warped

Bead = tuple[float, float, float]
"""``(x, y, radius)`` in cell radii, origin at the centre of the cell."""


@dataclass(frozen=True)
class Roundness:
    """How far an outline is from a circle.

    ``aspect`` is long over short axis; ``ripple`` the relative size of the low harmonics of the
    outline; ``warp`` how far the plane is bent (share of the radius); ``flat_sides`` how many
    flanks were pressed straight by neighbours; ``crenations`` how many small spikes there are.
    """

    aspect: float = 1.0
    ripple: float = 0.02
    warp: float = 0.03
    flat_sides: int = 0
    crenations: int = 0
    tail: float = 0.0


def relative_radius(
    rng: np.random.Generator, size_px: int, radius_px: float, roundness: Roundness
) -> tuple[Plane, Plane, Plane]:
    """Distance from the centre of an irregular disc, in units of its own radius.

    Args:
        rng: source of the irregularity.
        size_px: side of the square plane; its middle pixel is the centre.
        radius_px: mean radius of the disc.
        roundness: how irregular it is.

    Returns:
        ``(s, u, v)``, each ``(size_px, size_px)``: ``s`` is 0 at the centre and 1 on the outline;
        ``u`` and ``v`` are the bent coordinates in radii, along and across the long axis.
    """
    middle = (size_px - 1) / 2.0
    ys, xs = np.mgrid[0:size_px, 0:size_px].astype(np.float32)
    xs = (xs - middle) / radius_px
    ys = (ys - middle) / radius_px
    if roundness.warp > 0:
        grain = 0.9 * radius_px
        xs = xs + roundness.warp * smooth_noise(rng, size_px, size_px, grain)
        ys = ys + roundness.warp * smooth_noise(rng, size_px, size_px, grain)
    turn = rng.uniform(0, 2 * np.pi)
    along = float(np.cos(turn)) * xs + float(np.sin(turn)) * ys
    across = -float(np.sin(turn)) * xs + float(np.cos(turn)) * ys
    stretch = float(np.sqrt(roundness.aspect))
    u, v = along / stretch, across * stretch
    angle = np.arctan2(v, u)
    limit = np.ones_like(angle)
    for order in range(2, 7):
        size = roundness.ripple * rng.normal() / (0.5 + 0.4 * order)
        limit += size * np.cos(order * angle + rng.uniform(0, 2 * np.pi))
    if roundness.crenations:
        spikes = np.cos(roundness.crenations * angle + rng.uniform(0, 2 * np.pi))
        limit += (
            0.035 * np.clip(spikes, -0.3, 1.0) * (1 + 0.5 * np.cos(2 * angle + rng.uniform(0, 6.3)))
        )
    for _ in range(roundness.flat_sides):
        facing = np.cos(angle - rng.uniform(0, 2 * np.pi))
        flank = rng.uniform(0.84, 0.96) / np.maximum(facing, 0.3)
        limit = -np.logaddexp(-9 * limit, -9 * flank) / 9
    if roundness.tail > 0:
        limit += roundness.tail * np.exp(-((angle / 0.33) ** 2))
    s = np.hypot(u, v) / limit
    return as_plane(s), as_plane(u), as_plane(v)


def coverage(s: Plane, radius_px: float, edge_px: float = 1.2) -> Plane:
    """Share of each pixel inside ``s <= 1``, in [0, 1], fading over ``edge_px``."""
    return as_plane(np.clip((1.0 - s) * (radius_px / edge_px) + 0.5, 0.0, 1.0))


def beaded_shape(
    rng: np.random.Generator,
    size_px: int,
    radius_px: float,
    beads: Sequence[Bead],
    *,
    smoothing: float = 0.03,
    warp: float = 0.03,
    warp_grain: float = 0.45,
) -> Plane:
    """A smooth shape that follows a string of discs: lobes, strands, bands, kidneys.

    Args:
        rng: source of the irregularity.
        size_px: side of the square plane.
        radius_px: cell radius that the beads are measured in.
        beads: discs whose union is the shape.
        smoothing: rounding of the notches between beads, share of the radius.
        warp: irregularity of the outline, share of the radius.
        warp_grain: length of the irregularities, share of the radius.

    Returns:
        ``(size_px, size_px)`` plane in [0, 1], fading over about a pixel at the outline.
    """
    fine = 2  # drawn at twice the size, so that thin strands survive the smoothing
    canvas = np.zeros((size_px * fine, size_px * fine), dtype=np.uint8)
    middle = (size_px - 1) / 2.0
    for x, y, r in beads:
        centre = [round(((c * radius_px + middle) * fine + 0.5) * 16) for c in (x, y)]
        reach = max(1, round(r * radius_px * fine * 16))
        cv2.circle(canvas, (centre[0], centre[1]), reach, 255, -1, cv2.LINE_AA, 4)
    shape = as_plane(canvas) / np.float32(255)
    if warp > 0:
        shape = warped(rng, shape, warp * radius_px * fine, warp_grain * radius_px * fine)
    sigma = max(0.8, smoothing * radius_px * fine)
    shape = blurred(shape, sigma)
    # The blurred edge rises by 1 / (sigma * sqrt(2 pi)) a pixel; steepen it to one pixel.
    steep = max(1.0, sigma * 2.5 / (1.2 * fine))
    shape = np.clip((shape - 0.5) * steep + 0.5, 0.0, 1.0)
    return as_plane(cv2.resize(shape, (size_px, size_px), interpolation=cv2.INTER_AREA))
