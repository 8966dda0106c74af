"""Everything a signature stands under, as JSON, so that an old version stays readable for good."""

from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, select

from core.access.people import Person
from core.review.case.cases import Case, pictures_in
from core.review.reading.cells import ReviewCell, cells_in
from core.review.reading.grades import PLATELETS, grades_in
from core.review.reading.remarks import remarks_in
from core.review.record.ledger import moment
from core.review.signature.verified import counts, of_cells
from core.slide.differential import Differential
from core.slide.tables import DISCLAIMER
from core.store.review_schema import ledger_head

FORMAT: Final = 1


def snapshot_of(
    connection: Connection, case: Case, person: Person, reason: str, at: datetime
) -> dict[str, Any]:
    """The case as it is signed now by ``person``.

    Keys: ``format``, ``case``, ``version``, ``signed_by``, ``signed_name``, ``signed_at``,
    ``reason``, ``ledger`` (head before the signature), ``note``, ``proposed`` and ``verified``
    (differentials), ``reviewed``, ``white_cells``, ``unidentified``, ``changed``, ``pictures``,
    ``cells``, ``grades``, ``platelets``, ``remarks``.
    """
    cells = cells_in(connection, case, case.reading, kind=None, with_deleted=True, unveiled=True)
    cells.sort(key=lambda cell: cell.id)
    standing = of_cells(cells)
    graded = grades_in(connection, case, case.reading)
    platelets = graded.get(PLATELETS)
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
                "counts": counts(cell for cell in cells if cell.picture_id == picture.id),
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
            "abstained": bool(cell.call and cell.call.abstained),
            "novel": cell.novel,
            "critical": cell.is_critical,
            "blind": cell.in_blind_sample,
            "readers": [
                {"reading": a.reading, "label": a.label, "reader": a.reader} for a in readers
            ],
        }
    return row


def _differential_json(found: Differential) -> dict[str, Any]:
    return asdict(found)
