"""What was verified: cells and fields of the last signed version of every case."""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from core.records import Box
from core.review.record.case_rows import CasePicture, pictures_in
from core.review.signature.signing import signature_of
from core.review.signature.snapshot_format import SnapshotCell, reviewed_label
from core.store.review_schema import signatures
from core.taxonomy import CellKind, training_class


@dataclass(frozen=True)
class VerifiedCell:
    """A cell as it was signed. ``label`` is the class of the models that a person gave it: a
    myelocyte's is ``immature_granulocyte``. It is None for red cells, platelets, unidentified cells
    and classes that no model has. ``named`` is what the person called it.

    ``corrected``: the machine had called it something else, or not found it.
    """

    id: int
    kind: CellKind
    box_xyxy_px: Box
    label: str | None
    proposed: str | None
    corrected: bool
    readers: tuple[str, ...]
    named: str | None = None


@dataclass(frozen=True)
class VerifiedField:
    """A field of a signed case. ``group`` is the same for all cases of one patient.

    ``boxes_looked_at``: a person confirmed its boxes or changed one; otherwise they are the
    program's own, and nothing could be learnt from them but its own mistakes.
    """

    case_id: int
    accession: str
    version: int
    group: str
    picture: CasePicture
    cells: tuple[VerifiedCell, ...]
    boxes_corrected: bool
    boxes_looked_at: bool


def verified_fields(connection: Connection) -> Iterator[VerifiedField]:
    """Every field of every signed case, by case and picture."""
    newest = (
        select(signatures.c.case_id, func.max(signatures.c.version).label("version"))
        .group_by(signatures.c.case_id)
        .subquery()
    )
    query = (
        select(signatures)
        .join(
            newest,
            (newest.c.case_id == signatures.c.case_id) & (newest.c.version == signatures.c.version),
        )
        .order_by(signatures.c.case_id)
    )
    group_of: dict[str, str] = {}
    for row in connection.execute(query).all():
        signature = signature_of(row._mapping)
        snapshot = signature.snapshot
        own = f"case-{signature.case_id}"
        # One patient's cases stand on one side of a split; without a pseudonym a case is its own.
        name = snapshot["case"]["pseudonym"]
        group = group_of.setdefault(name, own) if name else own
        pictures = {p.id: p for p in pictures_in(connection, signature.case_id)}
        for entry in snapshot["pictures"]:
            if entry["kind"] != "field" or not entry.get("included", True):
                continue
            rows = [c for c in snapshot["cells"] if c["picture_id"] == entry["id"]]
            drawn = any(one["deleted"] or one["place"] is None for one in rows)
            yield VerifiedField(
                signature.case_id,
                snapshot["case"]["accession"],
                signature.version,
                group,
                pictures[entry["id"]],
                tuple(_cell(one) for one in rows if not one["deleted"]),
                drawn,
                bool(entry.get("boxes_confirmed_by")) or bool(entry.get("boxes_changed", drawn)),
            )


def _cell(row: SnapshotCell) -> VerifiedCell:
    x0, y0, x1, y1 = row["box_xyxy_px"]
    label = reviewed_label(row)
    # What only people tell is learnt as the class of the models that it belongs to, unless the
    # site wants it learnt as its own.
    identified = None if label is None else training_class(label)
    return VerifiedCell(
        row["id"],
        row["kind"],
        (x0, y0, x1, y1),
        identified,
        row.get("proposed"),
        identified is not None and identified != row.get("proposed"),
        tuple(reader["reader"] for reader in row.get("readers", ())),
        label,
    )
