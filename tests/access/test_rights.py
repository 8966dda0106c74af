"""Each role may do what it is for and nothing else, in every function that changes something."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core.access.people import Person
from core.access.rights import RIGHTS, ROLES, NotAllowed, Right, may
from core.review.case import cases, worklist
from core.review.reading import answers, boxes, grades, remarks, undo
from core.review.record import roster
from core.review.record.review_store import ReviewStore
from core.review.signature import signing
from core.store.database import Database
from core.training.loop.settings import LoopSettings
from core.training.promote import comparisons, promotion
from core.training.runs import lifecycle, rate_trials

EXPECTED = {
    "technologist": {"view", "read", "upload", "analyse"},
    "pathologist": {"view", "read", "preclassify", "review", "sign", "accept"},
    "director": {"view", "read", "accept"},
    "trainer": {"view", "read", "train", "promote"},
    "administrator": {"view", "read", "configure", "manage_people"},
    "viewer": {"view", "read"},
}
"""What each role may do."""


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """One for all: who may not do a thing changes nothing, and what the others do is not asked."""
    folder = tmp_path_factory.mktemp("desk")
    opened = Database(f"sqlite:///{folder / 'hemadesk.db'}")
    yield ReviewStore(opened, folder)
    opened.close()


@pytest.fixture(scope="module")
def case(store):
    return cases.create(store, Person("Tina", "technologist", "tina"), "A-1").id


NONE: Any = None
"""Never reached by those who may not."""

DOES: dict[str, tuple[Right, Callable[[ReviewStore, Person, int], Any]]] = {
    "create": ("upload", lambda d, p, c: cases.create(d, p, "B-1")),
    "keep_field": ("upload", lambda d, p, c: cases.keep_field(d, p, c, NONE, NONE)),
    "keep_palm": ("upload", lambda d, p, c: cases.keep_palm(d, p, c, NONE, {})),
    "answer": ("review", lambda d, p, c: answers.answer(d, p, c, [])),
    "add_box": ("review", lambda d, p, c: boxes.add_box(d, p, c, 1, "wbc", (0, 0, 9, 9))),
    "change_box": ("review", lambda d, p, c: boxes.change_box(d, p, c, 1, 1, deleted=True)),
    "remark": ("review", lambda d, p, c: remarks.remark(d, p, c, "seen")),
    "change_remark": ("review", lambda d, p, c: remarks.change_remark(d, p, c, 1, 1, text="x")),
    "grade": ("review", lambda d, p, c: grades.grade(d, p, c, "target_cells", 1)),
    "all_as_normal": ("review", lambda d, p, c: grades.all_as_normal(d, p, c)),
    "undo": ("review", lambda d, p, c: undo.undo(d, p, c)),
    "take": ("review", lambda d, p, c: worklist.take(d, p, c)),
    "give_back": ("review", lambda d, p, c: worklist.give_back(d, p, c)),
    "finish_reading": ("review", lambda d, p, c: signing.finish_reading(d, p, c)),
    "sign": ("sign", lambda d, p, c: signing.sign(d, p, c, "reason")),
    "amend": ("sign", lambda d, p, c: signing.amend(d, p, c, "reason")),
    "everybody": ("manage_people", lambda d, p, c: roster.everybody(d, p)),
    "add": (
        "manage_people",
        lambda d, p, c: roster.add(d, p, subject="x@y.z", name="X", role="viewer"),
    ),
    "change_role": ("manage_people", lambda d, p, c: roster.change_role(d, p, "x", "viewer")),
    "set_active": ("manage_people", lambda d, p, c: roster.set_active(d, p, "x", False)),
    "submit": (
        "train",
        lambda d, p, c: lifecycle.submit("no such recipe", Path("x"), LoopSettings(), {}, who=p),
    ),
    "act": ("train", lambda d, p, c: lifecycle.act(0, "pause", p)),
    "compare": ("train", lambda d, p, c: comparisons.start(NONE, p)),
    "stop_comparing": ("train", lambda d, p, c: comparisons.ask_to_stop(NONE, p)),
    "try_rates": ("train", lambda d, p, c: rate_trials.start("wbc", Path("x"), NONE, {}, p)),
    "promote": ("promote", lambda d, p, c: promotion.promote(NONE, who=p, reason="better")),
    "roll_back": ("promote", lambda d, p, c: promotion.roll_back(who=p, reason="")),
}


def test_the_roles_are_those_of_the_site():
    assert {role: set(RIGHTS[role]) for role in ROLES} == EXPECTED
    everything = set().union(*EXPECTED.values())
    assert RIGHTS["local"] == everything


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("name", DOES)
def test_a_function_asks_for_its_right(store, case, role, name):
    right, does = DOES[name]
    person = Person("Somebody", role, "somebody")
    if right in EXPECTED[role]:
        # What it then says of these arguments is not asked here, as long as it is no refusal.
        try:
            does(store, person, case)
        except NotAllowed:
            pytest.fail(f"a {role} may {right}")
        except Exception:
            pass
        return
    with pytest.raises(NotAllowed, match=rf"Somebody \({role}\) may not .*that takes the role"):
        does(store, person, case)


@pytest.mark.parametrize(
    "reads",
    [
        lambda d, p, c: cases.get(d, p, c),
        lambda d, p, c: cases.case_pictures_of(d, p, c),
        lambda d, p, c: worklist.worklist(d, p),
        lambda d, p, c: remarks.remarks_of(d, p, c),
        lambda d, p, c: grades.grades_of(d, p, c),
        lambda d, p, c: signing.versions(d, p, c),
        lambda d, p, c: signing.blockers(d, p, c),
    ],
)
def test_everybody_signed_in_may_look(store, case, reads):
    for role in ROLES:
        person = Person("Somebody", role, "somebody")
        assert may(person, "view")
    reads(store, Person("Vera", "viewer", "vera"), case)
