"""White cells: cytoplasm, granules and a nucleus with its chromatin, by class."""

from __future__ import annotations

import cv2
import numpy as np

from core.imaging.synthetic.morphology import MORPHOLOGY, Chromatin, Morphology
from core.imaging.synthetic.nuclei import nucleus_beads
from core.imaging.synthetic.outline import Roundness, beaded_shape, coverage, relative_radius
from core.imaging.synthetic.patch import CellPatch
from core.imaging.synthetic.stain import Dye
from core.imaging.synthetic.texture import (
    Plane,
    as_plane,
    blurred,
    scattered_grains,
    smooth_noise,
    warped,
)


def draw_white_cell(rng: np.random.Generator, label: str, red_cell_diameter_px: float) -> CellPatch:
    """One white cell of a class.

    Args:
        rng: source of everything that differs from cell to cell.
        label: a class with a nucleus, see ``MORPHOLOGY``.
        red_cell_diameter_px: mean diameter of the field's red cells, which sets the scale.

    Raises:
        ValueError: if the class is not one that this function draws.
    """
    if label not in MORPHOLOGY:
        raise ValueError(f"cannot draw {label!r} as a white cell; known: {', '.join(MORPHOLOGY)}")
    look = MORPHOLOGY[label]
    radius = red_cell_diameter_px * float(rng.uniform(*look.diameter)) / 2
    size = int(np.ceil(2 * radius * 1.32)) | 1
    roundness = Roundness(
        aspect=float(rng.uniform(*look.aspect)),
        ripple=look.ripple,
        warp=look.warp,
        flat_sides=int(rng.choice([0, 1, 2], p=[0.8, 0.17, 0.03])),
    )
    s, _, _ = relative_radius(rng, size, radius, roundness)
    # The margin is ragged: granules and folds end at different distances.
    s = as_plane(s + 0.013 * smooth_noise(rng, size, size, max(1.5, 0.09 * radius)))
    body = coverage(s, radius, max(1.2, 0.06 * radius))
    beads = nucleus_beads(rng, label)
    # A nucleus that would touch the membrane is shrunk, not cut: a cut leaves a straight edge.
    reach = max(float(np.hypot(x, y)) + r for x, y, r in beads)
    fit = min(1.0, 0.95 / (reach * float(np.sqrt(roundness.aspect))))
    beads = [(fit * x, fit * y, fit * r) for x, y, r in beads]
    nucleus = beaded_shape(
        rng,
        size,
        radius,
        beads,
        warp=look.nucleus_warp,
        smoothing=0.022 if "neutrophil" in label else 0.035,
    )
    if label == "smudge":
        return _smudge_patch(rng, look, radius, nucleus)
    # Nuclei lie inside: the membrane keeps a thin rim of cytoplasm free.
    nucleus = as_plane(nucleus * np.clip((0.965 - s) * radius / 1.5 + 0.5, 0.0, 1.0))
    dyes: dict[Dye, Plane] = {"chromatin": _chromatin_plane(rng, look.chromatin, radius, nucleus)}
    cytoplasm = _cytoplasm_plane(rng, look, radius, s, body, nucleus)
    holes = _vacuoles(rng, look, radius, as_plane(body * (1 - nucleus) * (s < 0.9)))
    cytoplasm = as_plane(cytoplasm * (1 - 0.85 * holes))
    dyes["chromatin"] = as_plane(dyes["chromatin"] * (1 - 0.75 * holes))
    for dye, span in look.cytoplasm.items():
        dyes[dye] = as_plane(float(rng.uniform(*span)) * cytoplasm)
    _add_granules(rng, look, radius, s, nucleus, holes, dyes)
    return CellPatch(silhouette=body > 0.5, dyes=dyes)


def _chromatin_plane(
    rng: np.random.Generator, look: Chromatin, radius: float, nucleus: Plane
) -> Plane:
    height, width = nucleus.shape
    grain = max(1.6, look.grain * radius)
    coarse = smooth_noise(rng, height, width, grain)
    fine = smooth_noise(rng, height, width, max(1.3, grain * 0.4))
    if look.pattern == "lacy":
        net = 1.3 * np.exp(-((coarse / 0.55) ** 2)) - 0.75
        relief = 0.75 * net + 0.45 * fine
    elif look.pattern == "smooth":
        relief = 0.6 * coarse + 0.6 * fine
    else:
        relief = 0.9 * np.tanh(1.3 * coarse) + 0.5 * fine
    texture = 1.0 + look.contrast * relief
    if look.veins > 0:
        parting = smooth_noise(rng, height, width, grain * 1.9)
        texture -= look.veins * np.exp(-((parting / 0.16) ** 2)) * (0.6 + 0.4 * np.tanh(fine))
    for _ in range(int(rng.integers(look.nucleoli[0], look.nucleoli[1] + 1))):
        spot = _spot_within(rng, nucleus, radius * rng.uniform(0.09, 0.17))
        texture *= 1.0 - 0.32 * spot
    # A nucleus is a lens: thinner at its edge, with chromatin condensed on the membrane.
    depth = as_plane(
        cv2.distanceTransform((nucleus > 0.5).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5)
    )
    depth = blurred(depth, 0.6) / np.float32(radius)
    lens = 0.84 + 0.16 * np.clip(depth / 0.2, 0.0, 1.0)
    membrane = 0.10 * np.exp(-(((depth - 0.03) / 0.03) ** 2))
    amount = float(rng.uniform(*look.amount))
    return as_plane(amount * nucleus * np.clip(texture * lens + membrane, 0.2, 1.8))


def _cytoplasm_plane(
    rng: np.random.Generator,
    look: Morphology,
    radius: float,
    s: Plane,
    body: Plane,
    nucleus: Plane,
) -> Plane:
    height, width = s.shape
    mottle = smooth_noise(rng, height, width, max(1.5, look.mottling_grain * radius))
    cloud = smooth_noise(rng, height, width, 0.5 * radius)
    plane = 1.0 + look.mottling * (mottle + 0.7 * cloud)
    # Thin towards the margin, then slightly gathered on the membrane itself.
    plane *= 0.70 + 0.30 * np.clip((1.0 - s) / 0.28, 0.0, 1.0)
    plane += 0.10 * np.exp(-(((s - 0.965) / 0.03) ** 2))
    return as_plane(body * np.clip(plane, 0.1, None) * (1.0 - 0.85 * nucleus))


def _spot_within(rng: np.random.Generator, where: Plane, radius_px: float) -> Plane:
    ys, xs = np.nonzero(where > 0.5)
    plane = np.zeros(where.shape, dtype=np.float32)
    if ys.size == 0:
        return plane
    at = int(rng.integers(ys.size))
    rows, columns = np.ogrid[0 : where.shape[0], 0 : where.shape[1]]
    oval = float(np.exp(rng.normal(0, 0.15)))
    distance = np.hypot((rows - ys[at]) * oval, (columns - xs[at]) / oval)
    return as_plane(np.clip((radius_px - distance) / max(1.0, 0.4 * radius_px) + 0.5, 0, 1))


def _vacuoles(rng: np.random.Generator, look: Morphology, radius: float, where: Plane) -> Plane:
    holes = np.zeros(where.shape, dtype=np.float32)
    low, high = look.vacuoles
    for _ in range(int(rng.integers(low, high + 1)) if high else 0):
        holes = np.maximum(holes, _spot_within(rng, where, radius * rng.uniform(0.03, 0.085)))
    return holes


def _add_granules(
    rng: np.random.Generator,
    look: Morphology,
    radius: float,
    s: Plane,
    nucleus: Plane,
    holes: Plane,
    dyes: dict[Dye, Plane],
) -> None:
    body = np.clip((0.97 - s) * radius / 2 + 0.5, 0.0, 1.0)
    for kind in look.granules:
        grain = radius * float(rng.uniform(*kind.radius))
        where = as_plane(body * (1.0 - (1.0 - kind.over_nucleus) * nucleus) * (1 - holes))
        # Crowding differs from place to place, and the count follows the room there is.
        crowd = 1.0 + 0.35 * smooth_noise(rng, s.shape[0], s.shape[1], 0.45 * radius)
        where = as_plane(where * np.clip(crowd, 0.15, 2.0))
        room = float(where.sum()) / (np.pi * radius**2)
        count = int(rng.uniform(*kind.density) * room)
        grains = scattered_grains(rng, where, count=count, radius_px=grain)
        plane = kind.amount * (1.0 - np.exp(-1.1 * grains)) * np.clip(where * 3, 0.0, 1.0)
        dyes[kind.dye] = as_plane(dyes.get(kind.dye, np.float32(0)) + plane)


def _smudge_patch(
    rng: np.random.Generator, look: Morphology, radius: float, nucleus: Plane
) -> CellPatch:
    """A crushed cell: a pale, swollen nucleus that frays out, without cytoplasm."""
    height, width = nucleus.shape
    frayed = warped(rng, nucleus, 0.10 * radius, 0.22 * radius)
    soft = blurred(frayed, 0.10 * radius)
    fibres = smooth_noise(rng, height, width, 0.12 * radius)
    mist = as_plane(soft * np.clip(0.55 + 0.35 * fibres, 0.0, 1.0))
    core = _chromatin_plane(rng, look.chromatin, radius, as_plane(0.25 * frayed + 0.75 * soft))
    plane = as_plane(0.75 * core + 0.22 * mist)
    return CellPatch(
        silhouette=soft > 0.35,
        dyes={"chromatin": plane, "acid_pink": as_plane(0.4 * mist)},
    )
