"""A case as CSV, one row for each cell, and as one JSON document."""

import csv
import io
import json
from dataclasses import asdict

from core.review.acceptance.status import KEY
from core.review.case.critical_calls import CriticalCall
from core.review.exchange.contents import CaseContents, in_signed_words
from core.review.reading.abnormalities import Seen
from core.review.reading.cells import Answer, ReviewCell
from core.review.reading.grades import PLATELETS
from core.review.reading.remarks import Remark
from core.review.record.case_rows import CasePicture
from core.review.record.ledger import moment
from core.slide.tables import LABORATORY, SHAPE, call_row, disclaimer, inert, shape_row

COLUMNS = (
    "accession", "version", "state", "picture", "slide", "included", "left_out", "cell", "kind",
    "x0_px", "y0_px", "x1_px", "y1_px", "proposed", "probability", "could_be", "reported_as",
    "critical", "abstained", "novel", "flags", "verified", "reader", "answered_at", "first_reader",
    "second_reader", "remarks", "abnormalities", "model", "stage", LABORATORY, KEY, "note",
)  # fmt: skip


@in_signed_words
def case_csv(contents: CaseContents) -> str:
    """One row for each cell that is there; ``verified`` is empty where nobody answered yet.

    The columns of red-cell shapes come last, in a case whose cells have any.
    ``critical`` is what the screens say: the person's class, else the call's rule. ``included``
    False: the cell's field is left out and the cell is in no count.
    """
    out = io.StringIO()
    writer = csv.writer(out)
    shapes = contents.red_cells is not None
    writer.writerow([*COLUMNS, *((*SHAPE, "shape_verified", "shape_reader") if shapes else ())])
    mark = contents.laboratory.class_mark
    comments: dict[int, list[str]] = {}
    for remark in contents.remarks:
        if remark.cell_id is not None:
            comments.setdefault(remark.cell_id, []).append(remark.text)
    for picture in contents.fields:
        for cell in contents.cells_of(picture):
            call, answer = cell.call, cell.answer
            proposed = call_row(call)
            writer.writerow(
                [
                    inert(contents.case.accession),
                    contents.case.version,
                    contents.case.state,
                    contents.file_name(picture),
                    inert(picture.slide),
                    cell.included,
                    picture.left_out.code if picture.left_out else "",
                    cell.id,
                    cell.kind,
                    *(f"{side:.1f}" for side in cell.box_xyxy_px),
                    *proposed[:4],
                    cell.is_critical if cell.kind == "wbc" else "",
                    proposed[5],
                    cell.novel if call else "",
                    proposed[6],
                    cell.label or "",
                    inert(answer.reader_name) if answer else "",
                    moment(answer.answered_at) if answer else "",
                    _label(cell.first),
                    _label(cell.second),
                    inert(" | ".join(comments.get(cell.id, []))),
                    " | ".join(one.term for one in contents.seen if one.cell_id == cell.id),
                    call.model if call else picture.models.get("locator", ""),
                    call.stage if call else "",
                    mark if call else "",
                    contents.acceptance_of(picture).status,
                    disclaimer(),
                    *(_shape_row(cell) if shapes else ()),
                ]
            )
    return out.getvalue()


def _shape_row(cell: ReviewCell) -> list[object]:
    """The model's shape, the one a reader gave in its place, and who did."""
    given = cell.given_shape
    names = {one.reader_name for one in given.by} if given else ()
    return [
        *shape_row(cell.shape),
        (given.shape or "") if given else "",
        inert(" | ".join(sorted(names))),
    ]


def case_json(contents: CaseContents) -> str:
    """The whole case: details, both differentials, counts, grades, cells, models, signature."""
    return json.dumps(case_document(contents), indent=2, ensure_ascii=False)


@in_signed_words
def case_document(contents: CaseContents) -> dict[str, object]:
    """The document of :func:`case_json`, before it is text."""
    case, signature, platelets = contents.case, contents.signature, contents.grades.get(PLATELETS)
    return {
        "note": disclaimer(),
        "accession": case.accession,
        "pseudonym": case.pseudonym,
        "sex": case.sex,
        "age_years": case.age_years,
        "indication": case.indication,
        "state": case.state,
        "version": case.version,
        "received_at": moment(case.created_at),
        "exported_at": moment(contents.made_at),
        "signature": signature
        and {
            "by": signature.signed_name,
            "at": moment(signature.signed_at),
            "reason": signature.reason,
            "snapshot_sha256": signature.snapshot_sha256,
        },
        "ledger": contents.ledger
        and {"entry": contents.ledger.entries, "hash": contents.ledger.hash},
        "proposed": asdict(contents.standing.proposed),
        "verified": asdict(contents.standing.verified),
        "white_cells": contents.standing.white_cells,
        "reviewed": contents.standing.reviewed,
        "unidentified": contents.standing.unidentified,
        "preliminary": contents.is_preliminary,
        "minimum_cells": contents.minimum_cells,
        "left_out": [asdict(one) for one in contents.left_out],
        "laboratory": contents.laboratory.as_json(),
        "readers": list(contents.readers),
        "grade_differences": list(contents.grade_differences),
        "grades": {
            term: grade.grade
            for term, grade in sorted(contents.grades.items())
            if term != PLATELETS and grade.grade is not None
        },
        "platelets": platelets.words if platelets else None,
        "remarks": [_remark(one) for one in contents.remarks],
        "target_cells": contents.target_cells,
        "abnormalities": [_seen(one) for one in contents.seen],
        "critical_calls": [_call(one) for one in contents.calls],
        **({"red_cells": contents.red_cells} if contents.red_cells is not None else {}),
        "pictures": [_picture(contents, picture) for picture in contents.pictures],
    }


def _remark(remark: Remark) -> dict[str, object]:
    return {
        "picture": remark.picture_id,
        "cell": remark.cell_id,
        "text": remark.text,
        "by": remark.author_name,
        "at": moment(remark.written_at),
    }


def _seen(one: Seen) -> dict[str, object]:
    return {
        "term": one.term,
        "critical": one.is_critical,
        "picture": one.picture_id,
        "cell": one.cell_id,
        "readers": list(one.reader_names),
        "at": moment(one.seen_at),
        **({"box_xyxy_px": list(one.box_xyxy_px)} if one.box_xyxy_px is not None else {}),
    }


def _call(one: CriticalCall) -> dict[str, object]:
    return {
        "finding": one.finding,
        "told": one.told,
        "called_at": moment(one.called_at),
        "read_back": one.read_back,
        "by": one.caller_name,
    }


def _picture(contents: CaseContents, picture: CasePicture) -> dict[str, object]:
    return {
        "id": picture.id,
        "kind": picture.kind,
        "file": contents.file_name(picture),
        "slide": picture.slide,
        "sha256": picture.sha256,
        "width": picture.width,
        "height": picture.height,
        "models": picture.models,
        "code": picture.code_version,
        KEY: contents.acceptance_of(picture).status,
        "flags": list(picture.flag_codes),
        "included": picture.left_out is None,
        "boxes_confirmed_by": list(contents.confirmed.get(picture.id, ())),
        **({"palm": picture.palm()} if picture.kind == "palm" else _field(contents, picture)),
    }


def _field(contents: CaseContents, picture: CasePicture) -> dict[str, object]:
    return {
        "counts": contents.counts(picture),
        "cells": [_cell(cell) for cell in contents.cells_of(picture)],
    }


def _cell(cell: ReviewCell) -> dict[str, object]:
    row: dict[str, object] = {
        "id": cell.id,
        "kind": cell.kind,
        "box_xyxy": [round(side, 2) for side in cell.box_xyxy_px],
    }
    if cell.kind == "wbc":
        row["proposed"] = cell.call.in_full() if cell.call else None
        row["verified"] = cell.label
        row["critical"] = cell.is_critical
        row["reader"] = cell.answer.reader_name if cell.answer else None
    if cell.shape is not None:
        row["shape"] = cell.shape.as_json()
    if cell.given_shape is not None and cell.given_shape.by:
        row["shape_verified"] = cell.given_shape.shape
        row["shape_readers"] = sorted({one.reader_name for one in cell.given_shape.by})
    return row


def _label(answer: Answer | None) -> str:
    return (answer.label or "") if answer else ""
