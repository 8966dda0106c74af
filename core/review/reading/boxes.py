"""Correcting what was located: add, take away, move a box, change its kind."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row

from core.access.people import Person
from core.access.rights import require
from core.records import Box
from core.review.reading import reading_boxes
from core.review.reading.cells import ReviewCell, cells_in
from core.review.reading.reading_boxes import CORNERS, STATE, boxes_in, corners_of
from core.review.reading.value_words import box_words, kind_words
from core.review.record import readings
from core.review.record.case_rows import Case, case_in, mark_in_review, open_case, picture_in
from core.review.record.errors import CaseRefused, Conflict, StaleEdit
from core.review.record.ledger import Recording, recording
from core.review.record.readings import FIRST, SECOND, SETTLING
from core.review.record.review_store import ReviewStore
from core.taxonomy import KINDS, CellKind

_LEAST_PX = 2.0


@dataclass(frozen=True)
class BoxAsRead:
    """What a reader made of a box: its kind and place, in pixels of the stored picture."""

    kind: CellKind
    box_xyxy_px: Box


@dataclass(frozen=True)
class BoxDifference:
    """A box in which the readers differ, not settled yet. None: not there for this reader."""

    cell: ReviewCell
    first: BoxAsRead | None
    second: BoxAsRead | None


def add_box(
    store: ReviewStore,
    person: Person,
    case_id: int,
    picture_id: int,
    kind: CellKind,
    box_xyxy_px: Box,
) -> ReviewCell:
    """Add a cell that was missed. ``box_xyxy_px`` is in pixels of the stored picture.

    Raises:
        NotAllowed: without the right to review.
        CaseRefused: for a signed case, or a box that is not within the picture.
    """
    require(person, "review")
    with recording(store, person, "add_box", case_id=case_id) as book:
        case = open_case(book.connection, case_id)
        reading = readings.writable_by(book.connection, case, person)
        x0, y0, x1, y1 = _within(book, case_id, picture_id, box_xyxy_px)
        _known_kind(kind)
        mark_in_review(book, case)
        book.detail = kind_words(kind)
        state = {"kind": kind, "x0_px": x0, "y0_px": y0, "x1_px": x1, "y1_px": y1}
        number = reading_boxes.draw(book, case, reading, picture_id, state)
        return cells_in(book.connection, case, reading, kind=None, only=[number])[0]


def change_box(
    store: ReviewStore,
    person: Person,
    case_id: int,
    cell_id: int,
    revision: int,
    *,
    box_xyxy_px: Box | None = None,
    kind: CellKind | None = None,
    deleted: bool | None = None,
) -> ReviewCell:
    """Move a box, change its kind, take it away or bring it back, for the reading one is in.

    Args:
        revision: ``ReviewCell.revision`` as it was shown.

    Raises:
        NotAllowed: without the right to review.
        StaleEdit: if somebody changed it since; it carries both values.
        CaseRefused: for a signed case, a cell that is not in it, or an impossible box.
    """
    require(person, "review")
    with recording(store, person, "change_box", case_id=case_id) as book:
        case = open_case(book.connection, case_id)
        reading = readings.writable_by(book.connection, case, person)
        row = boxes_in(book.connection, case, reading, [cell_id]).get(cell_id)
        if row is None:
            raise CaseRefused(f"case {case.accession} has no cell {cell_id}")
        wanted: dict[str, object] = {}
        if box_xyxy_px is not None:
            corners = _within(book, case_id, row.picture_id, box_xyxy_px)
            wanted |= dict(zip(CORNERS, corners, strict=True))
        if kind is not None:
            _known_kind(kind)
            wanted["kind"] = kind
        if deleted is not None:
            wanted["deleted"] = deleted
        now = row._mapping
        wanted = {name: value for name, value in wanted.items() if now[name] != value}
        if wanted and now["revision"] != revision:
            theirs = box_words({name: now[name] for name in STATE})
            # Whether it is there is part of the wish only where that was to be changed.
            mine = box_words({n: now[n] for n in STATE if n != "deleted"} | wanted)
            raise StaleEdit((Conflict("box", cell_id, mine, theirs, "", None, now["revision"]),))
        if wanted:
            mark_in_review(book, case)
            reading_boxes.save(book, case, reading, row, **wanted)
            book.detail = f"cell {cell_id}: {_changed_words(wanted)}"
        found = cells_in(
            book.connection, case, reading, kind=None, only=[cell_id], with_deleted=True
        )
        return found[0]


def differences(store: ReviewStore, person: Person, case_id: int) -> list[BoxDifference]:
    """Boxes that are still to be settled, by picture and cell; empty before both have read.

    Raises:
        NotAllowed: without the right to read.
        CaseRefused: if there is no such case.
    """
    require(person, "read")
    with store.database.read() as connection:
        case = case_in(connection, case_id)
        if case.reading != SETTLING:
            return []
        open_ = reading_boxes.unsettled(connection, case)
        found = cells_in(connection, case, SETTLING, kind=None, only=open_, with_deleted=True)
        first, second = (boxes_in(connection, case, n, open_) for n in (FIRST, SECOND))
    found.sort(key=lambda cell: (cell.picture_id, cell.id))
    return [BoxDifference(c, _as_read(first.get(c.id)), _as_read(second.get(c.id))) for c in found]


def adjudicate(
    store: ReviewStore, person: Person, case_id: int, chosen: Sequence[tuple[ReviewCell, int]]
) -> None:
    """Take boxes in which the readers differ as one of them has them, all or none.

    Args:
        chosen: a cell as it was shown, and whose box is right: 1 the first reader's, 2 the
            second's. Where that reader has none, the cell is taken away.

    Raises:
        NotAllowed: without the right to review.
        StaleEdit: if somebody settled one of them since.
        CaseRefused: if the case is not being settled, or the readers do not differ in a cell.
    """
    require(person, "review")
    with recording(store, person, "change_box", case_id=case_id) as book:
        case = open_case(book.connection, case_id)
        if case.reading != SETTLING:
            raise CaseRefused(f"case {case.accession} is not being settled")
        for cell, whose in chosen:
            _settle(book, case, cell, whose)
        book.detail = f"{len(chosen)} settled"


def _settle(book: Recording, case: Case, cell: ReviewCell, whose: int) -> None:
    if whose not in (FIRST, SECOND):
        raise CaseRefused(f"a box is the first or the second reader's, got {whose!r}")
    now = boxes_in(book.connection, case, SETTLING, [cell.id]).get(cell.id)
    if now is None:
        raise CaseRefused(f"case {case.accession} has no cell {cell.id}")
    if now.revision != cell.revision:
        theirs = box_words({name: now._mapping[name] for name in STATE})
        mine = f"as reader {whose} has it"
        raise StaleEdit((Conflict("box", cell.id, mine, theirs, "", None, now.revision),))
    if now.settled:
        raise CaseRefused(f"the readers do not differ in cell {cell.id}")
    right = boxes_in(book.connection, case, whose, [cell.id]).get(cell.id)
    state = {"deleted": True} if right is None else {n: right._mapping[n] for n in STATE}
    reading_boxes.save(book, case, SETTLING, now, **state)


def _changed_words(wanted: Mapping[str, object]) -> str:
    """``moved, now a platelet``, for the ledger."""
    words = []
    if "deleted" in wanted:
        words.append("taken away" if wanted["deleted"] else "brought back")
    if wanted.keys() & set(CORNERS):
        words.append("moved")
    if "kind" in wanted:
        words.append(f"now a {kind_words(str(wanted['kind']))}")
    return ", ".join(words)


def _as_read(row: Row[Any] | None) -> BoxAsRead | None:
    return None if row is None or row.deleted else BoxAsRead(row.kind, corners_of(row))


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
