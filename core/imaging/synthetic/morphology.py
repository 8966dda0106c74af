"""Sizes, chromatin, cytoplasm and granules of the white-cell classes, as a table.

Sizes and colours follow the ICSH nomenclature (Palmer et al., Int J Lab Hematol 2015) and the
ratio of white to red cell boxes measured in public collections (about 1.75 for neutrophils).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from core.imaging.synthetic.stain import Dye

Span = tuple[float, float]


@dataclass(frozen=True)
class Chromatin:
    """Density and texture of a nucleus.

    ``amount`` is in units of the stain's chromatin density, ``grain`` the width of the clumps in
    cell radii, ``contrast`` how much they stand out, ``pattern`` clumped, lacy (a fine net) or
    smooth; ``veins`` how clearly light lines run between the clumps; ``nucleoli`` pale spots.
    """

    amount: Span
    grain: float
    contrast: float
    pattern: Literal["clumped", "lacy", "smooth"] = "clumped"
    veins: float = 0.25
    nucleoli: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class Granules:
    """One population of granules: ``density`` grains in a disc of the cell's size, ``radius`` in
    cell radii, ``amount`` of dye in one, ``over_nucleus`` share of chance on top of the nucleus.
    """

    dye: Dye
    density: Span
    radius: Span
    amount: float
    over_nucleus: float = 0.0


@dataclass(frozen=True)
class Morphology:
    """One class. ``diameter`` is in red-cell diameters; ``cytoplasm`` gives amounts of dye;
    ``mottling`` is the unevenness of the cytoplasm; ``ripple`` and ``warp`` that of its outline.
    """

    diameter: Span
    chromatin: Chromatin
    cytoplasm: Mapping[Dye, Span]
    granules: tuple[Granules, ...] = ()
    mottling: float = 0.22
    mottling_grain: float = 0.10
    ripple: float = 0.05
    warp: float = 0.04
    nucleus_warp: float = 0.045
    vacuoles: tuple[int, int] = (0, 0)
    aspect: Span = field(default=(1.0, 1.15))


_NEUTROPHIL_GRANULES: Final = (
    Granules("acid_pink", (260, 480), (0.018, 0.032), 0.60, 0.05),
    Granules("azure_granule", (60, 220), (0.016, 0.026), 0.28, 0.1),
)

MORPHOLOGY: Final[Mapping[str, Morphology]] = {
    "segmented_neutrophil": Morphology(
        (1.50, 1.90),
        Chromatin((0.90, 1.10), 0.13, 0.28, veins=0.52),
        {"acid_pink": (0.60, 1.05), "rna": (0.03, 0.16)},
        _NEUTROPHIL_GRANULES,
    ),
    "band_neutrophil": Morphology(
        (1.50, 1.90),
        Chromatin((0.85, 1.05), 0.13, 0.28, veins=0.52),
        {"acid_pink": (0.60, 1.05), "rna": (0.05, 0.22)},
        _NEUTROPHIL_GRANULES,
    ),
    "lymphocyte": Morphology(
        # Smaller and denser ones, which exist, cannot be told from nucleated red cells here.
        (1.34, 1.52),
        Chromatin((0.72, 0.87), 0.20, 0.15, veins=0.12),
        {"rna": (0.40, 0.70)},
        mottling=0.12,
        ripple=0.06,
    ),
    "monocyte": Morphology(
        (1.75, 2.20),
        Chromatin((0.72, 0.90), 0.085, 0.30, "lacy", veins=0.46),
        {"rna": (0.50, 0.85), "acid_pink": (0.05, 0.20)},
        (Granules("azure_granule", (60, 160), (0.012, 0.02), 0.22, 0.0),),
        mottling=0.20,
        mottling_grain=0.07,
        ripple=0.10,
        warp=0.08,
        vacuoles=(0, 9),
    ),
    "eosinophil": Morphology(
        (1.50, 1.90),
        Chromatin((0.95, 1.15), 0.14, 0.28, veins=0.50),
        {"rna": (0.05, 0.15), "eosin_granule": (0.48, 0.65)},
        (Granules("eosin_granule", (650, 950), (0.038, 0.055), 0.60, 0.03),),
    ),
    "basophil": Morphology(
        (1.35, 1.75),
        Chromatin((0.65, 0.85), 0.20, 0.22, "smooth"),
        {"acid_pink": (0.4, 0.8), "azure_granule": (0.15, 0.35)},
        (Granules("azure_granule", (320, 540), (0.036, 0.060), 0.85, 0.85),),
        ripple=0.06,
        nucleus_warp=0.06,
    ),
    "immature_granulocyte": Morphology(
        (1.60, 2.15),
        Chromatin((0.78, 0.95), 0.10, 0.27, veins=0.44, nucleoli=(0, 1)),
        {"rna": (0.30, 0.65), "acid_pink": (0.50, 0.95)},
        (
            Granules("azure_granule", (120, 380), (0.02, 0.036), 0.42, 0.35),
            Granules("acid_pink", (100, 220), (0.02, 0.034), 0.5, 0.05),
        ),
        mottling=0.2,
    ),
    "erythroblast": Morphology(
        (1.05, 1.45),
        Chromatin((1.05, 1.30), 0.16, 0.27, veins=0.46),
        {"rna": (0.30, 0.85), "haemoglobin": (0.25, 0.75)},
        mottling=0.10,
        ripple=0.05,
    ),
    "blast": Morphology(
        (1.65, 2.20),
        Chromatin((0.70, 0.88), 0.06, 0.12, "smooth", veins=0.10, nucleoli=(1, 4)),
        {"rna": (0.70, 1.25), "acid_pink": (0.1, 0.3)},
        mottling=0.16,
        ripple=0.06,
    ),
    "smudge": Morphology(
        (1.70, 2.40),
        Chromatin((0.40, 0.60), 0.16, 0.30, "lacy", veins=0.3),
        {"acid_pink": (0.0, 0.12)},
        mottling=0.4,
        ripple=0.16,
        warp=0.14,
        nucleus_warp=0.12,
        aspect=(1.0, 1.35),
    ),
}
"""Every class that has a nucleus; the taxonomy's platelet is drawn by ``platelets``."""
