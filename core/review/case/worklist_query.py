"""What the worklist asks the database: counts of each case, and its critical cells."""

from collections import Counter
from collections.abc import Collection
from typing import Any, Final

from sqlalchemy import (
    Case,
    Connection,
    FromClause,
    Select,
    Subquery,
    and_,
    case,
    func,
    null,
    or_,
    select,
)

from core.review.reading.reading_boxes import DELETED, KIND, joined, known
from core.review.record import stored_finding
from core.review.record.readings import FIRST, SECOND, SETTLING
from core.slide import judgement
from core.slide.abnormality import ABNORMALITIES
from core.store.review_schema import (
    abnormalities,
    answers,
    box_confirmations,
    box_edits,
    case_cells,
    case_pictures,
    cases,
    signatures,
)
from core.taxonomy import CRITICAL_FLAG, LEFT_OUT_FLAGS, critical_labels

_COUNTS: Final = or_(
    case_pictures.c.included.is_(True),
    and_(
        case_pictures.c.included.is_(None),
        *(case_pictures.c.flag_codes.not_like(f"%{code}%") for code in LEFT_OUT_FLAGS),
    ),
)
"""Does the field count: :func:`core.slide.judgement.is_included` as the database can ask it."""

_FIRST: Final = answers.alias("first")
_SECOND: Final = answers.alias("second")
_TWIN: Final = box_edits.alias("twin")
_AGREED: Final = case(
    (_FIRST.c.label == _SECOND.c.label, _FIRST.c.label),
    (and_(cases.c.halves.is_(True), _SECOND.c.label.is_(None)), _FIRST.c.label),
    (and_(cases.c.halves.is_(True), _FIRST.c.label.is_(None)), _SECOND.c.label),
)
_LABEL: Final = func.coalesce(answers.c.label, _AGREED)
"""The answer of the reading that stands; of two readings, what both gave, or who read the half."""


def _reviewed(helpers: Collection[str]) -> Case[str | None]:
    """The label that stands, None where only somebody answered who may not review."""
    return case((answers.c.reader.in_(list(helpers)), null()), else_=_LABEL)


def _cells(helpers: Collection[str]) -> FromClause:
    """White cells with their picture, their case and its answers, as the reading has them."""
    # Of a half only one person has answered: who may not review does not settle it.
    by_reviewer = {
        one: or_(cases.c.halves.is_not(True), one.c.reader.not_in(list(helpers)))
        for one in (_FIRST, _SECOND)
    }
    here = and_(
        answers.c.cell_id == case_cells.c.id,
        answers.c.version == cases.c.version,
        answers.c.reading == cases.c.reading,
    )
    first = and_(
        cases.c.reading == SETTLING,
        _FIRST.c.cell_id == case_cells.c.id,
        _FIRST.c.version == cases.c.version,
        _FIRST.c.reading == FIRST,
        by_reviewer[_FIRST],
    )
    # A cell that both drew is one cell: the second reader's answer is on their own drawing.
    twin = and_(_TWIN.c.same_as == case_cells.c.id, _TWIN.c.version == cases.c.version)
    second = and_(
        cases.c.reading == SETTLING,
        _SECOND.c.cell_id == func.coalesce(_TWIN.c.cell_id, case_cells.c.id),
        _SECOND.c.version == cases.c.version,
        _SECOND.c.reading == SECOND,
        by_reviewer[_SECOND],
    )
    return (
        joined(cases.c.version, cases.c.reading)
        .join(case_pictures, case_pictures.c.id == case_cells.c.picture_id)
        .outerjoin(answers, here)
        .outerjoin(_FIRST, first)
        .outerjoin(_TWIN, twin)
        .outerjoin(_SECOND, second)
    )


_WHITE: Final = (KIND == "wbc", DELETED.is_(False))


def worklist_query(helpers: Collection[str]) -> Select[Any]:
    """Every case with what its row in the worklist counts, and its last signature.

    Args:
        helpers: subjects of those who may not review: their answers are proposals.
    """
    by_cell, by_picture, signed = _cell_counts(helpers), _picture_counts(), _last_signatures()
    numbers = [
        func.coalesce(column, 0).label(column.name)
        for column in (
            by_picture.c.fields,
            by_picture.c.palms,
            by_picture.c.unsure,
            by_cell.c.white_cells,
            by_cell.c.reviewed,
            by_cell.c.doubtful,
        )
    ]
    last = (signed.c.signed_name, signed.c.signed_at.label("last_signed_at"))
    return select(cases, *numbers, *last).select_from(
        cases.outerjoin(by_picture, by_picture.c.case_id == cases.c.id)
        .outerjoin(by_cell, by_cell.c.case_id == cases.c.id)
        .outerjoin(signed, signed.c.case_id == cases.c.id)
    )


def _cell_counts(helpers: Collection[str]) -> Subquery:
    """White cells of each case in the fields that count: all, reviewed ones, doubtful ones."""
    label = _reviewed(helpers)
    doubtful = (case_cells.c.abstained | case_cells.c.novel) & label.is_(None)
    return (
        select(
            case_cells.c.case_id,
            func.count().label("white_cells"),
            func.count(label).label("reviewed"),
            func.sum(case((doubtful, 1), else_=0)).label("doubtful"),
        )
        .select_from(_cells(helpers))
        .where(*_WHITE, known(), _COUNTS)
        .group_by(case_cells.c.case_id)
        .subquery()
    )


def _picture_counts() -> Subquery:
    """Fields and palms of each case, and fields whose two counts differ unconfirmed."""
    field = case_pictures.c.kind == "field"
    # Counts that differ between the two ways wait for a person to confirm the boxes.
    confirmed = and_(
        box_confirmations.c.picture_id == case_pictures.c.id,
        box_confirmations.c.version == cases.c.version,
        box_confirmations.c.reading == cases.c.reading,
        box_confirmations.c.confirmed,
    )
    unsure = and_(
        case_pictures.c.flag_codes.like("%methods_disagree%"),
        _COUNTS,
        box_confirmations.c.id.is_(None),
    )
    return (
        select(
            case_pictures.c.case_id,
            func.sum(case((field, 1), else_=0)).label("fields"),
            func.sum(case((field, 0), else_=1)).label("palms"),
            func.sum(case((unsure, 1), else_=0)).label("unsure"),
        )
        .outerjoin(cases, cases.c.id == case_pictures.c.case_id)
        .outerjoin(box_confirmations, confirmed)
        .group_by(case_pictures.c.case_id)
        .subquery()
    )


def _last_signatures() -> Subquery:
    """Who signed the newest signed version of each case, and when."""
    newest = (
        select(signatures.c.case_id, func.max(signatures.c.version).label("version"))
        .group_by(signatures.c.case_id)
        .subquery()
    )
    return (
        select(signatures.c.case_id, signatures.c.signed_name, signatures.c.signed_at)
        .join(
            newest,
            and_(
                newest.c.case_id == signatures.c.case_id,
                newest.c.version == signatures.c.version,
            ),
        )
        .subquery()
    )


def critical_abnormalities(connection: Connection, numbers: Collection[int]) -> Counter[int]:
    """Critical abnormalities that were seen in each case, in the version that stands.

    Each counts once, whoever saw it. What the first reader saw must not be told to the second by
    the list, so while one reads only theirs counts.
    """
    terms = [one.term for one in ABNORMALITIES if judgement.is_critical_term(one.term)]
    there = abnormalities
    query = (
        select(there.c.case_id, there.c.term, there.c.picture_id, there.c.cell_id)
        .add_columns(there.c.reading, there.c.present)
        .join(cases, cases.c.id == there.c.case_id)
        .where(there.c.case_id.in_(list(numbers)), there.c.term.in_(terms))
        .where(there.c.version == cases.c.version)
        .where(or_(there.c.reading == cases.c.reading, cases.c.reading == SETTLING))
        .order_by(there.c.reading, there.c.id)
    )
    standing: dict[tuple[Any, ...], bool] = {}
    for row in connection.execute(query):
        place = (row.case_id, row.term, row.picture_id, row.cell_id)
        before = standing.get(place, False) and row.reading != SETTLING
        standing[place] = row.present or before
    return Counter(place[0] for place, present in standing.items() if present)


def critical_cells(
    connection: Connection, numbers: Collection[int], helpers: Collection[str]
) -> Counter[int]:
    """Critical cells of each case, by :func:`core.slide.judgement.cell_is_critical`.

    The database only narrows the cells down: to those somebody called critical, and those of
    pictures in which the rule found a critical cell.
    """
    likely = or_(
        case_pictures.c.flag_codes.like(f"%{CRITICAL_FLAG}%"),
        case_cells.c.machine_label.in_(sorted(critical_labels())),
        _LABEL.in_(sorted(critical_labels())),
    )
    query = (
        select(
            case_cells.c.case_id,
            case_cells.c.picture_id,
            case_cells.c.place,
            # The second reader must not learn from the list what the first one found.
            case((cases.c.state == "second_review", null()), else_=_LABEL).label("label"),
            answers.c.reader,
        )
        .select_from(_cells(helpers))
        .where(*_WHITE, known(), likely, case_cells.c.case_id.in_(list(numbers)))
        # A field that a person took out was looked at; one that its flags took out was not.
        .where(or_(case_pictures.c.included.is_(None), case_pictures.c.included.is_(True)))
    )
    rows = connection.execute(query).all()
    texts = select(case_pictures.c.id, case_pictures.c.finding).where(
        case_pictures.c.id.in_({row.picture_id for row in rows})
    )
    findings = {row.id: stored_finding.from_text(row.finding) for row in connection.execute(texts)}
    found = Counter[int]()
    for row in rows:
        call = None
        if row.place is not None:
            call = findings[row.picture_id].cells[row.place].wbc
        found[row.case_id] += judgement.cell_is_critical(
            call, row.label, preclassified=row.reader in helpers
        )
    return found
