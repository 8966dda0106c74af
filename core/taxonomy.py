"""Cell kinds and white-cell classes: names, hierarchy, which ones are critical.

The class names are the command line's JSON vocabulary; other programs rely on them.
"""

from typing import Final, Literal, get_args

CellKind = Literal["rbc", "wbc", "platelet"]
KINDS: Final[tuple[CellKind, ...]] = get_args(CellKind)

WBC_CLASSES: Final[tuple[str, ...]] = (
    "segmented_neutrophil",
    "band_neutrophil",
    "lymphocyte",
    "monocyte",
    "eosinophil",
    "basophil",
    "immature_granulocyte",
    "erythroblast",
    "blast",
    "platelet",
    "smudge",
)

PARENTS: Final[dict[str, str]] = {
    "segmented_neutrophil": "neutrophil",
    "band_neutrophil": "neutrophil",
    "immature_granulocyte": "granulocyte_precursor",
}
"""Class -> parent reported where the children cannot be told apart."""

CRITICAL_CLASSES: Final[frozenset[str]] = frozenset({"blast", "immature_granulocyte"})
"""Classes a person must see before anything else; the finding carries a flag for them."""

CRITICAL_FLAG: Final = "critical_cell"
"""Code of the flag by which a call or a field is critical."""

LEFT_OUT_FLAGS: Final[tuple[str, ...]] = ("not_a_smear",)
"""Codes of the flags whose fields do not count unless a person takes them in."""

WITHOUT_CLASS_FLAGS: Final[tuple[str, ...]] = ("novel_cell", "cell_not_found")
"""Codes of the flags of white-cell calls that name no class for sure, whatever their limits."""

SYNTHETIC_FLAG: Final = "synthetic_field"
"""Code of the flag of a field that the program drew: it belongs to no patient."""

UNIDENTIFIED: Final = "unidentified"
"""What a reader calls a white cell that cannot be told; not a class of any model."""

NOT_LEUKOCYTES: Final[frozenset[str]] = frozenset({"erythroblast", "platelet", "smudge"})
"""Classes a white-cell box may turn out to hold that do not count in the differential."""

_TITLES: Final[dict[str, str]] = {
    "rbc": "Red cells",
    "wbc": "White cells",
    "erythroblast": "Nucleated red cell",
    "smudge": "Smudge cell",
    "granulocyte_precursor": "Granulocyte precursor",
}


def parent_of(label: str) -> str:
    """Class one level up; a class without a parent is its own."""
    return PARENTS.get(label, label)


def title(label: str) -> str:
    """Words for the screen, sentence case: ``band_neutrophil`` -> ``Band neutrophil``."""
    return _TITLES.get(label, label.replace("_", " ").capitalize())
