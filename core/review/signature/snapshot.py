"""Everything a signature stands under, as JSON, so that an old version stays readable for good."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, select

from core.access.people import Person
from core.review.case.critical_calls import CriticalCall, calls_in
from core.review.reading.abnormalities import Seen, seen_in
from core.review.reading.box_confirmations import confirmed_in
from core.review.reading.cells import Answer, ReviewCell, cells_in
from core.review.reading.grades import PLATELETS, grades_in
from core.review.reading.red_cells.shapes import GivenShape
from core.review.reading.red_cells.summary import red_cells_of_case, with_confirmed
from core.review.reading.remarks import Remark, remarks_in
from core.review.record.case_rows import Case, CasePicture, pictures_in
from core.review.record.ledger import moment
from core.review.signature.differences import (
    box_difference_rows,
    grade_difference_rows,
    readers_in,
)
from core.review.signature.snapshot_format import (
    DifferentialJson,
    ReleaseRow,
    Snapshot,
    SnapshotAnswer,
    SnapshotCall,
    SnapshotCase,
    SnapshotCell,
    SnapshotPicture,
    SnapshotRemark,
    SnapshotSeen,
    SnapshotShape,
)
from core.review.signature.verified import counts, of_cells
from core.settings import settings
from core.slide import judgement
from core.slide.differential import Differential
from core.slide.reference_ranges import RANGES_FILE
from core.slide.tables import disclaimer
from core.slide.usual_shares import site_shares
from core.store.review_schema import box_edits, case_cells, ledger_head
from core.taxonomy import site_classes, title

FORMAT: Final = 1


def snapshot_of(
    connection: Connection,
    case: Case,
    person: Person,
    reason: str,
    at: datetime,
    released: ReleaseRow | None = None,
) -> Snapshot:
    """The case as it is signed now by ``person``, in a batch under a rule where ``released``.

    ``ledger`` is its head before the signature; ``readers``, ``grade_differences`` and
    ``box_differences`` say what each reader gave and who settled it.
    """
    cells = cells_in(connection, case, case.reading, kind=None, with_deleted=True, unveiled=True)
    cells.sort(key=lambda cell: cell.id)
    standing = of_cells(cells, released=released is not None)
    graded = grades_in(connection, case, case.reading)
    platelets = graded.get(PLATELETS)
    head = connection.execute(select(ledger_head)).one()
    snapshot: Snapshot = {
        "format": FORMAT,
        "case": _details(case),
        "version": case.version,
        "signed_by": person.subject,
        "signed_name": person.name,
        "signed_at": moment(at),
        "reason": reason,
        "ledger": {"entries": head.entries, "hash": head.hash},
        "note": disclaimer(),
        "proposed": _differential(standing.proposed),
        "verified": _differential(standing.verified),
        "white_cells": standing.white_cells,
        "reviewed": standing.reviewed,
        "unidentified": standing.unidentified,
        "minimum_cells": settings().minimum_cells,
        "changed": standing.changed,
        "pictures": _pictures(connection, case, cells),
        # Of those taken away only the program's own: one that a person drew was never there.
        "cells": [_cell(cell) for cell in cells if not cell.deleted or cell.place is not None],
        "grades": {
            term: one.grade
            for term, one in sorted(graded.items())
            if term != PLATELETS and one.grade is not None
        },
        "platelets": platelets.words if platelets else None,
        "grade_differences": grade_difference_rows(connection, case),
        "box_differences": box_difference_rows(connection, case),
        "readers": readers_in(connection, case),
        "remarks": [_remark(one) for one in remarks_in(connection, case, case.reading)],
    }
    # Left out where there is none, so that a case signed before they existed has the same content.
    seen = seen_in(connection, case, case.reading)
    if seen:
        snapshot["abnormalities"] = [_seen(one) for one in seen]
    calls = calls_in(connection, case.id)
    if calls:
        snapshot["critical_calls"] = [_call(one) for one in calls]
    if settings().target_cells:
        snapshot["target_cells"] = settings().target_cells
    # Only what the site entered itself: the set that the program brings is the same tomorrow.
    own = site_shares(settings().var / RANGES_FILE, case.sex, case.age_years)
    if own:
        snapshot["usual_shares"] = {label: list(limits) for label, limits in own.items()}
    if released is not None:
        snapshot["released"] = released
    # What a site calls its own classes may change or go; a signed report keeps its words.
    own_titles = {
        label: title(label)
        for label in {cell.label for cell in cells if cell.label}
        & {one.label for one in site_classes().classes}
    }
    if own_titles:
        snapshot["titles"] = own_titles
    red = with_confirmed(red_cells_of_case(cells, pictures_in(connection, case.id)), graded)
    if red is not None:
        snapshot["red_cells"] = red
    return snapshot


def _details(case: Case) -> SnapshotCase:
    details: SnapshotCase = {
        "id": case.id,
        "accession": case.accession,
        "pseudonym": case.pseudonym,
        "sex": case.sex,
        "age_years": case.age_years,
        "indication": case.indication,
        "created_at": moment(case.created_at),
        "second_reader": case.second_reader,
    }
    if case.halves:
        details["halves"] = True
    return details


def _pictures(
    connection: Connection, case: Case, cells: Sequence[ReviewCell]
) -> list[SnapshotPicture]:
    confirmed = confirmed_in(connection, case, case.reading)
    changed = changed_pictures(connection, case)
    return [
        _picture(picture, cells, confirmed.get(picture.id, ()), picture.id in changed)
        for picture in pictures_in(connection, case.id)
    ]


def _picture(
    picture: CasePicture, cells: Sequence[ReviewCell], confirmed: Sequence[str], changed: bool
) -> SnapshotPicture:
    row: SnapshotPicture = {
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
        "boxes_confirmed_by": list(confirmed),
        "boxes_changed": changed,
        # Of a field that is left out too: what is in it, not what counts.
        "counts": counts(
            replace(cell, included=True) for cell in cells if cell.picture_id == picture.id
        ),
    }
    if picture.kind == "palm":
        row["palm"] = picture.palm()
    return row


def _cell(cell: ReviewCell) -> SnapshotCell:
    row: SnapshotCell = {
        "id": cell.id,
        "picture_id": cell.picture_id,
        "place": cell.place,
        "kind": cell.kind,
        "box_xyxy_px": list(cell.box_xyxy_px),
        "deleted": cell.deleted,
    }
    if cell.kind == "wbc":
        readers = [a for a in (cell.answer, cell.first, cell.second) if a is not None]
        row["label"] = cell.label
        row["proposed"] = cell.call.label if cell.call else None
        row["probability"] = cell.call.probability if cell.call else None
        row["abstained"] = judgement.call_is_doubtful(cell.call)
        row["novel"] = cell.novel
        row["critical"] = cell.is_critical
        row["blind"] = cell.in_blind_sample
        row["readers"] = [_answer(one) for one in readers]
    if cell.given_shape is not None and cell.given_shape.by:
        row["shape"] = cell.given_shape.shape
        row["shape_readers"] = [_shape(one) for one in cell.given_shape.by]
    return row


def _shape(one: GivenShape) -> SnapshotShape:
    return {
        "reading": one.reading,
        "shape": one.shape,
        "reader": one.reader,
        "reader_name": one.reader_name,
        "given_at": moment(one.given_at),
    }


def _answer(answer: Answer) -> SnapshotAnswer:
    row: SnapshotAnswer = {
        "reading": answer.reading,
        "label": answer.label,
        "reader": answer.reader,
        "reader_name": answer.reader_name,
    }
    if answer.preclassified:
        row["preclassified"] = True
    return row


def _remark(remark: Remark) -> SnapshotRemark:
    return {
        "picture_id": remark.picture_id,
        "cell_id": remark.cell_id,
        "text": remark.text,
        "author": remark.author_name,
        "written_at": moment(remark.written_at),
    }


def _seen(one: Seen) -> SnapshotSeen:
    row: SnapshotSeen = {
        "term": one.term,
        "picture_id": one.picture_id,
        "cell_id": one.cell_id,
        "readers": list(one.reader_names),
        "seen_at": moment(one.seen_at),
    }
    if one.box_xyxy_px is not None:
        row["box_xyxy_px"] = list(one.box_xyxy_px)
    return row


def _call(one: CriticalCall) -> SnapshotCall:
    return {
        "finding": one.finding,
        "told": one.told,
        "called_at": moment(one.called_at),
        "read_back": one.read_back,
        "caller": one.caller_name,
        "written_at": moment(one.written_at),
    }


def _differential(found: Differential) -> DifferentialJson:
    return {
        "rows": [
            {
                "label": row.label,
                "cells": row.cells,
                "share": row.share,
                "interval": {"low": row.interval.low, "high": row.interval.high},
                "is_part_of": row.is_part_of,
            }
            for row in found.rows
        ],
        "leukocytes": found.leukocytes,
        "unsure": found.unsure,
        "not_counted": dict(found.not_counted),
    }


def changed_pictures(connection: Connection, case: Case) -> frozenset[int]:
    """Fields of which a person changed a box, in this version or before."""
    query = (
        select(case_cells.c.picture_id)
        .join(box_edits, box_edits.c.cell_id == case_cells.c.id)
        .where(box_edits.c.case_id == case.id, box_edits.c.deleted.is_not(None))
    )
    return frozenset(connection.execute(query.distinct()).scalars())
