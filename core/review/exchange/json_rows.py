"""The JSON that other programs get of a picture or a case: the same from every door.

The command line prints these rows, an archive's file holds them, and the HTTP service answers them.
"""

from core.records import PalmCall, SmearFinding, WbcCall
from core.review.acceptance.status import KEY, LabAcceptances
from core.review.case.worklist import WorklistRow
from core.slide.foreign_laboratory import Laboratory
from core.slide.red_cells.summary import red_cells_json

Row = dict[str, object]


def smear_row(finding: SmearFinding, laboratory: Laboratory, known: LabAcceptances) -> Row:
    """A field; ``finding`` as it is judged in its laboratory."""
    status = known.of_finding(finding).status
    return {
        **finding.as_json(),
        **red_cells_json([finding]),
        "laboratory": laboratory.word,
        KEY: status,
    }


def cell_row(
    file: str, call: WbcCall, locator: str, laboratory: Laboratory, known: LabAcceptances
) -> Row:
    """A picture of one white cell; ``locator`` is the identity of the model that measured it."""
    status = known.of({"locator": locator, "wbc": call.model}).status
    return {"file": file, **call.as_json(), "laboratory": laboratory.word, KEY: status}


def palm_row(call: PalmCall, known: LabAcceptances) -> Row:
    """A palm."""
    return call.as_json() | {KEY: known.of({"palm": call.model}).status}


def refused_row(file: str, code: str, message: str) -> Row:
    """A picture without an answer: ``code`` is stable, ``message`` is the sentence."""
    return {"file": file, "error": {"code": code, "message": message}}


def case_row(row: WorklistRow) -> Row:
    """A case in a list."""
    return {
        "id": row.case.id,
        "accession": row.case.accession,
        "state": row.case.state,
        "version": row.case.version,
        "priority": row.priority,
        "fields": row.fields,
        "palms": row.palms,
        "white_cells": row.white_cells,
        "reviewed": row.reviewed,
        "critical": row.critical,
        "assigned_to": row.case.assigned_name,
        "created_at": row.case.created_at.isoformat(),
    }
