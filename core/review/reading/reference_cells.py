"""Reference cells: what this laboratory verified of a class, beside what is taken for it.

They come from signed cases, cells that two readers called alike first, then those that the program
called the same; a case's own cells are never its reference.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from core.access.people import Person
from core.access.rights import require
from core.records import Box
from core.review.learning.harvest import verified_fields
from core.review.record.case_rows import CasePicture
from core.review.record.review_store import ReviewStore

LOOK_ALIKES: Final[Mapping[str, str]] = {
    "segmented_neutrophil": "band_neutrophil",
    "band_neutrophil": "metamyelocyte",
    "metamyelocyte": "band_neutrophil",
    "myelocyte": "promyelocyte",
    "promyelocyte": "blast",
    "immature_granulocyte": "band_neutrophil",
    "blast": "lymphocyte",
    "lymphocyte": "blast",
    "reactive_lymphocyte": "monocyte",
    "monocyte": "reactive_lymphocyte",
    "promonocyte": "monocyte",
    "plasma_cell": "reactive_lymphocyte",
    "hairy_cell": "lymphocyte",
    "erythroblast": "lymphocyte",
    "eosinophil": "segmented_neutrophil",
    "basophil": "smudge",
    "smudge": "lymphocyte",
    "platelet": "smudge",
}
"""Class -> the class that it is most often taken for. Source: Palmer et al. 2015 (ICSH)."""


@dataclass(frozen=True)
class ReferenceCell:
    """A verified cell of a signed case."""

    accession: str
    picture: CasePicture
    box_xyxy_px: Box
    label: str
    readers: int


def reference_cells(
    store: ReviewStore, person: Person, label: str, *, without_case: int, most: int = 6
) -> list[ReferenceCell]:
    """Verified cells of a class, the surest first, from as many cases as there are.

    Args:
        store: the database and its folder.
        person: who asks.
        label: what people called the cells, which may be a class that no model knows.
        without_case: the case that is being read.
        most: how many.

    Raises:
        NotAllowed: without the right to read.
    """
    require(person, "read")
    found: list[tuple[bool, ReferenceCell]] = []
    with store.database.read() as connection:
        for field in verified_fields(connection):
            if field.case_id == without_case:
                continue
            for cell in field.cells:
                if cell.named == label:
                    one = ReferenceCell(
                        field.accession, field.picture, cell.box_xyxy_px, label, len(cell.readers)
                    )
                    found.append((cell.corrected, one))
    found.sort(key=lambda pair: (-pair[1].readers, pair[0]))
    # One of each case before a second of any: six cells of one smear show one stain.
    turns: dict[str, int] = {}
    order: list[tuple[int, int, ReferenceCell]] = []
    for place, (_, one) in enumerate(found):
        turns[one.accession] = turns.get(one.accession, 0) + 1
        order.append((turns[one.accession], place, one))
    return [one for _, _, one in sorted(order, key=lambda row: row[:2])[:most]]
