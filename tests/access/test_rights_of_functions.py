"""Every function of the review asks for the right itself, whoever calls it, for each role."""

from __future__ import annotations

import pytest

from core.access.rights import NotAllowed
from core.review.case import cases, history, timing, worklist
from core.review.learning import label_errors, queue, training_sets
from core.review.reading import answers, blind, boxes, cells, grades, remarks, undo
from core.review.reading.answers import NewAnswer
from core.review.signature import replay, signing, verified
from tests.fixtures.review import call_of, field_of, finding_of

EVERYBODY = {"technologist", "pathologist", "trainer", "administrator", "viewer"}
REVIEWERS = {"pathologist"}
SENDERS = {"technologist"}


def _field(d, p, c):
    field = field_of(5)
    return cases.keep_field(d, p, c, field, finding_of(field, [call_of("monocyte")]))


def _first(d, p, c):
    return cells.cells(d, p, c)[0]


ACTS = {
    "create": (SENDERS, lambda d, p, c: cases.create(d, p, f"N-{p.subject}")),
    "change": (SENDERS | REVIEWERS, lambda d, p, c: cases.change(d, p, c, 1, sex="male")),
    "keep_field": (SENDERS, _field),
    "keep_palm": (SENDERS, lambda d, p, c: cases.keep_palm(d, p, c, field_of(6), {})),
    "get": (EVERYBODY, lambda d, p, c: cases.get(d, p, c)),
    "find": (EVERYBODY, lambda d, p, c: cases.find(d, p, "A-1")),
    "pictures": (EVERYBODY, lambda d, p, c: cases.case_pictures_of(d, p, c)),
    "picture": (
        EVERYBODY,
        lambda d, p, c: cases.picture_png(d, p, cases.case_pictures_of(d, p, c)[0]),
    ),
    "worklist": (EVERYBODY, lambda d, p, c: worklist.worklist(d, p)),
    "take": (REVIEWERS, lambda d, p, c: worklist.take(d, p, c)),
    "give_back": (REVIEWERS, lambda d, p, c: worklist.give_back(d, p, c)),
    "cells": (EVERYBODY, _first),
    "answer": (
        REVIEWERS,
        lambda d, p, c: answers.answer(d, p, c, [NewAnswer(_first(d, p, c).id, "blast")]),
    ),
    "answer nothing": (REVIEWERS, lambda d, p, c: answers.answer(d, p, c, [])),
    "add_box": (
        REVIEWERS,
        lambda d, p, c: boxes.add_box(
            d, p, c, _first(d, p, c).picture_id, "rbc", (1.0, 1.0, 9.0, 9.0)
        ),
    ),
    "change_box": (
        REVIEWERS,
        lambda d, p, c: boxes.change_box(d, p, c, _first(d, p, c).id, 1, deleted=True),
    ),
    "differences": (EVERYBODY, lambda d, p, c: boxes.differences(d, p, c)),
    "undo": (REVIEWERS, lambda d, p, c: undo.undo(d, p, c)),
    "remark": (REVIEWERS, lambda d, p, c: remarks.remark(d, p, c, "seen")),
    "remarks": (EVERYBODY, lambda d, p, c: remarks.remarks_of(d, p, c)),
    "grade": (REVIEWERS, lambda d, p, c: grades.grade(d, p, c, "macrocytes", 1)),
    "all as normal": (REVIEWERS, lambda d, p, c: grades.all_as_normal(d, p, c)),
    "grades": (EVERYBODY, lambda d, p, c: grades.grades_of(d, p, c)),
    "verified": (EVERYBODY, lambda d, p, c: verified.verified(d, p, c)),
    "blockers": (EVERYBODY, lambda d, p, c: signing.blockers(d, p, c)),
    "finish": (REVIEWERS, lambda d, p, c: signing.finish_reading(d, p, c, "tired")),
    "sign": (REVIEWERS, lambda d, p, c: signing.sign(d, p, c, "for the test")),
    "versions": (EVERYBODY, lambda d, p, c: signing.versions(d, p, c)),
    "history": (EVERYBODY, lambda d, p, c: history.history(d, p, c)),
    "blind estimate": (EVERYBODY, lambda d, p, c: blind.estimate(d, p)),
    "turnaround": (EVERYBODY, lambda d, p, c: timing.turnaround(d, p)),
    "sets": (EVERYBODY, lambda d, p, c: training_sets.all_sets(d, p)),
    "proposal": (EVERYBODY, lambda d, p, c: training_sets.proposal(d, p)),
    "label errors": (REVIEWERS | {"trainer"}, lambda d, p, c: label_errors.suspected(d, p)),
}


@pytest.mark.parametrize("role", sorted(EVERYBODY))
def test_only_those_whose_role_includes_it(sqlite_store, people, make_case, role):
    case = make_case(sqlite_store)
    before = history.history(sqlite_store, people.viewer, case.id)
    person = getattr(people, role)
    for name, (allowed, act) in ACTS.items():
        if role in allowed:
            own = make_case(sqlite_store, accession=f"for {name}")
            act(sqlite_store, person, own.id)
            continue
        with pytest.raises(NotAllowed):
            act(sqlite_store, person, case.id)
    assert history.history(sqlite_store, people.viewer, case.id) == before


@pytest.mark.parametrize("role", sorted(EVERYBODY))
def test_what_needs_a_signed_case(sqlite_store, people, make_case, role):
    case = make_case(sqlite_store)
    signing.sign(sqlite_store, people.pathologist, case.id, "for the test")
    person = getattr(people, role)
    if role != "trainer":
        with pytest.raises(NotAllowed):
            training_sets.make(sqlite_store, person, "cells", "cells")
    if role not in REVIEWERS:
        with pytest.raises(NotAllowed):
            signing.amend(sqlite_store, person, case.id, "late")
        with pytest.raises(NotAllowed):
            label_errors.confirm(sqlite_store, person, case.id, 1, "lymphocyte")
        with pytest.raises(NotAllowed):
            boxes.adjudicate(sqlite_store, person, case.id, [])
        with pytest.raises(NotAllowed):
            remarks.change_remark(sqlite_store, person, case.id, 1, 1, text="mine")
    if role not in REVIEWERS | SENDERS:
        with pytest.raises(NotAllowed):
            worklist.assign(sqlite_store, person, case.id, people.pathologist)
    rows = replay.replay(sqlite_store, person, case.id)
    assert rows[0].refused, "the models of these tests do not exist"


def test_the_local_person_may_do_everything(sqlite_store, make_case):
    from core.access.people import Person

    local = Person("Ada", "local", "local")
    case = make_case(sqlite_store)
    for name, (_, act) in ACTS.items():
        if name not in ("finish", "sign", "change"):
            act(sqlite_store, local, case.id)
    signing.sign(sqlite_store, local, case.id, "for the test")
    assert queue.next_cells(sqlite_store, local) == []
