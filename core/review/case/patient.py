"""The cases of one patient side by side: what changed from one to the next, and is it chance.

Cases belong together by their pseudonym. Only signed differentials are compared: the last signed
version of each case, as it was signed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import numpy as np
import scipy
from sqlalchemy import Connection, select

from core.access.people import Person
from core.access.rights import require
from core.review.record.case_rows import Case, case_in
from core.review.record.review_store import ReviewStore
from core.review.signature.signing import signature_of
from core.store.review_schema import cases, signatures
from core.taxonomy import CellKind, answer_labels

_KINDS: Final[tuple[CellKind, ...]] = ("rbc", "wbc", "platelet")
SIGNIFICANT = 0.05
"""A difference that chance alone makes less often is said to exceed chance."""


@dataclass(frozen=True)
class SmearOfPatient:
    """A signed smear: cells of each row of its differential, out of ``leukocytes``.

    ``per_field`` are red cells, white cells and platelets, mean of the fields that count;
    ``in_fields`` the same in each of these fields.
    """

    case_id: int
    accession: str
    received_at: datetime
    signed_at: datetime
    leukocytes: int
    cells: dict[str, int]
    per_field: dict[str, float]
    in_fields: dict[str, tuple[int, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Delta:
    """One class in two smears, the earlier first: cells, share, and the change in points.

    ``p`` is the two-sided probability (Fisher's exact test) of a difference this large by chance
    between two counts of the same blood. None where a smear has no leukocytes.
    """

    label: str
    before: int
    of_before: int
    after: int
    of_after: int
    p: float | None

    @property
    def points(self) -> float | None:
        """Percentage points from the earlier to the later."""
        if not self.of_before or not self.of_after:
            return None
        return 100 * (self.after / self.of_after - self.before / self.of_before)

    @property
    def exceeds_chance(self) -> bool:
        return self.p is not None and self.p < SIGNIFICANT


@dataclass(frozen=True)
class CountChange:
    """Cells of a kind per field in two smears, the earlier first.

    ``p`` is the two-sided probability of a difference this large between fields of one smear
    (Welch's test with the fields as units, since fields of one smear differ by more than Poisson's
    law has it). None where a smear has fewer than two fields or all fields of both are alike.
    """

    kind: CellKind
    before: float
    after: float
    p: float | None

    @property
    def exceeds_chance(self) -> bool:
        return self.p is not None and self.p < SIGNIFICANT


def smears_of_patient(store: ReviewStore, person: Person, case_id: int) -> list[SmearOfPatient]:
    """Signed smears of the patient of a case, oldest first, this case's own among them.

    Empty for a case without a pseudonym: nobody knows what belongs to it.

    Raises:
        NotAllowed: without the right to read.
        CaseRefused: if there is no such case.
    """
    require(person, "read")
    with store.database.read() as connection:
        case = case_in(connection, case_id)
        if not case.pseudonym:
            return []
        return _signed(connection, case.pseudonym)


def previous_smear(
    connection: Connection, case: Case, before: datetime | None = None
) -> SmearOfPatient | None:
    """The smear of another case of this patient that was signed last; None where there is none.

    ``before`` the moment of a signature, so that a signed report says the same for good; None: now.
    """
    if not case.pseudonym:
        return None
    found = [one for one in _signed(connection, case.pseudonym, before) if one.case_id != case.id]
    return max(found, key=lambda one: (one.signed_at, one.case_id), default=None)


def _signed(
    connection: Connection, pseudonym: str, before: datetime | None = None
) -> list[SmearOfPatient]:
    query = (
        select(signatures)
        .join(cases, cases.c.id == signatures.c.case_id)
        .where(cases.c.pseudonym == pseudonym, cases.c.cancelled_at.is_(None))
        .order_by(signatures.c.case_id, signatures.c.version)
    )
    if before is not None:
        query = query.where(signatures.c.signed_at < before)
    last = {row.case_id: signature_of(row._mapping) for row in connection.execute(query)}
    found = []
    for case_id, signature in last.items():
        snapshot = signature.snapshot
        if snapshot["case"]["pseudonym"] != pseudonym:
            continue  # it was signed under another one
        fields = [
            picture["counts"]
            for picture in snapshot["pictures"]
            if picture["kind"] == "field" and picture.get("included", True)
        ]
        if not fields:
            continue
        counted = snapshot["verified"]
        found.append(
            SmearOfPatient(
                case_id=case_id,
                accession=snapshot["case"]["accession"],
                received_at=case_in(connection, case_id).created_at,
                signed_at=signature.signed_at,
                leukocytes=counted["leukocytes"],
                cells={row["label"]: row["cells"] for row in counted["rows"]},
                per_field={
                    kind: sum(counts[kind] for counts in fields) / len(fields) for kind in _KINDS
                },
                in_fields={kind: tuple(counts[kind] for counts in fields) for kind in _KINDS},
            )
        )
    return sorted(found, key=lambda one: (one.received_at, one.case_id))


def deltas(before: SmearOfPatient, after: SmearOfPatient) -> list[Delta]:
    """Each class of either smear: what changed, and whether that exceeds chance.

    Source: Fisher's exact test of two counts; Rümke 1979 on two counts of one smear.
    """
    labels = [
        label
        for label in ("neutrophil", *answer_labels())
        if label in before.cells or label in after.cells
    ]
    labels += sorted((before.cells.keys() | after.cells.keys()) - {*labels})
    return [_delta(label, before, after) for label in labels]


def _delta(label: str, before: SmearOfPatient, after: SmearOfPatient) -> Delta:
    one, two = before.cells.get(label, 0), after.cells.get(label, 0)
    n, m = before.leukocytes, after.leukocytes
    p = None
    if n and m:
        p = float(scipy.stats.fisher_exact(np.array([[one, n - one], [two, m - two]])).pvalue)
    return Delta(label, one, n, two, m, p)


def count_changes(before: SmearOfPatient, after: SmearOfPatient) -> list[CountChange]:
    """Cells of each kind per field: what changed, and whether that exceeds chance.

    Fields of different thickness differ too; nothing here tells that from the patient's blood.

    Source: Welch 1947.
    """
    return [
        CountChange(
            kind, before.per_field[kind], after.per_field[kind], _welch(kind, before, after)
        )
        for kind in _KINDS
        if kind in before.per_field and kind in after.per_field
    ]


def _welch(kind: CellKind, before: SmearOfPatient, after: SmearOfPatient) -> float | None:
    one, two = before.in_fields.get(kind, ()), after.in_fields.get(kind, ())
    if min(len(one), len(two)) < 2 or (len(set(one)) == 1 and len(set(two)) == 1):
        return None
    return float(scipy.stats.ttest_ind(one, two, equal_var=False).pvalue)


def exceeding(found: Sequence[Delta]) -> list[Delta]:
    """The changes that exceed chance, the least likely first."""
    return sorted((one for one in found if one.exceeds_chance), key=lambda one: one.p or 0.0)
