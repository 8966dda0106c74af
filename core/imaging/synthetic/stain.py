"""Stains: the background colour, and the optical density of each dye in red, green and blue.

Colours are stored as optical density per unit of dye, ``-log10(pixel / background)`` for R, G, B,
so that overlapping cells add up (Beer-Lambert law). The numbers of each named stain were measured
in public collections: the median background and the density of red-cell rims, of the darkest fifth
of white cells and of the darkest third of platelets; cytoplasm and granules were then matched by
eye. A camera's colour correction can make a channel brighter than the background, hence a few
slightly negative densities.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np

Rgb = tuple[float, float, float]
Dye = Literal[
    "haemoglobin",
    "chromatin",
    "rna",
    "acid_pink",
    "eosin_granule",
    "azure_granule",
    "platelet",
    "stroma",
]
DYES: Final[tuple[Dye, ...]] = get_args(Dye)


@dataclass(frozen=True)
class Stain:
    """One laboratory's look.

    ``background`` is in 0..255; ``density`` holds one RGB density for every dye; ``blur`` is the
    width of the optical blur as a share of the red-cell diameter; ``sharpening`` is how much the
    camera sharpens (0: not at all); ``noise`` is in grey levels; ``shading`` is the relative
    drop of light towards the edges; ``pallor`` the mean depth of the red cells' pale centre and
    ``rim`` how dark their outline is, both in [0, 1]. ``dust``
    is the mean number of specks; ``slide_tint`` how far red cells differ in hue between slides.
    """

    name: str
    background: Rgb
    density: Mapping[Dye, Rgb]
    blur: float
    sharpening: float
    noise: float
    shading: float
    pallor: float
    rim: float
    dust: float = 0.3
    slide_tint: float = 0.05


def _stain(name: str, background: Rgb, *densities: Rgb, **look: float) -> Stain:
    return Stain(name, background, dict(zip(DYES, densities, strict=True)), **look)


_ALL: Final = (
    # CBC/BCCD (Alam & Islam 2019; Shenggan): purple-pink on grey-cream.
    _stain(
        "lilac_grey",
        (195, 198, 192),
        (0.041, 0.106, 0.066),
        (0.185, 0.375, -0.045),
        (0.088, 0.114, -0.016),
        (0.042, 0.094, 0.002),
        (0.075, 0.200, 0.050),
        (0.110, 0.230, -0.010),
        (0.110, 0.150, -0.016),
        (0.003, 0.013, 0.024),
        blur=0.026,
        sharpening=0.25,
        noise=2.3,
        shading=0.07,
        pallor=0.98,
        rim=0.40,
        dust=2.0,
        slide_tint=0.13,
    ),
    # PBC (Acevedo et al. 2019): peach background, crisp cells.
    _stain(
        "peach",
        (254, 228, 202),
        (0.108, 0.158, 0.094),
        (0.540, 0.960, 0.190),
        (0.200, 0.235, 0.055),
        (0.055, 0.105, 0.048),
        (0.120, 0.300, 0.165),
        (0.420, 0.640, 0.160),
        (0.300, 0.470, 0.100),
        (0.012, 0.010, 0.014),
        blur=0.018,
        sharpening=0.55,
        noise=1.4,
        shading=0.008,
        pallor=0.98,
        rim=0.35,
        dust=0.3,
    ),
    # The bluish part of PBC (the files named NEUTROPHIL_ and IG_).
    _stain(
        "pale_blue",
        (230, 221, 231),
        (0.084, 0.134, 0.088),
        (0.470, 0.800, 0.160),
        (0.170, 0.220, 0.035),
        (0.060, 0.110, 0.030),
        (0.090, 0.280, 0.150),
        (0.330, 0.560, 0.120),
        (0.240, 0.380, 0.070),
        (0.006, 0.012, 0.008),
        blur=0.017,
        sharpening=0.45,
        noise=1.6,
        shading=0.02,
        pallor=0.98,
        rim=0.30,
        dust=0.3,
    ),
    # DeepBioNet's laboratory, two of its cameras' settings.
    _stain(
        "blue_green",
        (162, 218, 226),
        (0.185, 0.140, 0.068),
        (0.190, 0.500, 0.055),
        (0.070, 0.130, 0.010),
        (0.035, 0.105, -0.005),
        (0.080, 0.240, 0.025),
        (0.140, 0.340, 0.030),
        (0.120, 0.330, 0.005),
        (0.012, 0.010, 0.008),
        blur=0.022,
        sharpening=0.10,
        noise=1.6,
        shading=0.09,
        pallor=0.40,
        rim=0.15,
        dust=0.3,
    ),
    _stain(
        "yellow_green",
        (203, 212, 150),
        (0.190, 0.300, 0.130),
        (0.290, 1.100, 0.065),
        (0.090, 0.320, 0.045),
        (0.070, 0.270, 0.040),
        (0.110, 0.400, 0.055),
        (0.160, 0.560, 0.040),
        (0.100, 0.620, 0.030),
        (0.015, 0.020, 0.015),
        blur=0.022,
        sharpening=0.10,
        noise=1.8,
        shading=0.10,
        pallor=0.88,
        rim=0.45,
        dust=0.3,
    ),
    # TXL-PBC's 575 px fields: dense red cells on beige, magenta nuclei.
    _stain(
        "rose_beige",
        (218, 187, 170),
        (0.180, 0.272, 0.125),
        (0.290, 0.880, 0.190),
        (0.110, 0.170, 0.050),
        (0.050, 0.120, 0.040),
        (0.090, 0.340, 0.170),
        (0.220, 0.600, 0.130),
        (0.180, 0.360, 0.080),
        (0.015, 0.020, 0.020),
        blur=0.020,
        sharpening=0.20,
        noise=1.8,
        shading=0.05,
        pallor=0.55,
        rim=0.25,
        dust=0.5,
    ),
    # Matek et al. 2019 (AML-Cytomorphology): near-white background.
    _stain(
        "clear_pink",
        (244, 242, 238),
        (0.070, 0.160, 0.100),
        (0.440, 0.940, 0.200),
        (0.180, 0.250, 0.040),
        (0.045, 0.105, 0.035),
        (0.090, 0.330, 0.130),
        (0.280, 0.620, 0.120),
        (0.220, 0.400, 0.080),
        (0.006, 0.012, 0.012),
        blur=0.017,
        sharpening=0.40,
        noise=1.6,
        shading=0.015,
        pallor=0.62,
        rim=0.30,
        dust=0.3,
    ),
)

STAINS: Final[Mapping[str, Stain]] = {stain.name: stain for stain in _ALL}
"""Every named stain; the names are what ``draw(stain=...)`` takes."""

_SHARES: Final = {"lilac_grey": 0.46}
"""Probability of a stain when none is named; the others share the rest equally."""


_TINT: Final = (1.0, 0.4, 1.1)
"""How much red, green and blue densities vary from slide to slide, relative to one another."""


def choose_stain(rng: np.random.Generator, name: str | None = None) -> Stain:
    """A stain with random variation for one field.

    Args:
        rng: source of the variation.
        name: a key of ``STAINS``; ``None`` draws one and mixes it a little with another.

    Raises:
        ValueError: if the name is not a stain.
    """
    if name is not None and name not in STAINS:
        raise ValueError(f"unknown stain {name!r}; known: {', '.join(STAINS)}")
    names = list(STAINS)
    rest = (1 - sum(_SHARES.values())) / (len(names) - len(_SHARES))
    drawn = str(rng.choice(names, p=[_SHARES.get(n, rest) for n in names]))
    other = STAINS[str(rng.choice(names))]
    lean = rng.uniform(0.0, 0.22) if name is None else 0.0
    base = STAINS[name or drawn]

    def lightly_mixed(a: Rgb, b: Rgb, spread: float, tint: float) -> Rgb:
        strength = np.exp(rng.normal(0.0, spread))
        mixed = (1 - lean) * np.asarray(a) + lean * np.asarray(b)
        r, g, b_ = mixed * strength * np.exp(tint * rng.normal(0.0, _TINT, 3))
        return float(r), float(g), float(b_)

    light = np.exp(rng.normal(0.0, 0.01))
    red, green, blue = (
        min(254.0, c * light) for c in lightly_mixed(base.background, other.background, 0.0, 0.006)
    )
    return Stain(
        name=base.name,
        background=(red, green, blue),
        density={
            dye: lightly_mixed(
                base.density[dye],
                other.density[dye],
                0.09,
                base.slide_tint if dye == "haemoglobin" else 0.05,
            )
            for dye in DYES
        },
        blur=base.blur * float(np.exp(rng.normal(0.0, 0.20))),
        sharpening=base.sharpening * float(rng.uniform(0.6, 1.3)),
        noise=base.noise * float(rng.uniform(0.8, 1.25)),
        shading=base.shading * float(rng.uniform(0.5, 1.4)),
        pallor=float(np.clip(base.pallor + rng.normal(0.0, 0.05), 0.0, 1.0)),
        rim=float(np.clip(base.rim + rng.normal(0.0, 0.08), 0.0, 1.0)),
        dust=base.dust,
        slide_tint=base.slide_tint,
    )
