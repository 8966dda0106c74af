"""Labels to look at a second time: where a cell's nearest neighbours agree on another class."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from sqlalchemy import select

from core.access.people import Person
from core.access.rights import require, require_any
from core.records import Box
from core.review.learning.cell_features import Array, SeenCell, look
from core.review.learning.harvest import verified_fields
from core.review.record.case_rows import CasePicture
from core.review.record.errors import CaseRefused
from core.review.record.ledger import recording
from core.review.record.review_store import ReviewStore
from core.store import review_schema as schema

NEIGHBOURS: Final = 10
CONFIDENT: Final = 0.8
"""Share of the neighbours that must agree on another class."""


@dataclass(frozen=True)
class Suspect:
    """A verified cell whose neighbours are ``neighbours_label`` in the share ``agreement``."""

    case_id: int
    accession: str
    cell_id: int
    picture: CasePicture
    box_xyxy_px: Box
    label: str
    neighbours_label: str
    agreement: float


def confirm(store: ReviewStore, person: Person, case_id: int, cell_id: int, label: str) -> None:
    """Say that a verified label is right; the cell is not suspected under it any more.

    Raises:
        NotAllowed: without the right to review.
        CaseRefused: if this cell was not signed with this label.
    """
    require(person, "review")
    table = schema.confirmed_labels
    with recording(store, person, "confirm_label", case_id=case_id) as book:
        fields = [f for f in verified_fields(book.connection) if f.case_id == case_id]
        if not any(c.id == cell_id and c.label == label for f in fields for c in f.cells):
            raise CaseRefused(f"cell {cell_id} was not signed as {label}; look at it again")
        same = (table.c.cell_id == cell_id) & (table.c.label == label)
        if book.connection.execute(select(table.c.id).where(same)).first() is not None:
            return
        book.detail = f"cell {cell_id}: {label}"
        row = {"case_id": case_id, "cell_id": cell_id, "label": label}
        who = {"reader": person.subject, "reader_name": person.name, "confirmed_at": book.now}
        book.insert(table, {**row, **who})


def suspected(store: ReviewStore, person: Person, *, limit: int = 200) -> list[Suspect]:
    """Verified cells for a second look, the most certain first; none that were confirmed.

    Raises:
        NotAllowed: without the right to train or review.
        PictureLost, WeightsRefused.
    """
    require_any(person, "train", "review")
    with store.database.read() as connection:
        right = select(schema.confirmed_labels.c.cell_id, schema.confirmed_labels.c.label)
        confirmed = {(row.cell_id, row.label) for row in connection.execute(right)}
        cells, cases = [], []
        for field in verified_fields(connection):
            for cell in field.cells:
                if cell.kind == "wbc" and cell.label is not None:
                    cells.append(SeenCell(cell.id, field.picture, cell.box_xyxy_px, cell.label))
                    cases.append((field.case_id, field.accession))
    if len(cells) <= NEIGHBOURS:
        return []
    labels = [str(cell.label) for cell in cells]
    found = [
        Suspect(
            *cases[i],
            cells[i].cell_id,
            cells[i].picture,
            cells[i].box_xyxy_px,
            labels[i],
            other,
            share,
        )
        for i, other, share in disagreeing(look(store, cells).features, labels)
        if (cells[i].cell_id, labels[i]) not in confirmed
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
