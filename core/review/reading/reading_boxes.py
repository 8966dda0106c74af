"""The boxes as a reading has them: the machine's, and over them what its reader made of them.

Each reader begins with the machine's boxes and sees nothing of the other's corrections. When both
have finished their boxes are laid together once, as rows of the settling (:func:`merge_readings`):

- what both left, took away or gave the same kind at the same place (overlap of at least one half)
  is settled; where both moved it, the first reader's box stands;
- a cell that both drew at the same place is one cell with both readers' classes;
- everything else is not settled: it is there until a person says which of the two is right.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from sqlalchemy import Column, Connection, Row, Select, and_, func, or_, select

from core.imaging.boxes import box_iou
from core.records import Box
from core.review.record.case_rows import Case
from core.review.record.ledger import Recording
from core.review.record.readings import FIRST, SECOND, SETTLING
from core.store.review_schema import box_edits, case_cells, cases

SAME_PLACE: Final = 0.5
"""Boxes that overlap (intersection over union) by this much are round one cell."""

CORNERS: Final = ("x0_px", "y0_px", "x1_px", "y1_px")
STATE: Final = ("kind", *CORNERS, "deleted")
"""Columns of ``box_edits`` that stand in place of those of the cell."""

_NOW: Final = {name: func.coalesce(box_edits.c[name], case_cells.c[name]) for name in STATE}
KIND: Final = _NOW["kind"]
DELETED: Final = _NOW["deleted"]
"""Kind and whether it was taken away, in a query of :func:`select_boxes`."""


def joined(version: int | Column[int], reading: int | Column[int]) -> Any:
    """Cells with the edits of a reading: by its numbers, or by columns of ``cases``."""
    edits = and_(
        box_edits.c.cell_id == case_cells.c.id,
        box_edits.c.version == version,
        box_edits.c.reading == reading,
    )
    cells: Any = case_cells
    if isinstance(version, Column):
        cells = case_cells.join(cases, cases.c.id == case_cells.c.case_id)
    return cells.outerjoin(box_edits, edits)


def known() -> Any:
    """True for cells that the reading knows: not those another reader drew, or drew twice."""
    return and_(
        box_edits.c.same_as.is_(None),
        or_(
            case_cells.c.place.is_not(None),
            case_cells.c.deleted.is_(False),
            box_edits.c.deleted.is_not(None),
        ),
    )


def select_boxes(version: int | Column[int], reading: int | Column[int]) -> Select[Any]:
    """Rows of ``case_cells`` as the reading has them, with ``edited`` and ``settled``.

    ``revision`` is the one to send along with a change.
    """
    plain = [column for column in case_cells.columns if column.name not in (*STATE, "revision")]
    return (
        select(
            *plain,
            *(now.label(name) for name, now in _NOW.items()),
            func.coalesce(box_edits.c.revision, case_cells.c.revision).label("revision"),
            box_edits.c.deleted.is_not(None).label("edited"),
            func.coalesce(box_edits.c.settled, True).label("settled"),
        )
        .select_from(joined(version, reading))
        .where(known())
    )


def boxes_in(
    connection: Connection, case: Case, reading: int, only: Iterable[int] | None = None
) -> dict[int, Row[Any]]:
    """Cells of a case as a reading of its version has them, those taken away included."""
    query = select_boxes(case.version, reading).where(case_cells.c.case_id == case.id)
    if only is not None:
        query = query.where(case_cells.c.id.in_(list(only)))
    return {row.id: row for row in connection.execute(query.order_by(case_cells.c.id))}


def matched_boxes(connection: Connection, case: Case) -> dict[int, int]:
    """Cell -> the other reader's drawing of the same cell."""
    query = select(box_edits.c.same_as, box_edits.c.cell_id).where(
        box_edits.c.case_id == case.id,
        box_edits.c.version == case.version,
        box_edits.c.same_as.is_not(None),
    )
    return {row.same_as: row.cell_id for row in connection.execute(query)}


def unsettled(connection: Connection, case: Case) -> tuple[int, ...]:
    """Cells in whose boxes the two readers differ and that nobody settled yet."""
    query = select(box_edits.c.cell_id).where(
        box_edits.c.case_id == case.id,
        box_edits.c.version == case.version,
        box_edits.c.reading == SETTLING,
        box_edits.c.settled.is_(False),
    )
    return tuple(connection.execute(query.order_by(box_edits.c.cell_id)).scalars())


def draw(book: Recording, case: Case, reading: int, picture_id: int, state: dict[str, Any]) -> int:
    """Add a cell that is there in this reading only; returns its number."""
    number = book.insert(
        case_cells,
        {
            "case_id": case.id,
            "picture_id": picture_id,
            **state,
            "abstained": False,
            "novel": False,
            "blind": False,
            "deleted": True,
            "revision": 1,
        },
    )
    book.insert(box_edits, _edit(book, case, reading, number, state, 1))
    return number


def save(book: Recording, case: Case, reading: int, row: Row[Any], **wanted: Any) -> None:
    """Change a cell's box for this reading. ``row`` is the cell of :func:`boxes_in`."""
    state = {name: wanted.get(name, row._mapping[name]) for name in STATE}
    here = and_(
        box_edits.c.cell_id == row.id,
        box_edits.c.version == case.version,
        box_edits.c.reading == reading,
    )
    number = book.connection.execute(select(box_edits.c.id).where(here)).scalar()
    if number is None:
        book.insert(box_edits, _edit(book, case, reading, row.id, state, row.revision + 1))
        return
    who = {"reader": book.person.subject, "reader_name": book.person.name, "edited_at": book.now}
    book.update(box_edits, number, **state, settled=True, **who)


def _edit(
    book: Recording,
    case: Case,
    reading: int,
    cell_id: int,
    state: Mapping[str, Any],
    revision: int,
    **more: Any,
) -> dict[str, Any]:
    return {
        "case_id": case.id,
        "cell_id": cell_id,
        "version": case.version,
        "reading": reading,
        "deleted": False,
        **state,
        "settled": True,
        "same_as": None,
        "carried": False,
        "reader": book.person.subject,
        "reader_name": book.person.name,
        "edited_at": book.now,
        "revision": revision,
        **more,
    }


def merge_readings(book: Recording, case: Case) -> None:
    """Write the boxes of the settling, from those of both readers; see the top of this file."""
    first, second = (boxes_in(book.connection, case, reading) for reading in (FIRST, SECOND))
    same = _drawn_by_both(first, second)
    rows = []

    def add(cell: Row[Any], **more: Any) -> None:
        state = {name: cell._mapping[name] for name in STATE}
        rows.append(_edit(book, case, SETTLING, cell.id, state, cell.revision + 1, **more))

    for number in sorted(first.keys() | second.keys()):
        one, two = first.get(number), second.get(number)
        if number in same:
            add(first[number])
        elif number in same.values():
            (other,) = (mine for mine, theirs in same.items() if theirs == number)
            add(second[number], deleted=True, same_as=other)
        elif not _is_there(one) and not _is_there(two):
            if one is not None and two is not None and (one.edited or two.edited):
                add(one)
        elif not _is_there(one) or not _is_there(two) or not _alike(one, two):
            add(_either(one, two), settled=False)
        elif one is not None and two is not None and (one.edited or two.edited):
            add(one if one.edited else two)
    book.insert_many(box_edits, rows)


def carry(book: Recording, case: Case) -> None:
    """Take the boxes of a signed case over as the first reading of its next version."""
    rows = []
    for cell in boxes_in(book.connection, case, case.reading).values():
        if cell.edited:
            state = {name: cell._mapping[name] for name in STATE}
            more = {"version": case.version + 1, "carried": True}
            rows.append(_edit(book, case, FIRST, cell.id, state, cell.revision + 1, **more))
    book.insert_many(box_edits, rows)


def corners_of(row: Row[Any]) -> Box:
    """The box of a row."""
    return row.x0_px, row.y0_px, row.x1_px, row.y1_px


def _is_there(row: Row[Any] | None) -> bool:
    return row is not None and not row.deleted


def _either(one: Row[Any] | None, two: Row[Any] | None) -> Row[Any]:
    found = one if _is_there(one) else two
    assert found is not None
    return found


def _alike(one: Row[Any] | None, two: Row[Any] | None) -> bool:
    assert one is not None and two is not None
    if one.kind != two.kind:
        return False
    if not one.edited and not two.edited:
        return True
    return float(_overlaps([one], [two])[0, 0]) >= SAME_PLACE


def _drawn_by_both(first: Mapping[int, Row[Any]], second: Mapping[int, Row[Any]]) -> dict[int, int]:
    """The first reader's drawing -> the second's of the same cell, the best overlaps first."""
    ones = [row for row in first.values() if row.id not in second and not row.deleted]
    twos = [row for row in second.values() if row.id not in first and not row.deleted]
    if not ones or not twos:
        return {}
    overlap = _overlaps(ones, twos)
    for i, one in enumerate(ones):
        for j, two in enumerate(twos):
            if (one.picture_id, one.kind) != (two.picture_id, two.kind):
                overlap[i, j] = 0.0
    found: dict[int, int] = {}
    while overlap.max() >= SAME_PLACE:
        i, j = (int(n) for n in np.unravel_index(int(overlap.argmax()), overlap.shape))
        found[ones[i].id] = twos[j].id
        overlap[i, :] = overlap[:, j] = 0.0
    return found


def _overlaps(ones: Sequence[Row[Any]], twos: Sequence[Row[Any]]) -> Any:
    return box_iou(*(np.array([corners_of(r) for r in rows], np.float64) for rows in (ones, twos)))
