"""Two readers, each of whom reads a half of the white cells: 200 each of 400, as CLSI H20 counts.

Every second white cell that the program found, in the order of their numbers, is the first
reader's, the others are the second's. So each field is divided evenly, a field that is added later
moves no cell to the other half, and one that is left out takes as many from either. A cell that a
reader drew, or made a white cell, is read by whoever has it in their reading.
"""

from collections.abc import Iterable

from sqlalchemy import Connection, Select, select

from core.access.people import Person
from core.access.rights import require
from core.review.record.case_rows import Case, case_in, open_case
from core.review.record.errors import CaseRefused
from core.review.record.ledger import recording
from core.review.record.readings import FIRST, SECOND, SETTLING
from core.review.record.review_store import ReviewStore
from core.store.review_schema import answers, case_cells, cases


def halves_of(connection: Connection, case: Case) -> dict[int, int]:
    """Cell -> the reading that reads it; empty where both readers read every cell."""
    if not case.halves:
        return {}
    numbers = connection.execute(_found(case).order_by(case_cells.c.id)).scalars()
    return {number: (FIRST, SECOND)[rank % 2] for rank, number in enumerate(numbers)}


def in_other_half(connection: Connection, case: Case, reading: int) -> frozenset[int]:
    """Cells that this reading does not read. Settling has all of them."""
    if reading == SETTLING:
        return frozenset()
    return frozenset(
        number for number, other in halves_of(connection, case).items() if other != reading
    )


def check_half(connection: Connection, case: Case, reading: int, numbers: Iterable[int]) -> None:
    """Raise CaseRefused where one of these cells is the other reader's."""
    others = in_other_half(connection, case, reading)
    for number in numbers:
        if number in others:
            raise CaseRefused(f"cell {number} is in the other reader's half of the case")


def read_in_halves(store: ReviewStore, person: Person, case_id: int, wanted: bool) -> Case:
    """Let two readers read a half each, or let every reader read every cell again.

    Halves are made before anybody has answered: else the first reader would have read cells of the
    second. To read the whole case again is possible as long as the first reading is not finished;
    the answers given stay.

    Raises:
        NotAllowed: without the right to review.
        CaseRefused: if the case is signed or cancelled, past its first reading, has answers
            already, or has fewer than two white cells.
    """
    require(person, "review")
    action = "read_in_halves" if wanted else "read_whole"
    with recording(store, person, action, case_id=case_id) as book:
        case = open_case(book.connection, case_id)
        if bool(case.halves) == wanted:
            return case
        if case.reading != FIRST:
            raise CaseRefused(
                f"case {case.accession} is past its first reading; how it is read is decided before"
            )
        if wanted:
            _check(book.connection, case)
        book.update(cases, case_id, halves=wanted)
        return case_in(book.connection, case_id)


def are_answered(store: ReviewStore, person: Person, case_id: int) -> bool:
    """Whether a cell of the case's version has an answer. Raises NotAllowed, CaseRefused."""
    require(person, "read")
    with store.database.read() as connection:
        return _answered(connection, case_in(connection, case_id))


def _answered(connection: Connection, case: Case) -> bool:
    given = select(answers.c.id).where(
        answers.c.case_id == case.id,
        answers.c.version == case.version,
        answers.c.label.is_not(None),
    )
    return connection.execute(given.limit(1)).first() is not None


def _check(connection: Connection, case: Case) -> None:
    if _answered(connection, case):
        raise CaseRefused(
            f"in case {case.accession} cells are answered already; halves are made before the "
            "first answer"
        )
    if len(connection.execute(_found(case).limit(2)).all()) < 2:
        raise CaseRefused(f"case {case.accession} has fewer than two white cells to divide")


def _found(case: Case) -> Select[int]:
    """Numbers of the white cells that the program found."""
    return select(case_cells.c.id).where(
        case_cells.c.case_id == case.id,
        case_cells.c.place.is_not(None),
        case_cells.c.kind == "wbc",
    )
