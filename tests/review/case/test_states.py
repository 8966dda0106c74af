"""The states of a case as a table: from each somebody can go on, and the screen says who."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count

import pytest

from core.access.rights import NotAllowed
from core.review.case import cases, lifecycle, states, worklist
from core.review.reading import answers, boxes, cells, grades
from core.review.reading.answers import NewAnswer
from core.review.record import roster
from core.review.record.errors import CaseRefused, SignatureBlocked
from core.review.signature import signing
from tests.fixtures.review import call_of, field_of, finding_of

SEEDS = count(1)


def say_all(store, who, case_id, label="lymphocyte"):
    """Answer every white cell that has another answer or none."""
    found = [c for c in cells.cells(store, who, case_id) if c.included]
    given = [NewAnswer(c.id, label, c.answer.revision if c.answer else 0) for c in found]
    # A case without cells has nothing to answer, and that is refused too.
    answers.answer(store, who, case_id, given or [NewAnswer(10**9, label)])


def add_picture(store, who, case_id):
    field = field_of(next(SEEDS))
    finding = finding_of(field, [call_of("monocyte"), call_of("lymphocyte")])
    cases.keep_field(store, who, case_id, field, finding)


def settle(store, who, case_id):
    """Say of everything in which the readers differ that it is as the first one has it."""
    open_boxes = [(one.cell, 1) for one in boxes.differences(store, who, case_id)]
    boxes.adjudicate(store, who, case_id, open_boxes)
    found = [c for c in cells.cells(store, who, case_id) if c.differs and c.answer is None]
    given = [NewAnswer(c.id, c.first.label) for c in found if c.first]
    if given:
        answers.answer(store, who, case_id, given)
    for one in grades.differences(store, who, case_id):
        if one.is_open and one.first is not None:
            grades.grade(store, who, case_id, one.term, one.first.grade)


def change(store, who, case_id):
    now = cases.get(store, who, case_id)
    cases.change(store, who, case_id, now.revision, age_years=(now.age_years or 0) + 1)


DO: dict[str, Callable[..., object]] = {
    "add_picture": add_picture,
    "answer": say_all,
    "finish": lambda s, p, c: signing.finish_reading(s, p, c, "some are open"),
    "take_back": lambda s, p, c: signing.take_back_reading(s, p, c, "nobody reads it"),
    "settle": settle,
    "sign": lambda s, p, c: signing.sign(s, p, c, "stated at signing"),
    "change": change,
    "cancel": lambda s, p, c: lifecycle.cancel(s, p, c, "wrong patient"),
    "amend": lambda s, p, c: signing.amend(s, p, c, "late result"),
    "reopen": lambda s, p, c: lifecycle.reopen(s, p, c, "it was right"),
}

# ---- how a case comes into each situation ------------------------------------------------------


def empty(store, p, case_id):
    """Nothing was sent yet."""


def unread(store, p, case_id):
    add_picture(store, p.technologist, case_id)


def preclassified(store, p, case_id):
    unread(store, p, case_id)
    say_all(store, p.technologist, case_id)


def assigned(store, p, case_id):
    unread(store, p, case_id)
    worklist.assign(store, p.technologist, case_id, p.second)


def taken_over(store, p, case_id):
    read(store, p, case_id)
    worklist.take(store, p.pathologist, case_id)
    worklist.take(store, p.second, case_id, over=True)
    say_all(store, p.second, case_id, "monocyte")


def returned(store, p, case_id):
    unread(store, p, case_id)
    worklist.take(store, p.pathologist, case_id)
    worklist.give_back(store, p.pathologist, case_id, "on leave")


def read(store, p, case_id):
    unread(store, p, case_id)
    say_all(store, p.pathologist, case_id)


def second(store, p, case_id):
    read(store, p, case_id)
    signing.finish_reading(store, p.pathologist, case_id)


def second_after_takeover(store, p, case_id):
    taken_over(store, p, case_id)
    signing.finish_reading(store, p.pathologist, case_id)


def second_and_nobody_left(store, p, case_id):
    second(store, p, case_id)
    roster.set_active(store, p.administrator, p.second.subject, False)


def taken_back(store, p, case_id):
    second_after_takeover(store, p, case_id)
    signing.take_back_reading(store, p.pathologist, case_id, "nobody reads it")


def agreed(store, p, case_id):
    second(store, p, case_id)
    say_all(store, p.second, case_id)
    signing.finish_reading(store, p.second, case_id)


def differing(store, p, case_id):
    read(store, p, case_id)
    grades.grade(store, p.pathologist, case_id, "spherocytes", 1)
    red = cells.cells(store, p.pathologist, case_id, kind="rbc")[0]
    boxes.change_box(store, p.pathologist, case_id, red.id, red.revision, deleted=True)
    signing.finish_reading(store, p.pathologist, case_id)
    say_all(store, p.second, case_id, "monocyte")
    grades.grade(store, p.second, case_id, "spherocytes", 3)
    signing.finish_reading(store, p.second, case_id)


def signed(store, p, case_id):
    differing(store, p, case_id)
    settle(store, p.second, case_id)
    signing.sign(store, p.second, case_id)


def amended(store, p, case_id):
    """Nobody has read the amendment: what both graded before came over with it."""
    signed(store, p, case_id)
    signing.amend(store, p.pathologist, case_id, "late result")


def amendment_both_answered(store, p, case_id):
    amended(store, p, case_id)
    say_all(store, p.pathologist, case_id, "blast")
    say_all(store, p.second, case_id, "lymphocyte")
    signing.finish_reading(store, p.pathologist, case_id)


def cancelled(store, p, case_id):
    unread(store, p, case_id)
    lifecycle.cancel(store, p.technologist, case_id, "wrong patient")


def cancelled_in_second(store, p, case_id):
    second(store, p, case_id)
    lifecycle.cancel(store, p.pathologist, case_id, "wrong patient")


# ---- the table ---------------------------------------------------------------------------------

OPEN = {"change", "cancel"}
SENDS = OPEN | {"add_picture"}
FIRST = OPEN | {"answer", "finish", "sign"}


@dataclass(frozen=True)
class Row:
    """What Paul, Petra (pathologists) and Tina (technologist) can do, and what the screen says."""

    make: Callable[..., None]
    state: str
    paul: set[str]
    petra: set[str]
    tina: set[str]
    says: tuple[str, ...]
    second_reader: str = "never"

    def __str__(self) -> str:
        return f"{self.make.__name__}-{self.second_reader}"


AMEND, REOPEN = {"amend"}, {"reopen"}
SECOND_INSIDE = OPEN | {"take_back"}
SECOND_OUTSIDE = OPEN | {"take_back", "answer", "finish"}
SETTLING = OPEN | {"answer", "settle", "sign"}
BOTH = "You or Petra can "
ANYBODY_SIGNS = f"{BOTH}sign it."
ANYBODY_SIGNS_SO = f"{BOTH}sign it as it is, with a reason."
REVIEW = f"{BOTH}review its cells."
FINISH = f"{BOTH}finish the first reading."
NOBODY_SECOND = (
    "Nobody on the list can finish the second reading: that takes the role pathologist who took no "
    "part in the first reading."
)
TAKE_BACK = f"{BOTH}take it back from the second reading."
REOPENS = "You or Petra or Tina can open it again."

TABLE = [
    Row(empty, "empty", OPEN, OPEN, SENDS, ("Tina can put pictures into it.",)),
    Row(unread, "first", FIRST, FIRST, SENDS | {"answer"}, (REVIEW, ANYBODY_SIGNS_SO)),
    Row(unread, "first", FIRST, FIRST, SENDS | {"answer"}, (REVIEW, FINISH), "always"),
    Row(preclassified, "first", FIRST, FIRST, SENDS | {"answer"}, (REVIEW, ANYBODY_SIGNS_SO)),
    Row(assigned, "first", FIRST, FIRST, SENDS | {"answer"}, (REVIEW, ANYBODY_SIGNS_SO)),
    Row(returned, "first", FIRST, FIRST, SENDS | {"answer"}, (REVIEW, ANYBODY_SIGNS_SO)),
    Row(read, "first", FIRST, FIRST, SENDS | {"answer"}, (ANYBODY_SIGNS,)),
    Row(read, "first", FIRST, FIRST, SENDS | {"answer"}, (FINISH,), "always"),
    # Petra's answers stand, so Paul, who saw none of them before he was relieved, can be second.
    Row(taken_over, "first", FIRST, FIRST, SENDS | {"answer"}, (FINISH,), "always"),
    # Both have seen it, so nobody can read second, and it is signed with a reason.
    Row(taken_back, "first", FIRST, FIRST, SENDS | {"answer"}, (ANYBODY_SIGNS_SO,), "always"),
    Row(
        second, "second", SECOND_INSIDE, SECOND_OUTSIDE, SENDS,
        ("Petra can finish the second reading.", TAKE_BACK),
    ),
    Row(second_after_takeover, "second", SECOND_INSIDE, SECOND_INSIDE, SENDS,
        (NOBODY_SECOND, TAKE_BACK)),
    Row(second_and_nobody_left, "second", SECOND_INSIDE, SECOND_OUTSIDE, SENDS,
        (NOBODY_SECOND, "You can take it back from the second reading.")),
    Row(agreed, "settling", SETTLING, SETTLING, SENDS, (ANYBODY_SIGNS,)),
    Row(differing, "settling", SETTLING, SETTLING, SENDS,
        (f"{BOTH}settle the differences of the two readings.",)),
    Row(signed, "signed", AMEND, AMEND, set(), (f"{BOTH}amend it.",)),
    Row(amended, "first", FIRST, FIRST, SENDS | {"answer"}, (ANYBODY_SIGNS,)),
    # Both graded the version before, and neither has read this one: either can be its second.
    Row(amended, "first", FIRST, FIRST, SENDS | {"answer"}, (FINISH,), "always"),
    Row(amendment_both_answered, "second", SECOND_INSIDE, SECOND_INSIDE, SENDS,
        (NOBODY_SECOND, TAKE_BACK), "always"),
    Row(cancelled, "cancelled", REOPEN, REOPEN, REOPEN, (REOPENS,)),
    Row(cancelled_in_second, "cancelled", REOPEN, REOPEN, REOPEN, (REOPENS,)),
]  # fmt: skip


@pytest.fixture
def fresh(sqlite_store, people, change_settings):
    """Makes cases of a row of the table, each a new one."""
    change_settings(technologists_preclassify=True)
    for who in (people.technologist, people.pathologist, people.second):
        roster.add(
            sqlite_store, people.administrator, subject=who.subject, name=who.name, role=who.role
        )

    def make(row):
        roster.set_active(sqlite_store, people.administrator, people.second.subject, True)
        change_settings(second_reader=row.second_reader)
        accession = f"A-{next(SEEDS)}"
        case = cases.create(sqlite_store, people.technologist, accession, pseudonym="P-1")
        row.make(sqlite_store, people, case.id)
        return case.id

    return make


@pytest.mark.parametrize("row", TABLE, ids=str)
def test_the_table_is_what_the_functions_allow(sqlite_store, people, fresh, row):
    store = sqlite_store
    expected = {
        people.pathologist: row.paul,
        people.second: row.petra,
        people.technologist: row.tina,
        people.viewer: set[str](),
    }
    case_id = fresh(row)
    before = cases.get(store, people.viewer, case_id)
    for who, allowed in expected.items():
        now = states.situation(store, who, case_id)
        assert (now.state, now.can) == (row.state, allowed), who.name
        assert states.possible(store, who, case_id) == allowed
        for action in DO.keys() - allowed:
            with pytest.raises((NotAllowed, CaseRefused)):
                DO[action](store, who, case_id)
        assert cases.get(store, people.viewer, case_id) == before, "what is refused changes nothing"
    assert states.next_steps(store, people.pathologist, case_id) == row.says
    signs = any(step.action == "sign" for step in
                states.situation(store, people.pathologist, case_id).steps)  # fmt: skip
    for who, allowed in expected.items():
        for action in allowed:
            own = fresh(row)
            if action == "sign" and not signs:
                with pytest.raises(SignatureBlocked):
                    DO[action](store, who, own)
            else:
                DO[action](store, who, own)


@pytest.mark.parametrize("row", TABLE, ids=str)
def test_the_steps_that_are_named_lead_to_a_signature(sqlite_store, people, fresh, row):
    """From every state, whoever is named does what is named, until the case is signed."""
    case_id = fresh(row)
    version = cases.get(sqlite_store, people.viewer, case_id).version
    for _ in range(9):
        now = states.situation(sqlite_store, people.viewer, case_id)
        case = cases.get(sqlite_store, people.viewer, case_id)
        if now.state == "signed" and (row.state != "signed" or case.version > version):
            break
        step = next(step for step in now.steps if step.people)
        DO[step.action](sqlite_store, step.people[0], case_id)
    assert case.is_closed and signing.versions(sqlite_store, people.viewer, case_id)


def test_an_empty_case_is_not_handed_to_a_second_reader(sqlite_store, people):
    case = cases.create(sqlite_store, people.technologist, "A-1")
    with pytest.raises(CaseRefused, match="no picture, so there is nothing to read"):
        signing.finish_reading(sqlite_store, people.pathologist, case.id, "why not")


def test_an_amendment_names_only_its_own_readers(sqlite_store, people, fresh):
    """What came over from the version before was given by nobody in this one."""
    row = next(row for row in TABLE if row.make is amended)
    case_id = fresh(row)
    signature = signing.sign(sqlite_store, people.second, case_id, "nothing was changed")
    assert signature.snapshot["readers"] == []
    signing.amend(sqlite_store, people.second, case_id, "one more")
    grades.grade(sqlite_store, people.second, case_id, "target_cells", 1)
    signature = signing.sign(sqlite_store, people.second, case_id, "done")
    assert [one["reader_name"] for one in signature.snapshot["readers"]] == ["Petra"]
