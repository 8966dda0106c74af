"""Everything a signature stands under, as JSON, so that an old version stays readable for good."""

from dataclasses import asdict, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, select

from core.access.people import Person
from core.review.case.cases import Case, pictures_in
from core.review.reading.box_confirmations import confirmed_in
from core.review.reading.cells import ReviewCell, cells_in
from core.review.reading.grades import PLATELETS, Grade, differences_in, grades_in
from core.review.reading.reading_boxes import boxes_in
from core.review.reading.remarks import remarks_in
from core.review.record import readings, roster
from core.review.record.ledger import entries, moment
from core.review.record.readings import FIRST, SECOND, SETTLING
from core.review.signature.verified import counts, of_cells
from core.settings import settings
from core.slide import judgement
from core.slide.differential import Differential
from core.slide.tables import DISCLAIMER
from core.store.review_schema import (
    answers,
    box_confirmations,
    box_edits,
    case_cells,
    grades,
    ledger_head,
)

FORMAT: Final = 1


def snapshot_of(
    connection: Connection, case: Case, person: Person, reason: str, at: datetime
) -> dict[str, Any]:
    """The case as it is signed now by ``person``.

    Keys: ``format``, ``case``, ``version``, ``signed_by``, ``signed_name``, ``signed_at``,
    ``reason``, ``ledger`` (head before the signature), ``note``, ``proposed`` and ``verified``
    (differentials), ``reviewed``, ``white_cells``, ``unidentified``, ``changed``, ``pictures``,
    ``cells``, ``grades``, ``platelets``, ``grade_differences``, ``box_differences`` (those the two
    readers had, with who settled them), ``readers``, ``remarks``.
    """
    cells = cells_in(connection, case, case.reading, kind=None, with_deleted=True, unveiled=True)
    cells.sort(key=lambda cell: cell.id)
    standing = of_cells(cells)
    graded = grades_in(connection, case, case.reading)
    platelets = graded.get(PLATELETS)
    confirmed = confirmed_in(connection, case, case.reading)
    changed = changed_pictures(connection, case)
    head = connection.execute(select(ledger_head)).one()
    return {
        "format": FORMAT,
        "case": {
            "id": case.id,
            "accession": case.accession,
            "pseudonym": case.pseudonym,
            "sex": case.sex,
            "age_years": case.age_years,
            "indication": case.indication,
            "created_at": moment(case.created_at),
            "second_reader": case.second_reader,
        },
        "version": case.version,
        "signed_by": person.subject,
        "signed_name": person.name,
        "signed_at": moment(at),
        "reason": reason,
        "ledger": {"entries": head.entries, "hash": head.hash},
        "note": DISCLAIMER,
        "proposed": _differential_json(standing.proposed),
        "verified": _differential_json(standing.verified),
        "white_cells": standing.white_cells,
        "reviewed": standing.reviewed,
        "unidentified": standing.unidentified,
        "minimum_cells": settings().minimum_cells,
        "changed": standing.changed,
        "pictures": [
            {
                "id": picture.id,
                "kind": picture.kind,
                "name": picture.name,
                "slide": picture.slide,
                "sha256": picture.sha256,
                "source_sha256": picture.source_sha256,
                "width": picture.width,
                "height": picture.height,
                "models": picture.models,
                "code_version": picture.code_version,
                "flags": list(picture.flag_codes),
                "included": picture.left_out is None,
                "included_by_person": picture.included,
                "left_out": picture.left_out.code if picture.left_out else None,
                "boxes_confirmed_by": list(confirmed.get(picture.id, ())),
                "boxes_changed": picture.id in changed,
                # Of a field that is left out too: what is in it, not what counts.
                "counts": counts(
                    replace(cell, included=True) for cell in cells if cell.picture_id == picture.id
                ),
                **({"palm": picture.palm()} if picture.kind == "palm" else {}),
            }
            for picture in pictures_in(connection, case.id)
        ],
        "cells": [_cell_json(cell) for cell in cells if not cell.deleted or cell.place is not None],
        "grades": {
            term: one.grade
            for term, one in sorted(graded.items())
            if term != PLATELETS and one.grade is not None
        },
        "platelets": platelets.words if platelets else None,
        "grade_differences": grade_difference_rows(connection, case),
        "box_differences": box_difference_rows(connection, case),
        "readers": readers_in(connection, case),
        "remarks": [
            {
                "picture_id": remark.picture_id,
                "cell_id": remark.cell_id,
                "text": remark.text,
                "author": remark.author_name,
                "written_at": moment(remark.written_at),
            }
            for remark in remarks_in(connection, case, case.reading)
        ],
    }


def _cell_json(cell: ReviewCell) -> dict[str, Any]:
    row: dict[str, Any] = {
        "id": cell.id,
        "picture_id": cell.picture_id,
        "place": cell.place,
        "kind": cell.kind,
        "box_xyxy_px": list(cell.box_xyxy_px),
        "deleted": cell.deleted,
    }
    if cell.kind == "wbc":
        readers = [a for a in (cell.answer, cell.first, cell.second) if a is not None]
        row |= {
            "label": cell.label,
            "proposed": cell.call.label if cell.call else None,
            "probability": cell.call.probability if cell.call else None,
            "abstained": judgement.call_is_doubtful(cell.call),
            "novel": cell.novel,
            "critical": cell.is_critical,
            "blind": cell.in_blind_sample,
            "readers": [
                {
                    "reading": a.reading,
                    "label": a.label,
                    "reader": a.reader,
                    "reader_name": a.reader_name,
                    **({"preclassified": True} if a.preclassified else {}),
                }
                for a in readers
            ],
        }
    return row


def grade_difference_rows(connection: Connection, case: Case) -> list[dict[str, Any]]:
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


def _given(one: Grade | None) -> dict[str, Any] | None:
    if one is None:
        return None
    value = one.words if one.words is not None else one.grade
    return {"value": value, "reader_name": one.reader_name}


def readers_in(connection: Connection, case: Case) -> list[dict[str, Any]]:
    """Everybody who answered, graded or corrected in a version, by reading and name.

    ``preclassified``: they may not review, so what they said was a proposal.
    """
    helpers = roster.who_may_not(connection, "review")
    tables = (answers, grades, box_edits, box_confirmations)
    found = readings.readers_of(connection, case, tables)
    return [
        {"reading": reading, "reader": reader, "reader_name": name}
        | ({"preclassified": True} if reader in helpers else {})
        for reading, reader, name in sorted(found)
    ]


def box_difference_rows(connection: Connection, case: Case) -> list[dict[str, Any]]:
    """Boxes in which the two readers differed: what each had, and as what somebody settled it.

    ``first`` and ``second`` are the kind of cell that reader had there, None for no cell;
    ``settled`` and ``settled_by`` are None while nobody settled it. ``deleted`` is True where it
    was settled as no cell.
    """
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


def _kind_of(row: Any | None) -> str | None:
    return None if row is None or row.deleted else str(row.kind)


def _differing_boxes(connection: Connection, case: Case) -> list[Any]:
    query = select(box_edits).where(
        box_edits.c.case_id == case.id,
        box_edits.c.version == case.version,
        box_edits.c.reading == SETTLING,
        box_edits.c.same_as.is_(None),
    )
    merged = _merged_revisions(connection, case)
    rows = connection.execute(query.order_by(box_edits.c.cell_id)).all()
    # Laid together by the program as not settled; settled since, the revision went up once more.
    return [
        row for row in rows if not row.settled or row.revision > merged.get(row.id, row.revision)
    ]


def _merged_revisions(connection: Connection, case: Case) -> dict[int, int]:
    """Revision that each row of the settling had when the two readings were laid together."""
    found: dict[int, int] = {}
    for entry in entries(connection, case.id):
        if entry.action == "finish_second_reading":
            found |= {
                change.row: int(change.new["revision"])
                for change in entry.changes
                if change.table == "box_edits" and not change.new["settled"]
            }
    return found


def changed_pictures(connection: Connection, case: Case) -> frozenset[int]:
    """Fields of which a person changed a box, in this version or before."""
    query = (
        select(case_cells.c.picture_id)
        .join(box_edits, box_edits.c.cell_id == case_cells.c.id)
        .where(box_edits.c.case_id == case.id, box_edits.c.deleted.is_not(None))
    )
    return frozenset(connection.execute(query.distinct()).scalars())


def _differential_json(found: Differential) -> dict[str, Any]:
    return asdict(found)
