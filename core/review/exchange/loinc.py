"""LOINC codes of a manual differential and of red-cell morphology by light microscopy.

Source: LOINC 2.80, panels 24318-8 and 58408-6. Codes whose official name was not checked carry no
display; what has no code of its own is given in words only.
"""

from dataclasses import dataclass
from typing import Final

from core.review.reading.grades import PLATELETS
from core.site_classes import LOINC
from core.taxonomy import reader_class


@dataclass(frozen=True)
class Loinc:
    """A code, and its long common name where it is certain."""

    code: str
    display: str | None = None
    system: str = LOINC


MANUAL_DIFFERENTIAL: Final = Loinc("24318-8", "Manual Differential panel - Blood")

_BY_MANUAL_COUNT: Final = "{}/Leukocytes in Blood by Manual count"

DIFFERENTIAL: Final[dict[str, Loinc]] = {
    "neutrophil": Loinc("23761-0", _BY_MANUAL_COUNT.format("Neutrophils")),
    "segmented_neutrophil": Loinc("769-0", _BY_MANUAL_COUNT.format("Segmented neutrophils")),
    "band_neutrophil": Loinc("764-1", _BY_MANUAL_COUNT.format("Band form neutrophils")),
    "lymphocyte": Loinc("737-7", _BY_MANUAL_COUNT.format("Lymphocytes")),
    "monocyte": Loinc("744-3", _BY_MANUAL_COUNT.format("Monocytes")),
    "eosinophil": Loinc("714-6", _BY_MANUAL_COUNT.format("Eosinophils")),
    "basophil": Loinc("707-0", _BY_MANUAL_COUNT.format("Basophils")),
    "blast": Loinc("709-6", _BY_MANUAL_COUNT.format("Blasts")),
    # There is none for immature granulocytes together that names the manual method.
    "immature_granulocyte": Loinc("38518-7", "Immature granulocytes/Leukocytes in Blood"),
    "erythroblast": Loinc("19048-8"),
}
"""Share of a class of leukocytes in percent; nucleated red cells per 100 leukocytes."""


def share_code(label: str) -> Loinc | None:
    """The code of a class's share of the leukocytes; None for one that is given in words only.

    A class that only people tell brings its own, and a site's may be of another system.
    """
    known = reader_class(label)
    if known:
        return Loinc(known.code, system=known.code_system) if known.code else None
    return DIFFERENTIAL.get(label)


_SEEN: Final = "{} [Presence] in Blood by Light microscopy"

MORPHOLOGY: Final[dict[str, Loinc]] = {
    term: Loinc(code, _SEEN.format(name))
    for term, code, name in (
        ("anisocytosis", "702-1", "Anisocytosis"),
        ("macrocytes", "738-5", "Macrocytes"),
        ("oval_macrocytes", "10376-2", "Oval macrocytes"),
        ("microcytes", "741-9", "Microcytes"),
        ("hypochromic_cells", "728-6", "Hypochromia"),
        ("polychromasia", "10378-8", "Polychromasia"),
        ("acanthocytes", "7789-1", "Acanthocytes"),
        ("bite_cells", "10371-3", "Bite cells"),
        ("blister_cells", "10372-1", "Blister cells"),
        ("echinocytes", "7790-9", "Burr cells"),
        ("elliptocytes", "11274-8", "Elliptocytes"),
        ("irregularly_contracted_cells", "10375-4", "Irregularly contracted cells"),
        ("ovalocytes", "774-0", "Ovalocytes"),
        ("schistocytes", "800-3", "Schistocytes"),
        ("sickle_cells", "801-1", "Sickle cells"),
        ("spherocytes", "802-9", "Spherocytes"),
        ("stomatocytes", "10380-4", "Stomatocytes"),
        ("target_cells", "10381-2", "Target cells"),
        ("teardrop_cells", "7791-7", "Dacrocytes"),
        ("basophilic_stippling", "703-9", "Basophilic stippling"),
        ("howell_jolly_bodies", "7793-3", "Howell-Jolly bodies"),
        ("pappenheimer_bodies", "7795-8", "Pappenheimer bodies"),
    )
} | {PLATELETS: Loinc("9317-9", _SEEN.format("Platelet adequacy"))}
