"""Red-cell morphology graded 0 to 3, and the platelets' estimate, over all fields of a case."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, select

from core.access.people import Person
from core.access.rights import require
from core.review.case.cases import Case, case_in, mark_in_review, open_case
from core.review.record import readings
from core.review.record.errors import CaseRefused, Conflict, StaleEdit
from core.review.record.ledger import Recording, recording
from core.review.record.readings import FIRST, SECOND, SETTLING
from core.review.record.review_store import ReviewStore
from core.store import review_schema as schema

TERMS: Final[Mapping[str, tuple[str, str]]] = {
    "anisocytosis": ("11-20 %", "> 20 %"),
    "macrocytes": ("11-20 %", "> 20 %"),
    "oval_macrocytes": ("2-5 %", "> 5 %"),
    "microcytes": ("11-20 %", "> 20 %"),
    "hypochromic_cells": ("11-20 %", "> 20 %"),
    "polychromasia": ("5-20 %", "> 20 %"),
    "acanthocytes": ("5-20 %", "> 20 %"),
    "bite_cells": ("1-2 %", "> 2 %"),
    "blister_cells": ("1-2 %", "> 2 %"),
    "echinocytes": ("5-20 %", "> 20 %"),
    "elliptocytes": ("5-20 %", "> 20 %"),
    "irregularly_contracted_cells": ("1-2 %", "> 2 %"),
    "ovalocytes": ("5-20 %", "> 20 %"),
    "schistocytes": ("1-2 %", "> 2 %"),
    "sickle_cells": ("1-2 %", "> 2 %"),
    "spherocytes": ("5-20 %", "> 20 %"),
    "stomatocytes": ("5-20 %", "> 20 %"),
    "target_cells": ("5-20 %", "> 20 %"),
    "teardrop_cells": ("5-20 %", "> 20 %"),
    "basophilic_stippling": ("5-20 %", "> 20 %"),
    "howell_jolly_bodies": ("2-3 %", "> 3 %"),
    "pappenheimer_bodies": ("2-3 %", "> 3 %"),
}
"""Term -> share of red cells at grade 2 (moderate) and grade 3 (many). Grade 1 is fewer; of these
only schistocytes (below 1 %) are reported at it.

Source: Palmer et al. 2015, ICSH recommendations for the nomenclature and grading of peripheral
blood cell morphological features, table of grades.
"""

GRADES: Final = {0: "normal", 1: "few", 2: "moderate", 3: "many"}
PLATELETS: Final = "platelets"
PLATELET_WORDS: Final = ("decreased", "adequate", "increased", "clumped", "not_determined")


@dataclass(frozen=True)
class Grade:
    """A term's grade in a reading; the platelets' has ``words`` instead. Both None: taken back."""

    term: str
    reading: int
    grade: int | None
    words: str | None
    reader: str
    reader_name: str
    graded_at: datetime
    revision: int


def grade(
    store: ReviewStore,
    person: Person,
    case_id: int,
    term: str,
    value: int | str | None,
    revision: int = 0,
) -> Grade:
    """Grade one term.

    Args:
        term: one of ``TERMS`` with a value 0 to 3, or ``PLATELETS`` with one of
            ``PLATELET_WORDS``.
        value: None takes the grade back.
        revision: of the grade that was shown, 0 where there was none.

    Raises:
        NotAllowed: without the right to review.
        StaleEdit: if somebody graded it since.
        NotYourReading, CaseRefused.
    """
    require(person, "review")
    _check(term, value)
    with recording(store, person, "grade", case_id=case_id, detail=f"{term}: {value}") as book:
        case = open_case(book.connection, case_id)
        reading = readings.writable_by(book.connection, case, person)
        known = grades_in(book.connection, case, reading)
        now = known.get(term)
        if (now.revision if now else 0) != revision:
            theirs = "" if now is None else _shown(now)
            by, at = (now.reader_name, now.graded_at) if now else ("", None)
            mine = "taken back" if value is None else str(value)
            fresh = now.revision if now else 0
            raise StaleEdit((Conflict("grade", case_id, mine, theirs, by, at, fresh),))
        mark_in_review(book, case)
        _save(book, case, reading, {term: value})
        return grades_in(book.connection, case, reading)[term]


def all_as_normal(store: ReviewStore, person: Person, case_id: int) -> dict[str, Grade]:
    """Every term that nobody graded yet is normal, the platelets adequate. Graded ones stay.

    Raises:
        NotAllowed, NotYourReading, CaseRefused.
    """
    require(person, "review")
    with recording(store, person, "grade", case_id=case_id, detail="all as normal") as book:
        case = open_case(book.connection, case_id)
        reading = readings.writable_by(book.connection, case, person)
        known = grades_in(book.connection, case, reading)
        graded = {t for t, g in known.items() if g.grade is not None or g.words is not None}
        wanted: dict[str, int | str | None] = {t: 0 for t in TERMS if t not in graded}
        if PLATELETS not in graded:
            wanted[PLATELETS] = "adequate"
        mark_in_review(book, case)
        _save(book, case, reading, wanted)
        return grades_in(book.connection, case, reading)


def grades_of(store: ReviewStore, person: Person, case_id: int) -> dict[str, Grade]:
    """Grades by term, of the reading this person sees. Raises NotAllowed, CaseRefused."""
    require(person, "view")
    with store.database.read() as connection:
        case = case_in(connection, case_id)
        return grades_in(connection, case, readings.seen_by(connection, case, person))


def grades_in(connection: Connection, case: Case, reading: int) -> dict[str, Grade]:
    """The same within a transaction.

    When two readings are settled a term goes by the settling, else by the higher of the two
    grades: what one of them saw must not be lost unspoken.
    """
    table = schema.grades
    columns = [table.c[name] for name in Grade.__dataclass_fields__]
    query = select(*columns).where(table.c.case_id == case.id, table.c.version == case.version)
    found = [Grade(**row._mapping) for row in connection.execute(query)]
    by: dict[int, dict[str, Grade]] = {FIRST: {}, SECOND: {}, SETTLING: {}}
    for one in found:
        by[one.reading][one.term] = one
    if reading != SETTLING:
        return by[reading]
    # A settled one is changed by its own revision; one of a reader counts as not there yet.
    settled = {
        term: max((by[r][term] for r in (FIRST, SECOND) if term in by[r]), key=_height)
        for term in by[FIRST].keys() | by[SECOND].keys()
    }
    fresh = {t: Grade(**{**g.__dict__, "revision": 0}) for t, g in settled.items()}
    return fresh | by[SETTLING]


def _height(one: Grade) -> int:
    return one.grade if one.grade is not None else -1


def _save(
    book: Recording, case: Case, reading: int, wanted: Mapping[str, int | str | None]
) -> None:
    table = schema.grades
    here = (
        (table.c.case_id == case.id)
        & (table.c.version == case.version)
        & (table.c.reading == reading)
    )
    known = {row.term: row for row in book.connection.execute(select(table).where(here))}
    who = {
        "reader": book.person.subject,
        "reader_name": book.person.name,
        "graded_at": book.now,
    }
    fresh: list[dict[str, Any]] = []
    for term, value in wanted.items():
        said = {
            "grade": value if isinstance(value, int) else None,
            "words": value if isinstance(value, str) else None,
            **who,
        }
        if term in known:
            book.update(table, known[term].id, **said)
        else:
            own = {"case_id": case.id, "version": case.version, "reading": reading, "term": term}
            fresh.append({**own, **said, "revision": 1})
    book.insert_many(table, fresh)


def _shown(one: Grade) -> str:
    if one.words is not None:
        return one.words
    return "taken back" if one.grade is None else str(one.grade)


def _check(term: str, value: int | str | None) -> None:
    allowed: Sequence[object]
    if term == PLATELETS:
        allowed = PLATELET_WORDS
    elif term in TERMS:
        allowed = tuple(GRADES)
    else:
        raise CaseRefused(f"unknown term {term!r}")
    # True is 1 in Python, and no grade.
    if value is not None and (value not in allowed or isinstance(value, bool)):
        raise CaseRefused(f"{term} is {' or '.join(map(str, allowed))}, got {value!r}")
