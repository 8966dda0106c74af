"""The cells and fields of signed cases, as their signatures have them: what agreement rests on."""

import json
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from core.access.people import Person
from core.access.rights import require
from core.records import Box, SmearFinding
from core.review.record import stored_finding
from core.review.record.readings import SETTLING
from core.review.record.review_store import ReviewStore
from core.review.signature.snapshot_format import (
    Snapshot,
    SnapshotCell,
    SnapshotPicture,
    reviewed_label,
)
from core.store.review_schema import answers, case_pictures, signatures
from core.taxonomy import KINDS, CellKind


@dataclass(frozen=True)
class SignedCell:
    """One white cell of a signed case with all answers given to it."""

    case_id: int
    picture_id: int
    cell_id: int
    box_xyxy_px: Box
    verified: str | None
    proposed: str | None
    probability: float | None
    abstained: bool
    blind: bool
    model: str
    readers: dict[str, str]


@dataclass(frozen=True)
class SignedField:
    """One field of a signed case: cells counted by the program and after a person's corrections.

    ``looked_at``: a person confirmed its boxes or changed one. Otherwise both counts are the
    program's own, and agree with themselves.
    """

    case_id: int
    picture_id: int
    sha256: str
    rbc_diameter_px: float | None
    model: str
    counted: dict[CellKind, float]
    verified: dict[CellKind, int]
    looked_at: bool


@dataclass(frozen=True)
class SignedCases:
    """The last signed version of every case signed in a period."""

    accessions: dict[int, str]
    cells: tuple[SignedCell, ...]
    fields: tuple[SignedField, ...]
    names: dict[str, str]


def signed_cases(
    store: ReviewStore,
    person: Person,
    since: datetime | None = None,
    until: datetime | None = None,
) -> SignedCases:
    """Cases signed from ``since`` until before ``until``. Raises NotAllowed."""
    require(person, "read")
    query = select(signatures).order_by(signatures.c.case_id, signatures.c.version)
    if since is not None:
        query = query.where(signatures.c.signed_at >= since)
    if until is not None:
        query = query.where(signatures.c.signed_at < until)
    with store.database.read() as connection:
        # By version, so that the last one signed in the period stays.
        last: dict[int, Snapshot] = {
            row.case_id: json.loads(row.snapshot) for row in connection.execute(query)
        }
        findings = {
            row.id: stored_finding.from_text(row.finding)
            for row in connection.execute(
                select(case_pictures.c.id, case_pictures.c.finding).where(
                    case_pictures.c.kind == "field", case_pictures.c.case_id.in_(list(last))
                )
            )
        }
        who = select(answers.c.reader, answers.c.reader_name).distinct()
        names = {row.reader: row.reader_name for row in connection.execute(who)}
    cells: list[SignedCell] = []
    fields: list[SignedField] = []
    for case_id, snapshot in last.items():
        included = {p["id"]: p for p in snapshot["pictures"] if p.get("included", True)}
        # Versions signed before this was recorded: a box was drawn or removed.
        drawn = {c["picture_id"] for c in snapshot["cells"] if c["deleted"] or c["place"] is None}
        fields += [
            _field(case_id, picture, findings[picture["id"]], picture["id"] in drawn)
            for picture in included.values()
            if picture["kind"] == "field"
        ]
        cells += [
            _cell(case_id, row, included[row["picture_id"]]["models"].get("wbc", ""))
            for row in snapshot["cells"]
            if row["kind"] == "wbc" and not row["deleted"] and row["picture_id"] in included
        ]
    accessions = {case_id: snapshot["case"]["accession"] for case_id, snapshot in last.items()}
    return SignedCases(accessions, tuple(cells), tuple(fields), names)


def _field(
    case_id: int, picture: SnapshotPicture, finding: SmearFinding, drawn: bool
) -> SignedField:
    return SignedField(
        case_id=case_id,
        picture_id=picture["id"],
        sha256=picture["sha256"],
        rbc_diameter_px=finding.rbc_diameter_px,
        model=picture["models"].get("locator", ""),
        counted={kind: finding.counts.of(kind).value for kind in KINDS},
        verified={kind: picture["counts"].get(kind, 0) for kind in KINDS},
        looked_at=bool(picture.get("boxes_confirmed_by")) or picture.get("boxes_changed", drawn),
    )


def _cell(case_id: int, row: SnapshotCell, model: str) -> SignedCell:
    x0, y0, x1, y1 = row["box_xyxy_px"]
    return SignedCell(
        case_id=case_id,
        picture_id=row["picture_id"],
        cell_id=row["id"],
        box_xyxy_px=(x0, y0, x1, y1),
        verified=reviewed_label(row),
        proposed=row["proposed"],
        probability=row["probability"],
        abstained=row["abstained"],
        blind=row["blind"],
        model=model,
        # Settling is the common answer, not the reader's own.
        readers={
            answer["reader"]: answer["label"]
            for answer in reversed(row["readers"])
            if answer["label"] is not None and answer["reading"] != SETTLING
        },
    )
