"""The differential the machine proposes beside the one that a person verified."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from core.access.people import Person
from core.access.rights import require
from core.review.reading.cells import ReviewCell, cells_in
from core.review.record import readings
from core.review.record.case_rows import Case, case_in
from core.review.record.review_store import ReviewStore
from core.slide import judgement
from core.slide.differential import Differential, of_labels
from core.store.review_schema import signatures
from core.taxonomy import KINDS, UNIDENTIFIED, WBC_CLASSES, CellKind, parent_of


@dataclass(frozen=True)
class Difference:
    """One class: its share before and after, in [0, 1]."""

    label: str
    proposed: float
    verified: float

    @property
    def change(self) -> float:
        return self.verified - self.proposed


@dataclass(frozen=True)
class Verified:
    """Where a case stands.

    ``proposed`` rests on every white cell the machine called, ``verified`` on those reviewed and
    identified. ``changed`` counts the reviewed cells whose class is not the machine's, nor a part
    of it that no model tells; blind ones are left out until the case is signed, so that the count
    does not give their answer away.
    """

    proposed: Differential
    verified: Differential
    differences: tuple[Difference, ...]
    white_cells: int
    reviewed: int
    unidentified: int
    changed: int
    differing: int


def verified(store: ReviewStore, person: Person, case_id: int) -> Verified:
    """Both differentials of a case, as this person may see them. Raises NotAllowed, CaseRefused."""
    require(person, "read")
    with store.database.read() as connection:
        case = case_in(connection, case_id)
        reading = readings.seen_by(connection, case, person)
        return verified_in(connection, case, reading)


def verified_in(connection: Connection, case: Case, reading: int) -> Verified:
    """Like :func:`verified`, within a transaction."""
    cells = cells_in(connection, case, reading, unveiled=True)
    released = case.is_closed and _is_released(connection, case)
    return of_cells(cells, blind_shown=case.is_closed, released=released)


def _is_released(connection: Connection, case: Case) -> bool:
    query = select(signatures.c.snapshot).where(
        signatures.c.case_id == case.id, signatures.c.version == case.version
    )
    text = connection.execute(query).scalar()
    return text is not None and "released" in json.loads(text)


def of_cells(
    cells: Sequence[ReviewCell], *, blind_shown: bool = True, released: bool = False
) -> Verified:
    """Both differentials of unveiled cells (``cells_in(unveiled=True)``) of fields that count.

    ``released``: signed under a release rule. Then the program's class stands where nobody named
    the cell, and ``reviewed`` still counts only what people named.
    """
    white = [
        cell
        for cell in cells
        if cell.kind == "wbc" and not cell.deleted and cell.included and cell.asked
    ]
    calls = [cell.call for cell in white if cell.call is not None]
    known = {name for call in calls for name in call.probabilities}
    # What was only pre-classified is verified by nobody yet.
    labels = [cell.label for cell in white if cell.label is not None and cell.is_reviewed]
    identified = [label for label in labels if label != UNIDENTIFIED]
    proposed = of_labels(
        (call.label for call in calls),
        known or set(WBC_CLASSES),
        sum(judgement.call_is_doubtful(call) for call in calls),
    )
    stands = identified
    if released:
        named = (cell.label or (cell.call.label if cell.call else None) for cell in white)
        stands = [name for name in named if name not in (None, UNIDENTIFIED)]
    # A person can tell every class, so every class is determined.
    after = of_labels(stands, known | set(WBC_CLASSES), len(labels) - len(identified))
    before = {row.label: row.share for row in proposed.rows}
    return Verified(
        proposed=proposed,
        verified=after,
        differences=tuple(
            Difference(row.label, before.get(row.label, 0.0), row.share) for row in after.rows
        ),
        white_cells=len(white),
        reviewed=len(labels),
        unidentified=len(labels) - len(identified),
        changed=sum(
            cell.call is not None
            and cell.label is not None
            and cell.call.label not in (cell.label, parent_of(cell.label))
            for cell in white
            if blind_shown or not cell.in_blind_sample
        ),
        differing=sum(cell.differs and cell.label is None for cell in white),
    )


def counts(cells: Iterable[ReviewCell]) -> dict[CellKind, int]:
    """Cells of each kind; those taken away, and those of fields left out, do not count."""
    found = Counter(cell.kind for cell in cells if not cell.deleted and cell.included)
    return {kind: found[kind] for kind in KINDS}
