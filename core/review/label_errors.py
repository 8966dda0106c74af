"""Labels to look at a second time: where a cell's nearest neighbours agree on another class."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from core.review.cell_features import Array, SeenCell, look
from core.review.desk import Desk
from core.review.harvest import verified_fields
from core.review.people import Person
from core.review.rights import require_any

NEIGHBOURS: Final = 10
CONFIDENT: Final = 0.8
"""Share of the neighbours that must agree on another class."""


@dataclass(frozen=True)
class Suspect:
    """A verified cell whose neighbours are ``neighbours_label`` in the share ``agreement``."""

    case_id: int
    cell_id: int
    label: str
    neighbours_label: str
    agreement: float


def suspected(desk: Desk, person: Person, *, limit: int = 200) -> list[Suspect]:
    """Verified cells for a second look, the most certain first.

    Raises:
        NotAllowed: without the right to train or review.
        PictureLost, WeightsRefused.
    """
    require_any(person, "train", "review")
    with desk.database.read() as connection:
        cells, cases = [], []
        for field in verified_fields(connection):
            for cell in field.cells:
                if cell.kind == "wbc" and cell.label is not None:
                    cells.append(SeenCell(cell.id, field.picture, cell.box_xyxy_px, cell.label))
                    cases.append(field.case_id)
    if len(cells) <= NEIGHBOURS:
        return []
    labels = [str(cell.label) for cell in cells]
    found = [
        Suspect(cases[i], cells[i].cell_id, labels[i], other, share)
        for i, other, share in disagreeing(look(desk, cells).features, labels)
    ]
    return sorted(found, key=lambda one: -one.agreement)[:limit]


def disagreeing(
    features: Array, labels: Sequence[str], neighbours: int = NEIGHBOURS
) -> list[tuple[int, str, float]]:
    """Index, other class and its share, of items whose neighbours agree on another class.

    Args:
        features: ``(N, width)``, rows of length 1.
        labels: class of each.
        neighbours: how many nearest others are asked, by cosine.
    """
    if len(labels) <= neighbours:
        return []
    found = []
    block = 2048
    for start in range(0, len(labels), block):
        likeness = features[start : start + block] @ features.T
        rows = np.arange(len(likeness))
        likeness[rows, rows + start] = -np.inf
        nearest = np.argpartition(-likeness, neighbours - 1, axis=1)[:, :neighbours]
        for row, indices in enumerate(nearest):
            counted = Counter(labels[i] for i in indices)
            other, votes = counted.most_common(1)[0]
            own = labels[start + row]
            if other != own and votes / neighbours >= CONFIDENT:
                found.append((start + row, other, votes / neighbours))
    return found
