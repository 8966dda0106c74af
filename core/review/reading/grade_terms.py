"""What is graded in red cells and platelets, and what each grade means."""

from collections.abc import Mapping
from typing import Final

from core.slide.red_cells.terms import LIMITS_PERCENT

TERMS: Final[Mapping[str, tuple[str, str]]] = {
    term: (f"{moderate:g}-{many:g} %", f"> {many:g} %")
    for term, (moderate, many) in LIMITS_PERCENT.items()
}
"""Term -> share of red cells at grade 2 (moderate) and grade 3 (many), in words. Grade 1 is fewer;
of these only schistocytes (below 1 %) are reported at it."""

GRADES: Final = {0: "normal", 1: "few", 2: "moderate", 3: "many"}
PLATELETS: Final = "platelets"
PLATELET_WORDS: Final = ("decreased", "adequate", "increased", "clumped", "not_determined")
