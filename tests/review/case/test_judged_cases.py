"""What one screen says of a case, every other says: priority, counts, files, and who can go on."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import pytest

from core.records import Flag, SetsElsewhere
from core.review.case import cases, lifecycle, states, worklist
from core.review.case.same_picture import SamePicture
from core.review.exchange.case_tables import case_csv, case_json
from core.review.exchange.contents import gather
from core.review.exchange.notes import notes_of
from core.review.exchange.signed_contents import gather_signed
from core.review.reading import answers, cells, grades
from core.review.reading.answers import NewAnswer
from core.review.reading.grades import AgainstCount
from core.review.record import integrity, roster
from core.review.record.errors import CaseRefused, LooksLikeIdentity
from core.review.signature import signing, verified
from core.taxonomy import SYNTHETIC_FLAG
from tests.fixtures.review import call_of, field_of, finding_of, the

FLAGGED = replace(call_of("lymphocyte"), flags=(Flag("critical_cell", "could be a blast"),))


def say_all(store, who, case, label):
    found = [c for c in cells.cells(store, who, case.id) if c.included]
    given = [NewAnswer(c.id, label, c.answer.revision if c.answer else 0) for c in found]
    answers.answer(store, who, case.id, given)


def row_of(store, who, case, **more):
    return next(r for r in worklist.worklist(store, who, **more) if r.case.id == case.id)


def test_a_case_is_critical_by_the_rule_on_every_list_and_in_every_file(store, people, make_case):
    case = make_case(store, [FLAGGED, "monocyte"], share=1.0)
    assert row_of(store, people.viewer, case).priority == "critical"
    first, _ = cells.cells(store, people.viewer, case.id)
    assert first.is_critical and not first.blind, "critical cells lead, and are never blind"
    contents = gather(store, people.viewer, case.id)
    rows = list(csv.DictReader(io.StringIO(case_csv(contents))))
    assert [r["critical"] for r in rows if r["kind"] == "wbc"] == ["True", "False"]
    (picture,) = json.loads(case_json(contents))["pictures"]
    assert [c["critical"] for c in picture["cells"] if c["kind"] == "wbc"] == [True, False]
    # A person's answer goes before the rule.
    say_all(store, people.pathologist, case, "lymphocyte")
    assert row_of(store, people.viewer, case).priority == "routine"


def test_a_field_that_is_no_smear_counts_when_a_person_takes_it_in(store, people, make_case):
    case = make_case(store, ["lymphocyte"])
    hand = field_of(7)
    finding = finding_of(hand, [call_of("monocyte")], red=8, flags=[Flag("not_a_smear", "no")])
    kept = cases.keep_field(store, people.technologist, case.id, hand, finding)

    def numbers():
        everything = cells.cells(store, people.viewer, case.id, kind=None)
        row = row_of(store, people.viewer, case)
        standing = verified.verified(store, people.viewer, case.id)
        return verified.counts(everything)["rbc"], row.white_cells, standing.white_cells

    assert numbers() == (2, 1, 1)
    document = json.loads(case_json(gather(store, people.viewer, case.id)))
    assert [one["code"] for one in document["left_out"]] == ["not_a_smear"]
    lifecycle.include_field(store, people.pathologist, case.id, kept.id, True)
    assert numbers() == (10, 2, 2)
    lifecycle.include_field(store, people.pathologist, case.id, kept.id, False)
    assert numbers() == (2, 1, 1)
    document = json.loads(case_json(gather(store, people.viewer, case.id)))
    assert [one["included"] for one in document["pictures"]] == [True, False]


@pytest.fixture
def both_listed(store, people):
    for who in (people.pathologist, people.second):
        roster.add(store, people.administrator, subject=who.subject, name=who.name, role=who.role)


def test_differing_grades_are_settled_and_named(store, people, make_case, both_listed):
    case = make_case(store, ["lymphocyte"])
    for who, word, grade in ((people.pathologist, "adequate", 1), (people.second, "decreased", 3)):
        say_all(store, who, case, "lymphocyte")
        grades.grade(store, who, case.id, "spherocytes", grade)
        grades.grade(store, who, case.id, grades.PLATELETS, word, against_count=True)
        signing.finish_reading(store, who, case.id)
    now = grades.grades_of(store, people.viewer, case.id)
    assert "spherocytes" not in now and grades.PLATELETS not in now
    with pytest.raises(CaseRefused, match="differ in spherocytes, platelets"):
        signing.sign(store, people.pathologist, case.id, "in a hurry")
    grades.grade(store, people.pathologist, case.id, "spherocytes", 3)
    grades.grade(store, people.second, case.id, grades.PLATELETS, "decreased", against_count=True)
    signature = signing.sign(store, people.pathologist, case.id)
    settled = [the(d["settled"])["value"] for d in signature.snapshot["grade_differences"]]
    assert settled == [3, "decreased"]
    from core.review.exchange.notes import readers_sentences

    said = readers_sentences(gather(store, people.viewer, case.id))
    assert "Platelets: Paul adequate, Petra decreased; settled by Petra as decreased." in said
    # Signed, it looks reviewed: both gave every answer.
    row = row_of(store, people.viewer, case, states=("signed",))
    assert (row.reviewed, row.white_cells, row.signed_name) == (1, 1, "Paul")


def test_the_button_sets_red_cells_only_and_a_word_against_the_count_asks(
    sqlite_store, people, make_case
):
    case = make_case(sqlite_store, ["lymphocyte"])
    field = field_of(3, width=1700)
    finding = finding_of(field, [], red=400)
    cases.keep_field(sqlite_store, people.technologist, case.id, field, finding)
    assert grades.PLATELETS not in grades.all_as_normal(sqlite_store, people.pathologist, case.id)
    with pytest.raises(AgainstCount, match="0 platelets to 402 red cells is few"):
        grades.grade(sqlite_store, people.pathologist, case.id, grades.PLATELETS, "adequate")
    grades.grade(sqlite_store, people.pathologist, case.id, grades.PLATELETS, "decreased")


def test_from_every_state_somebody_can_go_on(
    store, people, make_case, both_listed, change_settings
):
    """Both read an amendment; then neither can read second, and yet it is signed in the end."""
    change_settings(second_reader="always")
    paul, petra = people.pathologist, people.second
    case = make_case(store, ["lymphocyte"])

    def can(who):
        return states.possible(store, who, case.id)

    assert can(people.viewer) == frozenset() and "cancel" in can(people.technologist)
    say_all(store, paul, case, "lymphocyte")
    say_all(store, petra, case, "lymphocyte")
    signing.finish_reading(store, paul, case.id)
    assert "finish" not in can(paul) | can(petra) and "take_back" in can(paul)
    assert states.next_steps(store, paul, case.id)[0].startswith("Nobody on the list can finish")
    with pytest.raises(CaseRefused, match="needs a reason"):
        signing.take_back_reading(store, paul, case.id, " ")
    signing.take_back_reading(store, paul, case.id, "nobody is left to read it")
    with pytest.raises(CaseRefused, match="nobody on the list"):
        signing.sign(store, paul, case.id)
    signing.sign(store, paul, case.id, "no second reader here")
    assert can(paul) == {"amend"} and can(people.technologist) == frozenset()
    signing.amend(store, petra, case.id, "late result")
    lifecycle.cancel(store, people.technologist, case.id, "wrong patient")
    assert can(paul) == {"reopen"}
    with pytest.raises(CaseRefused, match="cancelled .wrong patient."):
        say_all(store, paul, case, "monocyte")
    lifecycle.reopen(store, paul, case.id, "it was right")
    assert {"sign", "answer", "cancel"} <= can(paul)


def test_the_same_picture_in_two_patients_cases_asks_and_the_answer_is_kept(store, people):
    field = field_of(1)
    made = [cases.create(store, people.technologist, name) for name in ("A-1", "A-2")]
    finding = finding_of(field, [])
    cases.keep_field(store, people.technologist, made[0].id, field, finding)
    other_file = replace(field, name="copy.bmp", sha256="0" * 64)
    with pytest.raises(SamePicture, match="case A-1"):
        cases.keep_field(store, people.technologist, made[1].id, other_file, finding)
    cases.keep_field(
        store, people.technologist, made[1].id, other_file, finding, same_picture_because="twins"
    )
    from core.review.case.history import history

    assert "also in A-1, because: twins" in [
        e.detail for e in history(store, people.viewer, made[1].id)
    ]


@pytest.mark.parametrize("text", ["Meier, Anna 12.03.1960", "Anna Meier", "1960-03-12", "Meier"])
def test_a_pseudonym_that_names_a_patient_asks(sqlite_store, people, text):
    with pytest.raises(LooksLikeIdentity):
        cases.create(sqlite_store, people.technologist, "A-1", pseudonym=text)
    made = cases.create(
        sqlite_store, people.technologist, "A-1", pseudonym=text, pseudonym_confirmed=True
    )
    assert made.pseudonym == text


def test_a_drawn_field_is_kept_in_no_case(sqlite_store, people, make_case):
    case, field = make_case(sqlite_store), field_of(9)
    finding = finding_of(field, [], flags=[Flag(SYNTHETIC_FLAG, "drawn")])
    with pytest.raises(CaseRefused, match="drawn by the program"):
        cases.keep_field(sqlite_store, people.technologist, case.id, field, finding)


def familiar_call(label):
    """Sure where the laboratory is known, not sure where it is not."""
    elsewhere = SetsElsewhere(
        probability=0.6,
        probabilities={label: 0.6, "basophil": 0.4},
        prediction_set=(label, "basophil"),
        wide_set=(label, "basophil"),
        reported_as=label,
        abstained=True,
    )
    return replace(call_of(label), elsewhere=elsewhere)


def test_the_fields_of_a_case_are_taken_as_one_laboratory(store, people, make_case):
    case = make_case(store, [familiar_call("monocyte")])
    (first,) = cells.cells(store, people.viewer, case.id)
    assert first.call is not None and first.call.prediction_set == ("monocyte",)
    assert cases.laboratory(store, people.viewer, case.id).word == "not judged"
    assert row_of(store, people.viewer, case).priority == "routine"

    more = field_of(8)
    foreign = [replace(call_of("lymphocyte"), unfamiliar=True) for _ in range(5)]
    kept = cases.keep_field(store, people.technologist, case.id, more, finding_of(more, foreign))
    judged = cases.laboratory(store, people.viewer, case.id)
    assert (judged.word, judged.cells, judged.unfamiliar) == ("foreign", 6, 5)
    again = next(c for c in cells.cells(store, people.viewer, case.id) if c.id == first.id)
    assert again.call is not None
    assert again.call.prediction_set == ("monocyte", "basophil")
    assert again.revision == first.revision, "whoever had the cell open can still answer"
    assert row_of(store, people.viewer, case).priority == "doubt"
    contents = gather(store, people.viewer, case.id)
    document = json.loads(case_json(contents))
    assert document["laboratory"] == {
        "word": "foreign",
        "cells": 6,
        "unfamiliar": 5,
        "classes": "not acquainted with this laboratory",
    }
    rows = [row for row in csv.DictReader(io.StringIO(case_csv(contents))) if row["proposed"]]
    assert {row["laboratory"] for row in rows} == {"not acquainted with this laboratory"}
    (row,) = [c for p in document["pictures"] for c in p["cells"] if c.get("id") == first.id]
    assert row["proposed"]["could_be"] == ["monocyte", "basophil"]
    assert any(note.startswith("Foreign laboratory: 5 of 6") for note in notes_of(contents))
    assert integrity.verify(store).is_sound

    lifecycle.include_field(store, people.pathologist, case.id, kept.id, False)
    assert cases.laboratory(store, people.viewer, case.id).word == "not judged"
    assert row_of(store, people.viewer, case).priority == "routine"


def test_a_signed_version_keeps_the_laboratory_it_was_signed_with(store, people, make_case):
    case = make_case(store, [familiar_call("monocyte")])
    say_all(store, people.pathologist, case, "monocyte")
    signing.sign(store, people.pathologist, case.id)
    signing.amend(store, people.pathologist, case.id, "one more field")
    more = field_of(8)
    foreign = [replace(call_of("lymphocyte"), unfamiliar=True) for _ in range(5)]
    cases.keep_field(store, people.technologist, case.id, more, finding_of(more, foreign))
    assert gather(store, people.viewer, case.id).laboratory.is_foreign
    signed = gather_signed(store, people.viewer, case.id, 1)
    assert not signed.laboratory.is_foreign
    (cell,) = [c for c in signed.cells if c.kind == "wbc"]
    assert cell.call is not None
    assert cell.call.prediction_set == ("monocyte",)
