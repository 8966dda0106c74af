"""What the two readers of a case differed in, what each gave, and who settled it."""

from typing import Any

from sqlalchemy import Connection, Row, select

from core.review.reading.grades import Grade, differences_in
from core.review.reading.reading_boxes import boxes_in
from core.review.record import readings, roster
from core.review.record.case_rows import Case
from core.review.record.ledger import entries
from core.review.record.readings import FIRST, SECOND, SETTLING
from core.review.signature.snapshot_format import (
    BoxDifferenceRow,
    GivenGrade,
    GradeDifferenceRow,
    ReaderRow,
)
from core.store.review_schema import (
    abnormalities,
    answers,
    box_confirmations,
    box_edits,
    grades,
    red_cell_shapes,
)


def grade_difference_rows(connection: Connection, case: Case) -> list[GradeDifferenceRow]:
    """Terms in which the two readers differed: what each gave, and what was settled by whom."""
    return [
        {
            "term": one.term,
            "first": _given(one.first),
            "second": _given(one.second),
            "settled": _given(one.settled),
        }
        for one in differences_in(connection, case)
    ]


def _given(one: Grade | None) -> GivenGrade | None:
    if one is None:
        return None
    value = one.words if one.words is not None else one.grade
    return {"value": value, "reader_name": one.reader_name}


def readers_in(connection: Connection, case: Case) -> list[ReaderRow]:
    """Everybody who answered, graded or corrected in a version, by reading and name.

    ``preclassified``: they may not review, so their answers were proposals.
    """
    helpers = roster.who_may_not(connection, "review")
    tables = (answers, grades, box_edits, box_confirmations, abnormalities, red_cell_shapes)
    found = readings.readers_of(connection, case, tables)
    rows: list[ReaderRow] = []
    for reading, reader, name in sorted(found):
        row: ReaderRow = {"reading": reading, "reader": reader, "reader_name": name}
        if reader in helpers:
            row["preclassified"] = True
        rows.append(row)
    return rows


def box_difference_rows(connection: Connection, case: Case) -> list[BoxDifferenceRow]:
    """Boxes in which the two readers differed: what each had, and as what somebody settled it."""
    if case.reading != SETTLING:
        return []
    first, second = (boxes_in(connection, case, reading) for reading in (FIRST, SECOND))
    return [
        {
            "cell_id": edit.cell_id,
            "first": _kind_of(first.get(edit.cell_id)),
            "second": _kind_of(second.get(edit.cell_id)),
            "settled": None if not edit.settled or edit.deleted else edit.kind,
            "settled_by": edit.reader_name if edit.settled else None,
            "deleted": bool(edit.settled and edit.deleted),
        }
        for edit in _differing_boxes(connection, case)
    ]


def _kind_of(row: Row[Any] | None) -> str | None:
    return None if row is None or row.deleted else str(row.kind)


def _differing_boxes(connection: Connection, case: Case) -> list[Row[Any]]:
    query = select(box_edits).where(
        box_edits.c.case_id == case.id,
        box_edits.c.version == case.version,
        box_edits.c.reading == SETTLING,
        box_edits.c.same_as.is_(None),
    )
    merged = _merged_revisions(connection, case)
    rows = connection.execute(query.order_by(box_edits.c.cell_id)).all()
    # The program merged them as not settled; whoever settled one raised its revision.
    return [
        row for row in rows if not row.settled or row.revision > merged.get(row.id, row.revision)
    ]


def _merged_revisions(connection: Connection, case: Case) -> dict[int, int]:
    """Revision that each row of the settling had when the two readings were merged."""
    found: dict[int, int] = {}
    for entry in entries(connection, case.id):
        if entry.action == "finish_second_reading":
            found |= {
                change.row: int(str(change.new["revision"]))
                for change in entry.changes
                if change.table == "box_edits" and not change.new["settled"]
            }
    return found
