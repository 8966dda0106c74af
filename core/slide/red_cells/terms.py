"""Which graded finding a shape belongs to, its limits, and the key a reader types for it."""

from collections.abc import Mapping
from typing import Final

LIMITS_PERCENT: Final[Mapping[str, tuple[float, float]]] = {
    "anisocytosis": (11, 20),
    "macrocytes": (11, 20),
    "oval_macrocytes": (2, 5),
    "microcytes": (11, 20),
    "hypochromic_cells": (11, 20),
    "polychromasia": (5, 20),
    "acanthocytes": (5, 20),
    "bite_cells": (1, 2),
    "blister_cells": (1, 2),
    "echinocytes": (5, 20),
    "elliptocytes": (5, 20),
    "irregularly_contracted_cells": (1, 2),
    "ovalocytes": (5, 20),
    "schistocytes": (1, 2),
    "sickle_cells": (1, 2),
    "spherocytes": (5, 20),
    "stomatocytes": (5, 20),
    "target_cells": (5, 20),
    "teardrop_cells": (5, 20),
    "basophilic_stippling": (5, 20),
    "howell_jolly_bodies": (2, 3),
    "pappenheimer_bodies": (2, 3),
}
"""Term -> percent of red cells from which on it is grade 2, and above which it is grade 3.

Source: Palmer et al. 2015, ICSH recommendations for the standardization of nomenclature and grading
of peripheral blood cell morphological features, table of grades.
"""

SCHISTOCYTES: Final = "schistocytes"
"""The only finding that is graded below grade 2, and counted per 1,000 red cells.

Source: the same table; Zini et al. 2012, ICSH recommendations for schistocytes: at least 1,000 red
cells, and 1 % is the limit from which on they matter.
"""

TERM_OF: Final[Mapping[str, str]] = {
    "macrocyte": "macrocytes",
    "microcyte": "microcytes",
    "spherocyte": "spherocytes",
    "target_cell": "target_cells",
    "stomatocyte": "stomatocytes",
    "ovalocyte": "ovalocytes",
    "elliptocyte": "elliptocytes",
    "teardrop": "teardrop_cells",
    "burr_cell": "echinocytes",
    "schistocyte": SCHISTOCYTES,
    "hypochromic": "hypochromic_cells",
}
"""Shape -> the finding it is graded under; a normal cell has none."""

SHAPE_OF: Final[Mapping[str, str]] = {term: shape for shape, term in TERM_OF.items()}

TITLES: Final[Mapping[str, str]] = {
    "normal": "Normal",
    "macrocyte": "Macrocyte",
    "microcyte": "Microcyte",
    "spherocyte": "Spherocyte",
    "target_cell": "Target cell",
    "stomatocyte": "Stomatocyte",
    "ovalocyte": "Ovalocyte",
    "elliptocyte": "Elliptocyte",
    "teardrop": "Teardrop cell",
    "burr_cell": "Burr cell",
    "schistocyte": "Schistocyte",
    "hypochromic": "Hypochromic cell",
}
"""Shape -> its name on screens and paper."""

NO_SHAPE: Final = "not_judged"
"""What a reader says of a cell whose shape cannot be told: it counts in no share."""

KEYS: Final[Mapping[str, str]] = {
    "normal": "N",
    "macrocyte": "M",
    "microcyte": "I",
    "spherocyte": "S",
    "target_cell": "T",
    "stomatocyte": "O",
    "ovalocyte": "V",
    "elliptocyte": "E",
    "teardrop": "D",
    "burr_cell": "B",
    "schistocyte": "F",
    "hypochromic": "H",
    NO_SHAPE: "X",
}
"""Shape -> the key that a reader types: D as in dacrocyte, F as in fragment."""

REASONS: Final[Mapping[str, str]] = {
    "overlapped": "overlapped by another cell",
    "cut_by_border": "cut by the border of the field",
    "unclear": "without a shape that is sure enough",
    "by_reader": "that a reader could not tell",
    "readers_differ": "in which the two readers differ",
    "not_asked": "not put before the model",
}
"""Why a red cell counts in no share, in words."""


def title_of(shape: str) -> str:
    """``Target cell``; ``Not judged`` for :data:`NO_SHAPE`."""
    return TITLES.get(shape, "Not judged")
