"""What is seen in a smear and is no class of cell: inclusions, granules, parasites, clumps.

Each is a yes with the cell or the field that shows it. How many red cells have one is a grade
(:mod:`core.review.reading.grade_terms`); this is where it was seen.
"""

from dataclasses import dataclass
from typing import Final, Literal

Place = Literal["cell", "field"]


@dataclass(frozen=True)
class Abnormality:
    """One thing to be seen. ``place``: whether it is said of a white cell or of a field.

    ``key`` is the letter after F at the review desk. ``critical``: a person must see the case
    before anything else. ``loinc`` is its code as present or absent by light microscopy; it may be
    empty.
    """

    term: str
    title: str
    key: str
    place: Place
    critical: bool = False
    loinc: str = ""


ABNORMALITIES: Final[tuple[Abnormality, ...]] = (
    Abnormality("auer_rods", "Auer rods", "A", "cell", critical=True, loinc="11281-3"),
    Abnormality("toxic_granulation", "Toxic granulation", "T", "cell", loinc="803-7"),
    Abnormality("vacuoles", "Vacuoles", "V", "cell", loinc="18319-4"),
    Abnormality("doehle_bodies", "Döhle bodies", "D", "cell", loinc="7792-5"),
    Abnormality("hypersegmentation", "Hypersegmentation", "H", "cell", loinc="765-8"),
    Abnormality("parasites", "Parasites", "P", "field", critical=True),
    Abnormality("giant_platelets", "Giant platelets", "G", "field", loinc="5908-9"),
    Abnormality("platelet_clumps", "Platelet clumps", "C", "field", loinc="7796-6"),
    Abnormality("howell_jolly_bodies", "Howell-Jolly bodies", "J", "field"),
    Abnormality("basophilic_stippling", "Basophilic stippling", "B", "field"),
    Abnormality("pappenheimer_bodies", "Pappenheimer bodies", "I", "field"),
)
"""The critical ones first. Source of the terms: Palmer et al. 2015 (ICSH)."""

_NAMES: Final = ("Auer", "Döhle", "Howell", "Pappenheimer")


def in_text(title: str) -> str:
    """A title as it stands inside a sentence: small letters, but for the names of persons."""
    return title if title.startswith(_NAMES) else title[0].lower() + title[1:]


_BY_TERM: Final = {one.term: one for one in ABNORMALITIES}


def abnormality(term: str) -> Abnormality | None:
    """One by its term; None for a term that is none."""
    return _BY_TERM.get(term)
