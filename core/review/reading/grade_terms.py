"""What is graded in red cells and platelets, and what each grade means."""

from collections.abc import Mapping
from typing import Final

TERMS: Final[Mapping[str, tuple[str, str]]] = {
    "anisocytosis": ("11-20 %", "> 20 %"),
    "macrocytes": ("11-20 %", "> 20 %"),
    "oval_macrocytes": ("2-5 %", "> 5 %"),
    "microcytes": ("11-20 %", "> 20 %"),
    "hypochromic_cells": ("11-20 %", "> 20 %"),
    "polychromasia": ("5-20 %", "> 20 %"),
    "acanthocytes": ("5-20 %", "> 20 %"),
    "bite_cells": ("1-2 %", "> 2 %"),
    "blister_cells": ("1-2 %", "> 2 %"),
    "echinocytes": ("5-20 %", "> 20 %"),
    "elliptocytes": ("5-20 %", "> 20 %"),
    "irregularly_contracted_cells": ("1-2 %", "> 2 %"),
    "ovalocytes": ("5-20 %", "> 20 %"),
    "schistocytes": ("1-2 %", "> 2 %"),
    "sickle_cells": ("1-2 %", "> 2 %"),
    "spherocytes": ("5-20 %", "> 20 %"),
    "stomatocytes": ("5-20 %", "> 20 %"),
    "target_cells": ("5-20 %", "> 20 %"),
    "teardrop_cells": ("5-20 %", "> 20 %"),
    "basophilic_stippling": ("5-20 %", "> 20 %"),
    "howell_jolly_bodies": ("2-3 %", "> 3 %"),
    "pappenheimer_bodies": ("2-3 %", "> 3 %"),
}
"""Term -> share of red cells at grade 2 (moderate) and grade 3 (many). Grade 1 is fewer; of these
only schistocytes (below 1 %) are reported at it.

Source: Palmer et al. 2015, ICSH recommendations for the nomenclature and grading of peripheral
blood cell morphological features, table of grades.
"""

GRADES: Final = {0: "normal", 1: "few", 2: "moderate", 3: "many"}
PLATELETS: Final = "platelets"
PLATELET_WORDS: Final = ("decreased", "adequate", "increased", "clumped", "not_determined")
