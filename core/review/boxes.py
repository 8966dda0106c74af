"""Correcting what was located: add, take away, move a box, change its kind."""

from typing import Any

from sqlalchemy import select

from core.records import Box
from core.review import readings
from core.review.cases import begun, open_case, picture_in
from core.review.cells import ReviewCell, cells_in
from core.review.desk import Desk
from core.review.errors import CaseRefused, Conflict, StaleEdit
from core.review.ledger import Recording, recording
from core.review.people import Person
from core.review.rights import require
from core.store.review_schema import case_cells
from core.taxonomy import KINDS, CellKind

_LEAST_PX = 2.0


def add_box(
    desk: Desk, person: Person, case_id: int, picture_id: int, kind: CellKind, box_xyxy_px: Box
) -> ReviewCell:
    """Add a cell that was missed. ``box_xyxy_px`` is in pixels of the stored picture.

    Raises:
        NotAllowed: without the right to review.
        CaseRefused: for a signed case, or a box that is not within the picture.
    """
    require(person, "review")
    with recording(desk, person, "add_box", case_id=case_id, detail=kind) as book:
        case = open_case(book.connection, case_id)
        reading = readings.writable_by(book.connection, case, person)
        x0, y0, x1, y1 = _within(book, case_id, picture_id, box_xyxy_px)
        _known_kind(kind)
        begun(book, case)
        number = book.insert(
            case_cells,
            {
                "case_id": case_id,
                "picture_id": picture_id,
                "kind": kind,
                "x0_px": x0,
                "y0_px": y0,
                "x1_px": x1,
                "y1_px": y1,
                "abstained": False,
                "novel": False,
                "blind": False,
                "deleted": False,
                "revision": 1,
            },
        )
        return cells_in(book.connection, case, reading, kind=None, only=[number])[0]


def change_box(
    desk: Desk,
    person: Person,
    case_id: int,
    cell_id: int,
    revision: int,
    *,
    box_xyxy_px: Box | None = None,
    kind: CellKind | None = None,
    deleted: bool | None = None,
) -> ReviewCell:
    """Move a box, change its kind, take it away or bring it back.

    Args:
        revision: ``ReviewCell.revision`` as it was shown.

    Raises:
        NotAllowed: without the right to review.
        StaleEdit: if somebody changed it since; it carries both values.
        CaseRefused: for a signed case, a cell that is not in it, or an impossible box.
    """
    require(person, "review")
    with recording(desk, person, "change_box", case_id=case_id) as book:
        case = open_case(book.connection, case_id)
        reading = readings.writable_by(book.connection, case, person)
        here = (case_cells.c.id == cell_id) & (case_cells.c.case_id == case_id)
        row = book.connection.execute(select(case_cells).where(here)).first()
        if row is None:
            raise CaseRefused(f"case {case.accession} has no cell {cell_id}")
        wanted: dict[str, Any] = {}
        if box_xyxy_px is not None:
            corners = _within(book, case_id, row.picture_id, box_xyxy_px)
            wanted |= dict(zip(("x0_px", "y0_px", "x1_px", "y1_px"), corners, strict=True))
        if kind is not None:
            _known_kind(kind)
            wanted["kind"] = kind
        if deleted is not None:
            wanted["deleted"] = deleted
        now = row._mapping
        wanted = {name: value for name, value in wanted.items() if now[name] != value}
        if wanted and now["revision"] != revision:
            theirs = ", ".join(f"{name} {now[name]}" for name in wanted)
            mine = ", ".join(f"{name} {value}" for name, value in wanted.items())
            raise StaleEdit((Conflict("box", cell_id, mine, theirs, "", None, now["revision"]),))
        if wanted:
            begun(book, case)
            book.update(case_cells, cell_id, **wanted)
            book.detail = f"cell {cell_id}: {', '.join(sorted(wanted))}"
        found = cells_in(
            book.connection, case, reading, kind=None, only=[cell_id], with_deleted=True
        )
        return found[0]


def _known_kind(kind: str) -> None:
    if kind not in KINDS:
        raise CaseRefused(f"unknown kind {kind!r}; known are {', '.join(KINDS)}")


def _within(book: Recording, case_id: int, picture_id: int, box: Box) -> Box:
    picture = picture_in(book.connection, picture_id)
    if picture.case_id != case_id or picture.kind != "field":
        raise CaseRefused(f"picture {picture_id} is no field of this case")
    x0, x1 = (min(max(float(x), 0.0), float(picture.width)) for x in (box[0], box[2]))
    y0, y1 = (min(max(float(y), 0.0), float(picture.height)) for y in (box[1], box[3]))
    # Also false for what is no number.
    if not (x1 - x0 >= _LEAST_PX and y1 - y0 >= _LEAST_PX):
        raise CaseRefused(f"a box needs at least {_LEAST_PX:.0f} px each way within the picture")
    return x0, y0, x1, y1
