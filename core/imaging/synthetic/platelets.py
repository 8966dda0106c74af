"""Platelets: small fragments with purple granules in a pale margin."""

from __future__ import annotations

import numpy as np

from core.imaging.synthetic.outline import Roundness, coverage, relative_radius
from core.imaging.synthetic.patch import CellPatch
from core.imaging.synthetic.texture import as_plane, scattered_grains, smooth_noise


def draw_platelet(rng: np.random.Generator, red_cell_diameter_px: float) -> CellPatch:
    """One platelet, about 0.37 red-cell diameters across (median of labelled CBC fields)."""
    diameter = red_cell_diameter_px * 0.37 * float(np.exp(rng.normal(0, 0.16)))
    radius = max(1.5, diameter / 2)
    size = int(np.ceil(2 * radius * 1.7)) + 4 | 1
    roundness = Roundness(
        aspect=1.0 + min(0.7, abs(float(rng.normal(0, 0.25)))), ripple=0.07, warp=0.08
    )
    s, _, _ = relative_radius(rng, size, radius, roundness)
    margin = coverage(s, radius, max(1.2, 0.25 * radius))
    middle = np.clip((0.78 - s) / 0.4 + 0.5, 0.0, 1.0)
    grains = scattered_grains(
        rng, as_plane(middle), count=int(rng.integers(14, 32)), radius_px=0.13 * radius
    )
    granular = 1.0 - np.exp(-0.9 * grains)
    mottle = 1.0 + 0.2 * smooth_noise(rng, size, size, 0.5 * radius)
    amount = float(np.exp(rng.normal(0, 0.22)))
    plane = amount * (0.38 * margin * mottle + 0.40 * middle * mottle + 0.55 * granular * middle)
    return CellPatch(silhouette=margin > 0.5, dyes={"platelet": as_plane(plane * (margin > 0))})
