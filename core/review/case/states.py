"""The states of a case as a table: who can do what in each, and so who can take it on from there.

==========  ==============================  ======================================================
state       who                             what
==========  ==============================  ======================================================
empty       who sends                       put pictures in
first       anybody who reviews             answer, take, finish the reading
first       who pre-classifies              answer; a reviewer confirms it
first       anybody who signs               sign, unless a second reader is asked for and there is
                                            one; where nobody can read second, with a reason
second      who took no part in the first   answer, take, finish the reading
second      anybody who reviews             take it back into the first reading, with a reason
settling    anybody who reviews             answer, take, settle what the readers differ in
settling    anybody who signs               sign, once that is settled
open        who sends or reviews            change details, take fields out, assign, cancel
signed      anybody who signs               amend: the next version begins in ``first``
cancelled   who sends or reviews            open it again, in the state it was in
==========  ==============================  ======================================================

``empty`` to ``settling`` are the open states. Taking a case, taking it over and giving it back
change who has it and nothing else: whoever may answer may take it over. A second reading that
nobody on the list can do is taken back and signed with a reason, so that no case lies for good
where nobody can move it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from sqlalchemy import Connection

from core.access.people import Person
from core.access.rights import Right, may, require, roles_with
from core.review.reading.cells import cells_in
from core.review.record import readings, roster
from core.review.record.case_rows import Case, case_in, pictures_in
from core.review.record.errors import Blocker
from core.review.record.readings import SECOND, SETTLING
from core.review.record.review_store import ReviewStore
from core.review.signature import blockers

State = Literal["empty", "first", "second", "settling", "signed", "cancelled"]
Action = Literal[
    "add_picture", "answer", "finish", "take_back", "settle", "sign", "change", "cancel", "amend",
    "reopen",
]  # fmt: skip


@dataclass(frozen=True)
class Way:
    """Something that can be done in a state. One of ``rights`` is needed; ``outsider``: only by
    somebody who took no part in the first reading.
    """

    state: State
    action: Action
    rights: tuple[Right, ...]
    outsider: bool = False


_OPEN: Final[tuple[State, ...]] = ("empty", "first", "second", "settling")
WAYS: Final[tuple[Way, ...]] = (
    Way("first", "answer", ("review", "preclassify")),
    Way("first", "finish", ("review",)),
    Way("first", "sign", ("sign",)),
    Way("second", "answer", ("review",), outsider=True),
    Way("second", "finish", ("review",), outsider=True),
    Way("second", "take_back", ("review",)),
    Way("settling", "answer", ("review",)),
    Way("settling", "settle", ("review",)),
    Way("settling", "sign", ("sign",)),
    *(Way(state, "add_picture", ("upload",)) for state in _OPEN),
    *(Way(state, "change", ("upload", "review")) for state in _OPEN),
    *(Way(state, "cancel", ("upload", "review")) for state in _OPEN),
    Way("signed", "amend", ("sign",)),
    Way("cancelled", "reopen", ("upload", "review")),
)

_NEXT: Final[dict[State, tuple[Action, ...]]] = {
    "empty": ("add_picture",),
    "first": ("answer", "finish", "sign"),
    "second": ("finish", "take_back"),
    "settling": ("settle", "sign"),
    "signed": ("amend",),
    "cancelled": ("reopen",),
}
"""What moves a case on from a state, the usual way first."""

_WORDS: Final[dict[Action, str]] = {
    "add_picture": "put pictures into it",
    "answer": "review its cells",
    "finish": "finish the {reading} reading",
    "take_back": "take it back from the second reading",
    "settle": "settle the differences of the two readings",
    "sign": "sign it",
    "change": "change its details",
    "cancel": "cancel it",
    "amend": "amend it",
    "reopen": "open it again",
}
_DIFFERENCES: Final = frozenset({"differing", "differing_boxes", "differing_grades"})


@dataclass(frozen=True)
class NextStep:
    """A step that moves a case on, and the people who can take it; nobody: an empty tuple."""

    action: Action
    people: tuple[Person, ...]


@dataclass(frozen=True)
class Situation:
    """Where a case stands for one person.

    ``can`` is what their rights and their part in the readings let them do in this state; signing
    may still be blocked. ``steps`` are what moves the case on from here, blockers considered.
    """

    state: State
    can: frozenset[Action]
    steps: tuple[NextStep, ...]
    sentences: tuple[str, ...]


def state_of(case: Case, *, has_pictures: bool = True) -> State:
    """Where a case stands."""
    if case.is_cancelled:
        return "cancelled"
    if case.is_closed:
        return "signed"
    if not has_pictures:
        return "empty"
    if case.reading == SECOND:
        return "second"
    return "settling" if case.reading == SETTLING else "first"


def situation(store: ReviewStore, person: Person, case_id: int) -> Situation:
    """Where a case stands, as ``person`` sees it.

    The sentences name who can take each next step: ``Petra or Peter can finish the second
    reading.`` Where nobody can they say which role would; besides the person asking, only people of
    the list are known.

    Raises NotAllowed, CaseRefused.
    """
    require(person, "read")
    with store.database.read() as connection:
        case = case_in(connection, case_id)
        state = state_of(case, has_pictures=bool(pictures_in(connection, case_id)))
        against = _against(connection, case, state)
        first = readings.first_readers(connection, case)
        ways = [way for way in WAYS if way.state == state]
        can = frozenset(way.action for way in ways if _can(way, person, first))
        steps = []
        sentences = []
        for way in _in_order([way for way in ways if _is_open(way, against)], against):
            people = [p for p in _people(connection, way, person) if _takes_on(way, p, first)]
            steps.append(NextStep(way.action, tuple(people)))
            sentences.append(_sentence(way, case, people, person, needs_reason=bool(against)))
        return Situation(state, can, tuple(steps), tuple(sentences))


def possible(store: ReviewStore, person: Person, case_id: int) -> frozenset[Action]:
    """What this person can do with a case now. Raises NotAllowed, CaseRefused."""
    return situation(store, person, case_id).can


def next_steps(store: ReviewStore, person: Person, case_id: int) -> tuple[str, ...]:
    """Sentences that say who can take a case on, the usual way first.

    Raises NotAllowed, CaseRefused.
    """
    return situation(store, person, case_id).sentences


def _against(connection: Connection, case: Case, state: State) -> tuple[Blocker, ...]:
    """What stands between an open case and its signature."""
    if state not in ("first", "second", "settling"):
        return ()
    white = cells_in(connection, case, case.reading, unveiled=True)
    return blockers.of_case(connection, case, white)


def _is_open(way: Way, against: Iterable[Blocker]) -> bool:
    """Whether a way is open now, given what stands against the signature."""
    if way.action == "sign":
        return all(blocker.reason_suffices for blocker in against)
    if way.action == "settle":
        return any(blocker.code in _DIFFERENCES for blocker in against)
    return True


def _in_order(ways: Iterable[Way], against: Iterable[Blocker]) -> list[Way]:
    """The ways that move the case on from here, the usual one first."""
    codes = {blocker.code for blocker in against if not blocker.reason_suffices}
    wants_answers = any(b.code in ("unreviewed", "preclassified") for b in against)
    by_action = {way.action: way for way in ways}
    found = []
    for way in by_action.values():
        if way.action not in _NEXT[way.state]:
            continue
        # A first reading is finished only where a second reader is asked for and there is one.
        if (way.state, way.action) == ("first", "finish") and "second_reading" not in codes:
            continue
        if way.action == "answer" and not wants_answers:
            continue
        found.append(way)
    return sorted(found, key=lambda way: _NEXT[way.state].index(way.action))


def _sentence(
    way: Way, case: Case, people: list[Person], person: Person, *, needs_reason: bool
) -> str:
    reading = "second" if case.reading == SECOND else "first"
    words = _WORDS[way.action].format(reading=reading)
    if way.action == "sign" and needs_reason:
        words += " as it is, with a reason"
    if not people:
        rights = [right for right in way.rights if right != "preclassify"]
        roles = " or ".join(dict.fromkeys(role for r in rights for role in roles_with(r)))
        other = " who took no part in the first reading" if way.outsider else ""
        return f"Nobody on the list can {words}: that takes the role {roles}{other}."
    names = ["you" if p.subject == person.subject else p.name for p in people]
    who = " or ".join(names)
    return f"{who[0].upper()}{who[1:]} can {words}."


def _people(connection: Connection, way: Way, person: Person) -> list[Person]:
    """The person asking, then everybody on the list who has one of the rights, by name."""
    listed = {one.subject: one for right in way.rights for one in roster.may_do(connection, right)}
    listed.pop(person.subject, None)
    return [person, *sorted(listed.values(), key=lambda one: (one.name, one.subject))]


def _can(way: Way, person: Person, first_readers: frozenset[str]) -> bool:
    outside = not (way.outsider and person.subject in first_readers)
    return outside and any(may(person, right) for right in way.rights)


def _takes_on(way: Way, person: Person, first_readers: frozenset[str]) -> bool:
    """Like :func:`_can`; an answer of somebody who only pre-classifies takes no case on."""
    if way.action == "answer" and not may(person, "review"):
        return False
    return _can(way, person, first_readers)
