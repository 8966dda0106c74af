"""Draw red cells: discs with a pale centre that vary as much as on a real slide.

Thickness follows the biconcave disc (Evans & Fung, Microvascular Research 1972): thin in the
middle, thickest at about six tenths of the radius. Density is proportional to thickness.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.imaging.synthetic.outline import Roundness, coverage, relative_radius
from core.imaging.synthetic.patch import CellPatch
from core.imaging.synthetic.stain import Stain
from core.imaging.synthetic.texture import as_plane, smooth_noise


@dataclass(frozen=True)
class RedCellLook:
    """Properties that the red cells of one field share, so that a field looks like one patient.

    ``pallor`` is the mean depth of the pale centre in [0, 1] and ``pallor_radius`` its width in
    cell radii; ``rim`` how dark the outline is; ``size_spread`` and ``shape_spread`` the field's
    anisocytosis and poikilocytosis (relative); ``crenated`` the share of crenated cells;
    ``amount_spread`` how much haemoglobin differs from cell to cell (relative).
    """

    pallor: float
    pallor_radius: float
    rim: float
    size_spread: float
    shape_spread: float
    crenated: float
    amount_spread: float


def choose_look(rng: np.random.Generator, stain: Stain) -> RedCellLook:
    """Draw the look of a field's red cells, around that of the stain."""
    return RedCellLook(
        pallor=float(np.clip(stain.pallor + rng.normal(0, 0.05), 0.1, 1.0)),
        pallor_radius=float(rng.uniform(0.35, 0.49)),
        rim=stain.rim,
        size_spread=float(rng.uniform(0.04, 0.085)),
        shape_spread=float(rng.uniform(0.7, 1.5)),
        amount_spread=float(rng.uniform(0.10, 0.19)),
        crenated=float(rng.choice([0.0, 0.02, 0.25], p=[0.6, 0.3, 0.1])),
    )


def draw_red_cell(rng: np.random.Generator, diameter_px: float, look: RedCellLook) -> CellPatch:
    """One red cell.

    Args:
        rng: source of everything that differs from cell to cell.
        diameter_px: mean diameter of the field's red cells, at least 4.
        look: what the field's red cells share.

    Returns:
        A patch with haemoglobin and, in its pale centre, a trace of stroma.
    """
    diameter = diameter_px * float(np.exp(rng.normal(0, look.size_spread)))
    radius = diameter / 2
    crenated = rng.random() < look.crenated
    roundness = Roundness(
        aspect=1.0 + min(0.55, abs(float(rng.normal(0, 0.15 * look.shape_spread)))),
        ripple=0.03 * look.shape_spread,
        warp=float(rng.uniform(0.008, 0.03)) * look.shape_spread,
        flat_sides=int(rng.choice([0, 1, 2], p=[0.72, 0.22, 0.06])),
        crenations=int(rng.integers(9, 15)) if crenated else 0,
        tail=float(rng.uniform(0.2, 0.45)) if rng.random() < 0.015 else 0.0,
    )
    size = int(np.ceil(diameter * (1.0 + 0.35 * (roundness.aspect - 1) + roundness.tail) * 1.2))
    size = size + 5 | 1
    s, u, v = relative_radius(rng, size, radius, roundness)
    inside = coverage(s, radius)

    # The pale centre is a little off the middle and follows the outline only loosely.
    ox, oy = rng.normal(0, 0.06, 2)
    oval = float(np.exp(rng.normal(0, 0.13)))
    centre = np.hypot((u - ox) * oval, (v - oy) / oval)
    depth = look.pallor * float(np.clip(rng.normal(1.0, 0.14), 0.5, 1.15))
    if rng.random() < 0.17:
        depth *= float(rng.uniform(0.0, 0.4))
    width = look.pallor_radius * float(np.exp(rng.normal(0, 0.20)))
    steepness = float(rng.uniform(2.2, 4.8))
    shape = np.exp(-((centre / width) ** steepness))
    if rng.random() < 0.04:  # a knizocyte: a ridge divides the pale centre
        shape = shape * (1.0 - 0.65 * np.exp(-((v / rng.uniform(0.10, 0.18)) ** 2)))
    hollow = min(depth, 0.97) * shape

    shoulder = np.sqrt(np.clip(1.0 - s ** float(rng.uniform(4, 9)), 0.0, 1.0))
    thickness = (0.45 + 0.55 * shoulder) * (1.0 - hollow)
    thickness *= 1.0 - 0.16 * np.clip((s - 0.55) / 0.45, 0, 1) ** 1.5
    thickness += look.rim * 0.35 * np.exp(-(((s - 0.95) * radius / max(1.2, 0.035 * radius)) ** 2))

    # Cells dry tilted: one side is a little denser. The smear itself adds faint mottling.
    lean, toward = float(rng.normal(0, 0.10)), rng.uniform(0, 2 * np.pi)
    thickness *= 1.0 + lean * (np.cos(toward) * u + np.sin(toward) * v)
    thickness *= 1.0 + 0.04 * smooth_noise(rng, size, size, 0.35 * radius)
    amount = float(np.exp(rng.normal(0, look.amount_spread)))
    return CellPatch(
        silhouette=inside > 0.5,
        dyes={
            "haemoglobin": as_plane(inside * np.clip(thickness, 0, None) * amount),
            "stroma": as_plane(inside * hollow),  # what still tints the palest centre
        },
    )
