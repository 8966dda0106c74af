"""The cells of a case as a reviewer sees them: machine's answer, reader's answer, doubt."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, RowMapping, select

from core.access.people import Person
from core.access.rights import require
from core.records import Box, SmearFinding, WbcCall
from core.records.red_cell import RedCellShape
from core.review.reading import reading_boxes
from core.review.reading.halves import in_other_half
from core.review.reading.reading_boxes import DELETED, KIND, select_boxes
from core.review.reading.red_cells.shapes import StandingShape, shapes_in
from core.review.record import readings, roster
from core.review.record.case_rows import Case, case_in, pictures_in
from core.review.record.readings import FIRST, SECOND, SETTLING
from core.review.record.review_store import ReviewStore
from core.slide import judgement
from core.store.review_schema import answers, case_cells
from core.taxonomy import CellKind


@dataclass(frozen=True)
class Answer:
    """What a reader called a cell. ``revision`` is sent along when it is changed again.

    ``label`` None: it was taken back. ``carried``: it came over from the version before.
    ``preclassified``: whoever gave it may not review, so a reviewer has yet to confirm it.
    """

    cell_id: int
    reading: int
    label: str | None
    reader: str
    reader_name: str
    answered_at: datetime
    seconds: float | None
    carried: bool
    revision: int
    preclassified: bool = False


@dataclass(frozen=True)
class ReviewCell:
    """One cell of a case.

    ``call`` is the machine's answer: None for a cell that a person drew, for red cells and
    platelets, and where it is withheld: ``blind``, which those ``in_blind_sample`` are until the
    case is signed. ``answer`` is the one of the
    reading that this person sees; ``first`` and ``second`` are both readers', given only while
    they are settled or after. ``box_settled`` False: the readers differ in whether, where or what
    kind of cell is here. ``doubt`` in [0, 1] sorts the gallery, most doubtful first. ``included``
    False: its field is left out, so the cell is in no count and needs no answer. ``halved``: two
    readers read a half of the case each; ``asked`` False: it is in the other reader's half.
    ``shape`` is what the model said of a red cell, ``given_shape`` what stands of readers.
    """

    id: int
    case_id: int
    picture_id: int
    place: int | None
    kind: CellKind
    box_xyxy_px: Box
    call: WbcCall | None
    blind: bool
    in_blind_sample: bool
    novel: bool
    deleted: bool
    revision: int
    answer: Answer | None
    first: Answer | None
    second: Answer | None
    doubt: float
    box_settled: bool = True
    included: bool = True
    asked: bool = True
    halved: bool = False
    shape: RedCellShape | None = None
    given_shape: StandingShape | None = None

    @property
    def label(self) -> str | None:
        """What the reader called it; where both readers agree, that."""
        if self.answer is not None and self.answer.label is not None:
            return self.answer.label
        return self.agreed

    @property
    def is_preclassified(self) -> bool:
        """Whether its only answer is of somebody who may not review."""
        return self.answer is not None and self.label is not None and self.answer.preclassified

    @property
    def is_reviewed(self) -> bool:
        """Whether somebody who may review has answered it."""
        return self.label is not None and not self.is_preclassified

    @property
    def agreed(self) -> str | None:
        """The class both readers gave, None where they differ or one did not answer.

        Where each read a half, that of the one who read it.
        """
        both = (self.first, self.second)
        if self.halved:
            given = [a for a in both if a is not None and a.label is not None]
            if len(given) == 1 and not given[0].preclassified:
                return given[0].label
        if all(a is not None and a.label is not None for a in both):
            labels = {a.label for a in both if a is not None}
            if len(labels) == 1:
                return labels.pop()
        return None

    @property
    def differs(self) -> bool:
        """Both readers answered, and differently."""
        both = [a.label for a in (self.first, self.second) if a is not None]
        return len(both) == 2 and None not in both and both[0] != both[1]

    @property
    def is_critical(self) -> bool:
        """Called critical by the reader, or by the rule where no reviewer has answered yet."""
        return judgement.cell_is_critical(
            self.call, self.label, preclassified=self.is_preclassified
        )


def cells(
    store: ReviewStore,
    person: Person,
    case_id: int,
    *,
    kind: CellKind | None = "wbc",
    picture_id: int | None = None,
    with_deleted: bool = False,
    only: Iterable[int] | None = None,
) -> list[ReviewCell]:
    """Cells of a case, the most doubtful first; ``kind`` None gives all kinds.

    ``only``: of the case's cells those with these numbers.

    Raises:
        NotAllowed: without the right to read.
        CaseRefused: if there is no such case.
    """
    require(person, "read")
    with store.database.read() as connection:
        case = case_in(connection, case_id)
        reading = readings.seen_by(connection, case, person)
        return cells_in(
            connection,
            case,
            reading,
            kind=kind,
            picture_id=picture_id,
            with_deleted=with_deleted,
            only=only,
        )


def cells_in(
    connection: Connection,
    case: Case,
    reading: int,
    *,
    kind: CellKind | None = "wbc",
    picture_id: int | None = None,
    with_deleted: bool = False,
    unveiled: bool | None = None,
    only: Iterable[int] | None = None,
) -> list[ReviewCell]:
    """Like :func:`cells`, within a transaction.

    ``unveiled`` shows the blind cells' machine answers too; by default they are shown once the
    case is signed.
    """
    query = select_boxes(case.version, reading).where(case_cells.c.case_id == case.id)
    if kind is not None:
        query = query.where(KIND.in_([kind]))
    if picture_id is not None:
        query = query.where(case_cells.c.picture_id == picture_id)
    if not with_deleted:
        query = query.where(DELETED.is_(False))
    if only is not None:
        query = query.where(case_cells.c.id.in_(list(only)))
    rows = connection.execute(query.order_by(case_cells.c.id)).all()
    # The answer to a key asks for one cell: only its field is taken to the limits that hold.
    shown_fields = {row.picture_id for row in rows}
    fields = {
        picture.id: picture.finding()
        for picture in pictures_in(connection, case.id)
        if picture.id in shown_fields
    }
    matched = reading_boxes.matched_boxes(connection, case) if reading == SETTLING else {}
    wanted = [row.id for row in rows]
    wanted += [matched[number] for number in wanted if number in matched]
    given = answers_in(connection, case, None if only is None else wanted)
    # A cell that both drew is one cell: the second reader answered their own drawing.
    given |= {
        (number, SECOND): given[other, SECOND]
        for number, other in matched.items()
        if (other, SECOND) in given
    }
    shown = case.is_closed if unveiled is None else unveiled
    others = in_other_half(connection, case, reading)
    shapes = shapes_in(connection, case, reading) if kind in (None, "rbc") else {}
    found = [
        replace(
            _cell(row._mapping, fields[row.picture_id], given, reading, shown),
            asked=row.id not in others,
            given_shape=shapes.get(row.id) if row.kind == "rbc" else None,
            halved=bool(case.halves),
        )
        for row in rows
    ]
    return sorted(found, key=lambda cell: (-cell.doubt, cell.id))


def answers_in(
    connection: Connection, case: Case, only: Iterable[int] | None = None
) -> dict[tuple[int, int], Answer]:
    """Answers of the case's version by cell and reading; ``only`` those of these cells."""
    query = select(
        answers.c.cell_id,
        answers.c.reading,
        answers.c.label,
        answers.c.reader,
        answers.c.reader_name,
        answers.c.answered_at,
        answers.c.seconds,
        answers.c.carried,
        answers.c.revision,
    ).where(answers.c.case_id == case.id, answers.c.version == case.version)
    if only is not None:
        query = query.where(answers.c.cell_id.in_(list(only)))
    helpers = roster.who_may_not(connection, "review")
    found = [
        Answer(**row._mapping, preclassified=row.reader in helpers)
        for row in connection.execute(query)
    ]
    return {(answer.cell_id, answer.reading): answer for answer in found}


def _cell(
    row: RowMapping,
    finding: SmearFinding,
    given: Mapping[tuple[int, int], Answer],
    reading: int,
    unveiled: bool,
) -> ReviewCell:
    place, number = row["place"], row["id"]
    call = finding.cells[place].wbc if place is not None else None
    # A critical call is never withheld, also in cases stored before this rule.
    hidden = row["blind"] and not unveiled and not judgement.call_is_critical(call)
    both = reading == SETTLING
    return ReviewCell(
        id=number,
        case_id=row["case_id"],
        picture_id=row["picture_id"],
        place=place,
        kind=row["kind"],
        box_xyxy_px=(row["x0_px"], row["y0_px"], row["x1_px"], row["y1_px"]),
        call=None if hidden else call,
        blind=hidden,
        in_blind_sample=row["blind"],
        novel=row["novel"] and not hidden,
        deleted=row["deleted"],
        revision=row["revision"],
        answer=given.get((number, reading)),
        first=given.get((number, FIRST)) if both else None,
        second=given.get((number, SECOND)) if both else None,
        doubt=_blind_doubt(number) if hidden else doubt(call, row["novel"]),
        box_settled=row["settled"],
        included=judgement.is_included(finding),
        shape=finding.cells[place].shape if place is not None and row["kind"] == "rbc" else None,
    )


def doubt(call: WbcCall | None, novel: bool = False) -> float:
    """How much a person should look, in [0, 1].

    The entropy of the class probabilities over its largest value; what the model abstains from,
    has not seen before or calls critical comes before everything else. A cell without an answer
    is in full doubt.
    """
    if call is None:
        return 1.0
    shares = [p for p in call.probabilities.values() if p > 0]
    most = math.log(max(len(call.probabilities), 2))
    entropy = min(1.0, -sum(p * math.log(p) for p in shares) / most) if shares else 1.0
    if judgement.call_is_critical(call):
        return 0.9 + 0.1 * entropy
    if judgement.call_is_doubtful(call) or novel:
        return 0.8 + 0.1 * entropy
    return 0.8 * entropy


def _blind_doubt(number: int) -> float:
    """A place in the order that does not depend on the machine's answer."""
    return (number * 0.6180339887498949) % 1.0
