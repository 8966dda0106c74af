"""A signed version of a case as it was signed, whatever happened to the case since."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from core.access.people import Person
from core.access.rights import require
from core.records import SmearFinding
from core.review.acceptance.status import acceptances_in
from core.review.case.critical_calls import CriticalCall
from core.review.case.patient import previous_smear
from core.review.exchange.contents import CaseContents
from core.review.reading.abnormalities import Seen
from core.review.reading.cells import Answer, ReviewCell
from core.review.reading.grades import PLATELETS, Grade
from core.review.reading.red_cells.shapes import GivenShape, StandingShape
from core.review.reading.remarks import Remark
from core.review.record.case_rows import Case, CasePicture, case_in, of_one_laboratory, pictures_in
from core.review.record.errors import CaseRefused
from core.review.record.ledger import Head, entries, moment_of
from core.review.record.readings import FIRST, SECOND, SETTLING
from core.review.record.review_store import ReviewStore
from core.review.signature.signing import Signature, signatures_in
from core.review.signature.snapshot_format import (
    Snapshot,
    SnapshotAnswer,
    SnapshotCall,
    SnapshotCell,
    SnapshotPicture,
    SnapshotRemark,
    SnapshotSeen,
)
from core.review.signature.verified import of_cells
from core.slide.usual_shares import UsualShares


def gather_signed(store: ReviewStore, person: Person, case_id: int, version: int) -> CaseContents:
    """What a signature stands under, in the form that reports and exports are made of.

    Everything comes from the signed snapshot; only the pictures and their findings come from rows
    that never change.

    Raises:
        NotAllowed: without the right to read.
        CaseRefused: if there is no such case, or it was never signed as this version.
    """
    require(person, "read")
    with store.database.read() as connection:
        case = case_in(connection, case_id)
        found = [s for s in signatures_in(connection, case_id) if s.version == version]
        if not found:
            raise CaseRefused(f"case {case.accession} was not signed as version {version}")
        signature = found[0]
        snapshot = signature.snapshot
        there = {picture["id"] for picture in snapshot["pictures"]}
        pictures = of_one_laboratory([p for p in pictures_in(connection, case_id) if p.id in there])
        signing = [
            Head(entry.number, entry.hash)
            for entry in entries(connection, case_id)
            if any(c.table == "signatures" and c.row == signature.id for c in entry.changes)
        ]
        accepted = acceptances_in(connection, signature.signed_at)
        as_signed = _case_as_signed(case, signature)
        previous = previous_smear(connection, as_signed, signature.signed_at)
    cells = _cells(case_id, pictures, signature)
    return CaseContents(
        case=as_signed,
        pictures=tuple(_as_signed(p, snapshot["pictures"]) for p in pictures),
        cells=tuple(cells),
        standing=of_cells(cells, released="released" in snapshot),
        grades=_grades(snapshot, signature),
        remarks=tuple(
            _remark(case_id, n, row, version) for n, row in enumerate(snapshot["remarks"])
        ),
        signature=signature,
        ledger=signing[0] if signing else None,
        made_at=datetime.now(UTC),
        readers=tuple(snapshot.get("readers", ())),
        grade_differences=tuple(snapshot.get("grade_differences", ())),
        box_differences=tuple(snapshot.get("box_differences", ())),
        # A version that was signed before there was a minimum was not called preliminary.
        minimum_cells=snapshot.get("minimum_cells", 0),
        confirmed={
            row["id"]: tuple(row.get("boxes_confirmed_by", ())) for row in snapshot["pictures"]
        },
        acceptances=accepted,
        seen=tuple(_seen(row) for row in snapshot.get("abnormalities", ())),
        calls=tuple(
            _call(case_id, n, row, version)
            for n, row in enumerate(snapshot.get("critical_calls", ()))
        ),
        target_cells=snapshot.get("target_cells", 0),
        usual=UsualShares.of(
            as_signed.sex,
            as_signed.age_years,
            {n: (low, high) for n, (low, high) in snapshot.get("usual_shares", {}).items()},
        ),
        previous=previous,
        red_cells=snapshot.get("red_cells"),
        _store=store,
    )


def _case_as_signed(case: Case, signature: Signature) -> Case:
    details = signature.snapshot["case"]
    return replace(
        case,
        accession=details["accession"],
        pseudonym=details["pseudonym"],
        sex=details["sex"],
        age_years=details["age_years"],
        indication=details["indication"],
        second_reader=details["second_reader"],
        halves=details.get("halves"),
        version=signature.version,
        state="signed" if signature.version == 1 else "amended",
        signed_at=signature.signed_at,
    )


def _cells(case_id: int, pictures: Sequence[CasePicture], signature: Signature) -> list[ReviewCell]:
    """The cells that were there, by picture and number."""
    snapshot = signature.snapshot
    left_out = frozenset(row["id"] for row in snapshot["pictures"] if not row.get("included", True))
    findings = {p.id: p.finding() for p in pictures if p.kind == "field"}
    cells = [
        _cell(case_id, row, findings, left_out, signature)
        for row in snapshot["cells"]
        if not row["deleted"]
    ]
    return sorted(cells, key=lambda cell: (cell.picture_id, cell.id))


def _as_signed(picture: CasePicture, rows: list[SnapshotPicture]) -> CasePicture:
    row = next(row for row in rows if row["id"] == picture.id)
    # In a version signed before fields could be left out, every field counted.
    included = row["included_by_person"] if "included" in row else True
    return replace(picture, sha256=row["sha256"], models=row["models"], included=included)


def _cell(
    case_id: int,
    row: SnapshotCell,
    findings: dict[int, SmearFinding],
    left_out: frozenset[int],
    signature: Signature,
) -> ReviewCell:
    x0, y0, x1, y1 = row["box_xyxy_px"]
    place, label = row["place"], row.get("label")
    finding = findings[row["picture_id"]]
    call = finding.cells[place].wbc if place is not None else None
    given = {one["reading"]: _answer(row["id"], one, signature) for one in row.get("readers", [])}
    both = {FIRST, SECOND} <= given.keys()
    answer = given.get(SETTLING) if both else next(iter(given.values()), None)
    if answer is None and not both:
        # Older versions name nobody.
        answer = _answer(row["id"], {"reading": FIRST, "label": None, "reader": ""}, signature)
    if answer is not None:
        answer = replace(answer, label=label)
    return ReviewCell(
        id=row["id"],
        case_id=case_id,
        picture_id=row["picture_id"],
        place=place,
        kind=row["kind"],
        box_xyxy_px=(x0, y0, x1, y1),
        call=call if row["kind"] == "wbc" else None,
        blind=False,
        in_blind_sample=bool(row.get("blind")),
        novel=bool(row.get("novel")),
        deleted=False,
        revision=1,
        answer=answer if label is not None else None,
        first=given[FIRST] if both else None,
        second=given[SECOND] if both else None,
        doubt=0.0,
        included=row["picture_id"] not in left_out,
        shape=finding.cells[place].shape if place is not None and row["kind"] == "rbc" else None,
        given_shape=_shape(row),
    )


def _shape(row: SnapshotCell) -> StandingShape | None:
    if "shape_readers" not in row:
        return None
    given = tuple(
        GivenShape(
            row["id"],
            one["reading"],
            one["shape"],
            one["reader"],
            one["reader_name"],
            moment_of(one["given_at"]),
            1,
        )
        for one in row["shape_readers"]
    )
    return StandingShape(row["shape"], 1, given, row["shape"] is None)


def _answer(cell_id: int, one: SnapshotAnswer, signature: Signature) -> Answer:
    """A reader's answer to a cell; the oldest signed versions name nobody."""
    return Answer(
        cell_id=cell_id,
        reading=one["reading"],
        label=one["label"],
        reader=one["reader"],
        reader_name=one.get("reader_name", one["reader"]),
        answered_at=signature.signed_at,
        seconds=None,
        carried=False,
        revision=1,
        preclassified=one.get("preclassified", False),
    )


def _grades(snapshot: Snapshot, signature: Signature) -> dict[str, Grade]:
    given: list[tuple[str, int | None, str | None]] = [
        (term, grade, None) for term, grade in snapshot["grades"].items()
    ]
    if snapshot["platelets"]:
        given.append((PLATELETS, None, snapshot["platelets"]))
    by, name, at = signature.signed_by, signature.signed_name, signature.signed_at
    return {term: Grade(term, 1, grade, words, by, name, at, 1) for term, grade, words in given}


def _seen(row: SnapshotSeen) -> Seen:
    at, box = moment_of(row["seen_at"]), None
    if "box_xyxy_px" in row:
        x0, y0, x1, y1 = row["box_xyxy_px"]
        box = (x0, y0, x1, y1)
    return Seen(row["term"], row["picture_id"], row["cell_id"], tuple(row["readers"]), at, box)


def _call(case_id: int, number: int, row: SnapshotCall, version: int) -> CriticalCall:
    return CriticalCall(
        id=number,
        case_id=case_id,
        version=version,
        finding=row["finding"],
        told=row["told"],
        called_at=moment_of(row["called_at"]),
        read_back=row["read_back"],
        caller=row["caller"],
        caller_name=row["caller"],
        written_at=moment_of(row["written_at"]),
        deleted=False,
        revision=1,
    )


def _remark(case_id: int, number: int, row: SnapshotRemark, version: int) -> Remark:
    return Remark(
        id=number,
        case_id=case_id,
        picture_id=row["picture_id"],
        cell_id=row["cell_id"],
        version=version,
        reading=1,
        text=row["text"],
        author=row["author"],
        author_name=row["author"],
        written_at=datetime.fromisoformat(row["written_at"]),
        deleted=False,
        revision=1,
    )
