"""The states of a case as a table: who can do what in each, and so who can take it on from there.

============  ==============================  =================================================
state         who                             what
============  ==============================  =================================================
first         anybody who reviews             answer, take, finish the reading
first         who pre-classifies              answer; a reviewer confirms it
first         anybody who signs               sign (with a reason where nobody can read second)
second        who took no part in the first   answer, take, finish the reading
second        anybody who reviews             take it back into the first reading, with a reason
settling      anybody who reviews             answer, take
settling      anybody who signs               sign
open          who sends or reviews            change details, take fields out, cancel
signed        anybody who signs               amend
cancelled     who sends or reviews            open it again
============  ==============================  =================================================

A second reading that nobody on the list can do is taken back and signed with a reason, so that no
case lies for good where nobody can move it.
"""

from dataclasses import dataclass
from typing import Final, Literal

from sqlalchemy import Connection

from core.access.people import Person
from core.access.rights import Right, may, require
from core.review.record import readings, roster
from core.review.record.case_rows import Case, case_in
from core.review.record.readings import SECOND, SETTLING
from core.review.record.review_store import ReviewStore

State = Literal["first", "second", "settling", "signed", "cancelled"]
Action = Literal["answer", "finish", "take_back", "sign", "change", "cancel", "amend", "reopen"]


@dataclass(frozen=True)
class Way:
    """Something that can be done in a state. One of ``rights`` is needed; ``outsider``: only by
    somebody who took no part in the first reading.
    """

    state: State
    action: Action
    rights: tuple[Right, ...]
    outsider: bool = False


_OPEN: Final[tuple[State, ...]] = ("first", "second", "settling")
WAYS: Final[tuple[Way, ...]] = (
    Way("first", "answer", ("review", "preclassify")),
    Way("first", "finish", ("review",)),
    Way("first", "sign", ("sign",)),
    Way("second", "answer", ("review",), outsider=True),
    Way("second", "finish", ("review",), outsider=True),
    Way("second", "take_back", ("review",)),
    Way("settling", "answer", ("review",)),
    Way("settling", "sign", ("sign",)),
    *(Way(state, "change", ("upload", "review")) for state in _OPEN),
    *(Way(state, "cancel", ("upload", "review")) for state in _OPEN),
    Way("signed", "amend", ("sign",)),
    Way("cancelled", "reopen", ("upload", "review")),
)

_NEXT: Final[dict[State, tuple[Action, ...]]] = {
    "first": ("sign",),
    "second": ("finish", "take_back"),
    "settling": ("sign",),
    "signed": ("amend",),
    "cancelled": ("reopen",),
}
"""What moves a case on from a state, the usual way first."""

_WORDS: Final[dict[Action, str]] = {
    "answer": "answer its cells",
    "finish": "finish the second reading",
    "take_back": "take it back from the second reading",
    "sign": "sign it",
    "change": "change its details",
    "cancel": "cancel it",
    "amend": "amend it",
    "reopen": "open it again",
}


def state_of(case: Case) -> State:
    """Where a case stands."""
    if case.is_cancelled:
        return "cancelled"
    if case.is_closed:
        return "signed"
    return {SECOND: "second", SETTLING: "settling"}.get(case.reading, "first")  # type: ignore[return-value]


def possible(store: ReviewStore, person: Person, case_id: int) -> frozenset[Action]:
    """What this person can do with a case now. Raises NotAllowed, CaseRefused."""
    require(person, "read")
    with store.database.read() as connection:
        case = case_in(connection, case_id)
        first = readings.first_readers(connection, case)
        return frozenset(
            way.action for way in WAYS if way.state == state_of(case) and _can(way, person, first)
        )


def next_steps(store: ReviewStore, person: Person, case_id: int) -> tuple[str, ...]:
    """Sentences that say who can take a case on, the usual way first.

    ``Petra or Peter can finish the second reading.`` Nobody's name is said where the site has no
    list of people (a computer that nobody else reaches).

    Raises NotAllowed, CaseRefused.
    """
    require(person, "read")
    with store.database.read() as connection:
        case = case_in(connection, case_id)
        first = readings.first_readers(connection, case)
        found = []
        for action in _NEXT[state_of(case)]:
            (way,) = (w for w in WAYS if w.state == state_of(case) and w.action == action)
            people = _people(connection, way, person)
            names = ["you" if p.subject == person.subject else p.name for p in people
                     if _can(way, p, first)]  # fmt: skip
            who = " or ".join(names) or "nobody on the list"
            found.append(f"{who[0].upper()}{who[1:]} can {_WORDS[action]}.")
        return tuple(found)


def _people(connection: Connection, way: Way, person: Person) -> list[Person]:
    found = {person.subject: person}
    for right in way.rights:
        found |= {one.subject: one for one in roster.may_do(connection, right)}
    return list(found.values())


def _can(way: Way, person: Person, first_readers: frozenset[str]) -> bool:
    outside = not (way.outsider and person.subject in first_readers)
    return outside and any(may(person, right) for right in way.rights)
