"""Red-cell morphology graded 0 to 3, and the platelets' estimate, over all fields of a case."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, select

from core.access.people import Person
from core.access.rights import require
from core.review.reading import reading_boxes
from core.review.reading.grade_terms import GRADES, PLATELET_WORDS, PLATELETS, TERMS
from core.review.reading.value_words import grade_words
from core.review.record import readings
from core.review.record.case_rows import (
    Case,
    case_in,
    mark_in_review,
    open_case,
    pictures_in,
)
from core.review.record.errors import CaseRefused, Conflict, StaleEdit
from core.review.record.ledger import Recording, recording
from core.review.record.readings import FIRST, SECOND, SETTLING
from core.review.record.review_store import ReviewStore
from core.slide.judgement import platelets_contradict
from core.store import review_schema as schema

__all__ = [
    "GRADES", "PLATELETS", "PLATELET_WORDS", "TERMS", "AgainstCount", "Grade", "GradeDifference",
    "all_as_normal", "differences", "differences_in", "grade", "grades_in", "grades_of",
]  # fmt: skip


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
    *,
    against_count: bool = False,
) -> Grade:
    """Grade one term.

    Args:
        term: one of ``TERMS`` with a value 0 to 3, or ``PLATELETS`` with one of
            ``PLATELET_WORDS``.
        value: None takes the grade back.
        revision: of the grade that was shown, 0 where there was none.
        against_count: the person was asked about a platelet word that contradicts the count, and
            said that it is right; the ledger keeps that.

    Raises:
        NotAllowed: without the right to review.
        AgainstCount: for a platelet word that contradicts the count, unless ``against_count``.
        StaleEdit: if somebody graded it since.
        NotYourReading, CaseRefused.
    """
    require(person, "review")
    _check(term, value)
    with recording(store, person, "grade", case_id=case_id, detail=_detail(term, value)) as book:
        case = open_case(book.connection, case_id)
        reading = readings.writable_by(book.connection, case, person)
        known = grades_in(book.connection, case, reading)
        now = known.get(term)
        if (now.revision if now else 0) != revision:
            theirs = "" if now is None else _stored(_value(now))
            by, at = (now.reader_name, now.graded_at) if now else ("", None)
            mine = _stored(value)
            fresh = now.revision if now else 0
            raise StaleEdit((Conflict("grade", case_id, mine, theirs, by, at, fresh),))
        if term == PLATELETS and isinstance(value, str):
            against = _against_count(book.connection, case, reading, value)
            if against and not against_count:
                raise AgainstCount(value, against)
            if against:
                book.detail += f", although {against}"
        mark_in_review(book, case)
        _save(book, case, reading, {term: value})
        return grades_in(book.connection, case, reading)[term]


class AgainstCount(CaseRefused):
    """A platelet word that the counted cells contradict: a person must say that it is right."""

    def __init__(self, word: str, why: str) -> None:
        super().__init__(f"platelets {word} does not go with the count: {why}")
        self.word, self.why = word, why


def _against_count(connection: Connection, case: Case, reading: int, word: str) -> str:
    counted = Counter[str]()
    out = {p.id for p in pictures_in(connection, case.id) if p.left_out is not None}
    for row in reading_boxes.boxes_in(connection, case, reading).values():
        if not row.deleted and row.picture_id not in out:
            counted[row.kind] += 1
    return platelets_contradict(word, counted["platelet"], counted["rbc"])


def all_as_normal(
    store: ReviewStore, person: Person, case_id: int, leave: Collection[str] = ()
) -> dict[str, Grade]:
    """Every red-cell term that nobody graded yet is normal. Graded ones stay, and the platelets.

    ``leave`` are terms that stay open: those of which the program proposes something abnormal need
    a grade of their own.

    Raises:
        NotAllowed, NotYourReading, CaseRefused.
    """
    require(person, "review")
    with recording(store, person, "grade", case_id=case_id, detail="all as normal") as book:
        case = open_case(book.connection, case_id)
        reading = readings.writable_by(book.connection, case, person)
        known = grades_in(book.connection, case, reading)
        graded = {t for t, g in known.items() if g.grade is not None or g.words is not None}
        wanted: dict[str, int | str | None] = {
            t: 0 for t in TERMS if t not in graded and t not in leave
        }
        if reading == SETTLING:
            for one in differences_in(book.connection, case):
                wanted.pop(one.term, None)
        mark_in_review(book, case)
        _save(book, case, reading, wanted)
        return grades_in(book.connection, case, reading)


def grades_of(store: ReviewStore, person: Person, case_id: int) -> dict[str, Grade]:
    """Grades by term, of the reading this person sees. Raises NotAllowed, CaseRefused."""
    require(person, "read")
    with store.database.read() as connection:
        case = case_in(connection, case_id)
        return grades_in(connection, case, readings.seen_by(connection, case, person))


def grades_in(connection: Connection, case: Case, reading: int) -> dict[str, Grade]:
    """Like :func:`grades_of`, within a transaction.

    While two readings are settled a term has the grade that was settled, else the one both gave
    or only one gave; a term in which they differ has none (:func:`differences_in`).
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
    fresh = {}
    for term in by[FIRST].keys() | by[SECOND].keys():
        first, second = by[FIRST].get(term), by[SECOND].get(term)
        given = first if _value(first) is not None else second
        if given is not None and not _differ(first, second):
            fresh[term] = replace(given, revision=0)
    return fresh | by[SETTLING]


@dataclass(frozen=True)
class GradeDifference:
    """A term in which the two readers differ. ``settled`` is what was decided, None while open."""

    term: str
    first: Grade | None
    second: Grade | None
    settled: Grade | None

    @property
    def is_open(self) -> bool:
        return self.settled is None or _value(self.settled) is None


def differences(store: ReviewStore, person: Person, case_id: int) -> list[GradeDifference]:
    """Terms in which the two readers differ; empty before both have read.

    Raises NotAllowed, CaseRefused.
    """
    require(person, "read")
    with store.database.read() as connection:
        case = case_in(connection, case_id)
        return differences_in(connection, case)


def differences_in(connection: Connection, case: Case) -> list[GradeDifference]:
    """Like :func:`differences`, within a transaction."""
    if case.reading != SETTLING:
        return []
    one, two = (grades_in(connection, case, reading) for reading in (FIRST, SECOND))
    settled = {
        term: grade
        for term, grade in grades_in(connection, case, SETTLING).items()
        if grade.reading == SETTLING
    }
    return [
        GradeDifference(term, one.get(term), two.get(term), settled.get(term))
        for term in (*TERMS, PLATELETS)
        if _differ(one.get(term), two.get(term))
    ]


def _value(one: Grade | None) -> int | str | None:
    if one is None:
        return None
    return one.words if one.words is not None else one.grade


def _differ(first: Grade | None, second: Grade | None) -> bool:
    """Two values that are not the same, or something abnormal that only one reader graded."""
    one, two = _value(first), _value(second)
    if one is None or two is None:
        return (one if two is None else two) not in (None, 0, "adequate", "not_determined")
    return one != two


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
    fresh: list[dict[str, object]] = []
    for term, value in wanted.items():
        values = {
            "grade": value if isinstance(value, int) else None,
            "words": value if isinstance(value, str) else None,
            **who,
        }
        if term in known:
            book.update(table, known[term].id, **values)
        else:
            own = {"case_id": case.id, "version": case.version, "reading": reading, "term": term}
            fresh.append({**own, **values, "revision": 1})
    book.insert_many(table, fresh)


def _stored(value: int | str | None) -> str:
    return "taken back" if value is None else str(value)


def _detail(term: str, value: int | str | None) -> str:
    """``target cells: few``, for the ledger."""
    return f"{term.replace('_', ' ')}: {grade_words(value)}"


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
