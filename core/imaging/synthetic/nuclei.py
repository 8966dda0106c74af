"""Nuclear shapes of the white-cell classes, as beads to be smoothed into one outline.

Morphology after Palmer et al., "ICSH recommendations for the standardization of nomenclature and
grading of peripheral blood cell morphological features", Int J Lab Hematol 2015: a segmented
nucleus has lobes joined by filaments, a band nucleus keeps a constant width without filaments.
Coordinates and radii are in cell radii, origin at the middle of the cell; callers turn the result.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from core.imaging.synthetic.outline import Bead


def _chain(
    path: Sequence[tuple[float, float]], radii: Sequence[float], per_step: int = 10
) -> list[Bead]:
    """Beads along a polyline with the radius interpolated between its corners."""
    beads: list[Bead] = []
    for (p, q), (a, b) in zip(pairwise(path), pairwise(radii), strict=True):
        for t in np.linspace(0.0, 1.0, per_step, dtype=float):
            beads.append(
                (p[0] + t * (q[0] - p[0]), p[1] + t * (q[1] - p[1]), float(a + t * (b - a)))
            )
    return beads


def _arc(radius: float, sweep: float, widths: Sequence[float]) -> list[Bead]:
    """A bent rod on a circle round the origin, ``sweep`` radians long, with varying width."""
    angles = np.linspace(-sweep / 2, sweep / 2, 24)
    thickness = np.interp(np.linspace(0, len(widths) - 1, 24), range(len(widths)), widths)
    return [
        (float(radius * np.cos(a)), float(radius * np.sin(a)), float(r))
        for a, r in zip(angles, thickness, strict=True)
    ]


def _lobes(
    rng: np.random.Generator,
    count: int,
    lobe_radius: float,
    orbit: float,
    step: float,
    strand: float,
) -> list[Bead]:
    """Lobes in a row on a wavering arc, neighbours joined by strands of radius ``strand``."""
    beads: list[Bead] = []
    middles: list[tuple[float, float]] = []
    for i in range(count):
        angle = (i - (count - 1) / 2) * step + rng.normal(0, 0.12)
        reach = orbit * rng.uniform(0.8, 1.15)
        x, y = reach * np.cos(angle), reach * np.sin(angle)
        middles.append((float(x), float(y)))
        turn = angle + np.pi / 2 + rng.normal(0, 0.6)
        size = lobe_radius * float(np.exp(rng.normal(0, 0.13)))
        half = size * rng.uniform(0.15, 0.6)
        ends = [
            (x - half * np.cos(turn), y - half * np.sin(turn)),
            (x + half * np.cos(turn), y + half * np.sin(turn)),
        ]
        beads += _chain(ends, [size * rng.uniform(0.75, 1.0), size * rng.uniform(0.75, 1.0)])
    for p, q in pairwise(middles):
        bow = 1.0 + rng.uniform(0.0, 0.2)
        between = ((p[0] + q[0]) / 2 * bow, (p[1] + q[1]) / 2 * bow)
        beads += _chain([p, between, q], [strand * 1.5, strand, strand * 1.5])
    shift_x = float(np.mean([m[0] for m in middles])) * rng.uniform(0.55, 0.95)
    return [(x - shift_x, y, r) for x, y, r in beads]


def _round(rng: np.random.Generator, radius: float, aspect: float, shift: float) -> list[Bead]:
    """One oval nucleus, off the middle by ``shift``."""
    half = radius * (aspect - 1) / aspect
    x = shift
    tilt = rng.uniform(0, np.pi)
    dx, dy = half * np.cos(tilt), half * np.sin(tilt)
    small = radius / aspect**0.5
    return _chain([(x - dx, -dy), (x + dx, dy)], [small, small * rng.uniform(0.92, 1.0)])


def _segmented(rng: np.random.Generator) -> list[Bead]:
    # Three or four lobes well apart on thin strands: two, or lobes that touch, are what experts
    # and models call a band as often as not.
    count = int(rng.choice([3, 4], p=[0.5, 0.5]))
    radius = {3: 0.29, 4: 0.26}[count]
    step = {3: 1.65, 4: 1.3}[count] * rng.uniform(0.95, 1.08)
    return _lobes(rng, count, radius, rng.uniform(0.46, 0.54), step, rng.uniform(0.03, 0.05))


def _band(rng: np.random.Generator) -> list[Bead]:
    width = rng.uniform(0.21, 0.27)
    widths = width * rng.uniform(0.85, 1.12, 5)
    sweep = rng.uniform(2.6, 4.3)
    beads = _arc(rng.uniform(0.40, 0.50), sweep, list(widths))
    shift = rng.uniform(0.0, 0.25) * (1 if sweep < 3.4 else 0.3)
    if rng.random() < 0.25:  # an S instead of a C: one half bends the other way
        beads = [(x, y, r) if y < 0 else (2 * beads[12][0] - x, y, r) for x, y, r in beads]
        shift = float(beads[12][0])
    return [(x - shift, y, r) for x, y, r in beads]


def _lymphocyte(rng: np.random.Generator) -> list[Bead]:
    radius = rng.uniform(0.74, 0.90)
    return _round(rng, radius, rng.uniform(1.0, 1.12), rng.uniform(0, max(0.0, 0.92 - radius)))


def _monocyte(rng: np.random.Generator) -> list[Bead]:
    widths = rng.uniform(0.38, 0.48) * rng.uniform(0.85, 1.15, 4)
    beads = _arc(rng.uniform(0.26, 0.36), rng.uniform(1.9, 3.3), list(widths))
    shift = rng.uniform(0.05, 0.25)
    return [(x - shift, y, r) for x, y, r in beads]


def _eosinophil(rng: np.random.Generator) -> list[Bead]:
    count = 2 if rng.random() < 0.85 else 3
    radius = 0.33 if count == 2 else 0.27
    step = rng.uniform(1.9, 2.5) if count == 2 else rng.uniform(1.3, 1.6)
    beads = _lobes(rng, count, radius, rng.uniform(0.44, 0.52), step, rng.uniform(0.06, 0.11))
    push = rng.uniform(0.0, 0.14)
    return [(x - push, y, r) for x, y, r in beads]


def _basophil(rng: np.random.Generator) -> list[Bead]:
    return _lobes(rng, int(rng.integers(2, 4)), 0.42, 0.34, rng.uniform(1.5, 2.2), 0.25)


def _immature_granulocyte(rng: np.random.Generator) -> list[Bead]:
    if rng.random() < 0.5:  # myelocyte, promyelocyte: round or oval, off the middle
        radius = rng.uniform(0.52, 0.66)
        return _round(rng, radius, rng.uniform(1.05, 1.25), 0.85 - radius)
    widths = rng.uniform(0.33, 0.40) * rng.uniform(0.92, 1.1, 4)  # metamyelocyte: indented
    beads = _arc(rng.uniform(0.30, 0.38), rng.uniform(1.7, 2.3), list(widths))
    return [(x, y, r) for x, y, r in beads]


def _erythroblast(rng: np.random.Generator) -> list[Bead]:
    radius = rng.uniform(0.46, 0.64)
    return _round(rng, radius, rng.uniform(1.0, 1.08), rng.uniform(0, 0.75 - radius))


def _blast(rng: np.random.Generator) -> list[Bead]:
    radius = rng.uniform(0.74, 0.84)
    return _round(rng, radius, rng.uniform(1.02, 1.15), rng.uniform(0, 0.93 - radius))


def _smudge(rng: np.random.Generator) -> list[Bead]:
    turn = rng.uniform(0, 2 * np.pi)
    spread = rng.uniform(0.05, 0.3)
    return [
        (spread * np.cos(turn), spread * np.sin(turn), 0.60),
        (-spread * np.cos(turn), -spread * np.sin(turn), 0.52),
        (float(rng.normal(0, 0.2)), float(rng.normal(0, 0.2)), 0.48),
    ]


_SHAPES = {
    "segmented_neutrophil": _segmented,
    "band_neutrophil": _band,
    "lymphocyte": _lymphocyte,
    "monocyte": _monocyte,
    "eosinophil": _eosinophil,
    "basophil": _basophil,
    "immature_granulocyte": _immature_granulocyte,
    "erythroblast": _erythroblast,
    "blast": _blast,
    "smudge": _smudge,
}


def nucleus_beads(rng: np.random.Generator, label: str) -> list[Bead]:
    """Beads of a nucleus of the class, turned at random.

    Raises:
        ValueError: if the class has no nucleus or is unknown.
    """
    if label not in _SHAPES:
        raise ValueError(f"no nuclear shape for {label!r}; known: {', '.join(_SHAPES)}")
    turn = rng.uniform(0, 2 * np.pi)
    cos, sin = float(np.cos(turn)), float(np.sin(turn))
    return [(cos * x - sin * y, sin * x + cos * y, r) for x, y, r in _SHAPES[label](rng)]
