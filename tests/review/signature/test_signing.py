"""The way to a signature: what blocks it, the second reader, amendments, the blind sample."""

from __future__ import annotations

import pytest

from core.review.case import cases, history
from core.review.reading import answers, blind, cells, grades, remarks, undo
from core.review.reading.answers import NewAnswer
from core.review.record import roster
from core.review.record.errors import CaseRefused, SignatureBlocked
from core.review.record.readings import NotYourReading
from core.review.signature import signing, verified
from tests.fixtures.review import call_of, field_of, finding_of, the


def _answer_all(store, who, case, label=None):
    found = sorted(cells.cells(store, who, case.id), key=lambda cell: cell.id)
    labels = [label or the(cell.call).label for cell in found]
    given = [
        NewAnswer(cell.id, one, cell.answer.revision if cell.answer else 0)
        for cell, one in zip(found, labels, strict=True)
    ]
    answers.answer(store, who, case.id, given)
    return found


def _codes(store, who, case):
    return [blocker.code for blocker in signing.blockers(store, who, case.id)]


def test_open_and_unidentified_cells_block_unless_a_reason_is_stated(store, people, make_case):
    case = make_case(store)
    paul = people.pathologist
    first, *others = sorted(cells.cells(store, paul, case.id), key=lambda cell: cell.id)
    with pytest.raises(SignatureBlocked, match="3 white cells not reviewed"):
        signing.sign(store, paul, case.id)
    answers.answer(store, paul, case.id, [NewAnswer(c.id, "monocyte") for c in others])
    answers.answer(store, paul, case.id, [NewAnswer(first.id, "unidentified")])
    assert _codes(store, paul, case) == ["unidentified"]
    with pytest.raises(SignatureBlocked, match="1 white cell unidentified"):
        signing.sign(store, paul, case.id, reason="   ")
    assert cases.get(store, paul, case.id).state == "in_review"
    signature = signing.sign(store, paul, case.id, reason="out of focus")
    assert (signature.version, signature.reason) == (1, "out of focus")
    assert cases.get(store, paul, case.id).state == "signed"
    assert str(signature.snapshot["case"]["accession"]) == "A-1"


def test_a_signed_case_changes_no_more(store, people, make_case):
    case = make_case(store)
    paul = people.pathologist
    cell = _answer_all(store, paul, case)[0]
    signing.sign(store, paul, case.id)
    field = field_of(9)
    attempts = [
        lambda: answers.answer(store, paul, case.id, [NewAnswer(cell.id, "smudge", 1)]),
        lambda: undo.undo(store, paul, case.id),
        lambda: grades.all_as_normal(store, paul, case.id),
        lambda: remarks.remark(store, paul, case.id, "late"),
        lambda: signing.sign(store, paul, case.id),
        lambda: signing.finish_reading(store, paul, case.id),
        lambda: cases.change(store, paul, case.id, case.revision, age_years=3),
        lambda: cases.keep_field(store, people.technologist, case.id, field, finding_of(field, [])),
    ]
    before = history.history(store, paul, case.id)
    for attempt in attempts:
        with pytest.raises(CaseRefused, match="signed"):
            attempt()
    assert history.history(store, paul, case.id) == before


def test_an_amendment_is_a_new_version_and_the_old_one_stays_readable(store, people, make_case):
    case = make_case(store)
    paul = people.pathologist
    found = _answer_all(store, paul, case)
    grades.grade(store, paul, case.id, "microcytes", 2)
    first = signing.sign(store, paul, case.id)
    with pytest.raises(CaseRefused, match="needs a reason"):
        signing.amend(store, paul, case.id, " ")
    opened = signing.amend(store, people.second, case.id, "blast was a lymphocyte")
    assert (opened.state, opened.version, opened.signed_at) == ("in_review", 2, None)
    assert undo.undo(store, paul, case.id) is None, "what was signed is not undone"
    carried = {cell.id: cell for cell in cells.cells(store, paul, case.id)}
    assert all(the(cell.answer).carried for cell in carried.values())
    blast = next(c for c in found if the(c.call).label == "blast")
    again = [NewAnswer(blast.id, "lymphocyte", the(carried[blast.id].answer).revision)]
    answers.answer(store, people.second, case.id, again)
    second = signing.sign(store, people.second, case.id)
    assert cases.get(store, paul, case.id).state == "amended"
    kept, new = signing.versions(store, people.viewer, case.id)
    assert kept == first

    def label(signature):
        return next(c["label"] for c in signature.snapshot["cells"] if c["id"] == blast.id)

    assert (label(kept), label(new)) == ("blast", "lymphocyte")
    assert new.snapshot["grades"] == {"microcytes": 2}
    assert second.version == 2


def test_the_second_reader_is_somebody_else_and_sees_nothing_of_the_first(
    store, people, make_case, change_settings
):
    change_settings(second_reader="always")
    case = make_case(store)
    paul, petra = people.pathologist, people.second
    for who in (paul, petra):
        roster.add(store, people.administrator, subject=who.subject, name=who.name, role=who.role)
    _answer_all(store, paul, case)
    grades.grade(store, paul, case.id, "macrocytes", 3)
    remarks.remark(store, paul, case.id, "looks like CLL")
    assert _codes(store, paul, case) == ["second_reading"]
    with pytest.raises(SignatureBlocked, match="second reader"):
        signing.sign(store, paul, case.id, reason="in a hurry")
    handed = signing.finish_reading(store, paul, case.id)
    assert (handed.state, handed.reading, handed.assigned_to) == ("second_review", 2, None)

    for who in (petra, people.viewer):
        assert [cell.label for cell in cells.cells(store, who, case.id)] == [None] * 3
        assert all(c.first is c.second is None for c in cells.cells(store, who, case.id))
        assert grades.grades_of(store, who, case.id) == {}
        assert remarks.remarks_of(store, who, case.id) == []
        assert verified.verified(store, who, case.id).reviewed == 0
        told = history.history(store, who, case.id)
        assert not [e for e in told if e.action in ("answer", "grade", "remark")]
    assert all(cell.label for cell in cells.cells(store, paul, case.id)), "the first sees their own"
    with pytest.raises(NotYourReading):
        answers.answer(
            store, paul, case.id, [NewAnswer(cells.cells(store, paul, case.id)[0].id, "blast", 1)]
        )
    with pytest.raises(SignatureBlocked):
        signing.sign(store, paul, case.id)

    mine = sorted(cells.cells(store, petra, case.id), key=lambda cell: cell.id)
    said = ["lymphocyte", "lymphocyte", "blast"]  # the middle one was a monocyte to Paul
    given = [NewAnswer(cell.id, label) for cell, label in zip(mine, said, strict=True)]
    answers.answer(store, petra, case.id, given)
    assert signing.finish_reading(store, petra, case.id).reading == 3
    assert _codes(store, paul, case) == ["differing_grades", "differing"]
    grades.grade(store, petra, case.id, "macrocytes", 3)
    assert _codes(store, paul, case) == ["differing"]
    settled = sorted(cells.cells(store, paul, case.id), key=lambda cell: cell.id)
    assert [cell.label for cell in settled] == ["lymphocyte", None, "blast"]
    assert (the(settled[1].first).label, the(settled[1].second).label) == ("monocyte", "lymphocyte")
    assert grades.grades_of(store, petra, case.id)["macrocytes"].grade == 3
    with pytest.raises(SignatureBlocked, match="differ in 1 white cell"):
        signing.sign(store, petra, case.id, reason="no time")
    answers.answer(store, paul, case.id, [NewAnswer(settled[1].id, "monocyte")])
    signature = signing.sign(store, petra, case.id)
    rows = sorted(signature.snapshot["cells"], key=lambda row: row["id"])
    assert [row["label"] for row in rows if row["kind"] == "wbc"] == [
        "lymphocyte",
        "monocyte",
        "blast",
    ]
    assert [reader["reading"] for reader in rows[1]["readers"]] == [3, 1, 2]


def test_whoever_handed_on_is_the_first_reader_even_without_an_answer(
    sqlite_store, people, make_case
):
    store = sqlite_store
    case = make_case(store)
    signing.finish_reading(store, people.pathologist, case.id, "no cell can be told")
    with pytest.raises(NotYourReading):
        remarks.remark(store, people.pathologist, case.id, "and again")
    remarks.remark(store, people.second, case.id, "I can")


@pytest.mark.parametrize(
    ("wish", "labels", "asked"),
    [
        ("never", ["blast"], False),
        ("critical", ["blast"], True),
        ("critical", ["lymphocyte"], False),
        ("always", ["lymphocyte"], True),
    ],
)
def test_the_site_says_when_a_second_reader_is_asked_for(
    sqlite_store, people, make_case, change_settings, wish, labels, asked
):
    change_settings(second_reader=wish)
    case = make_case(sqlite_store, labels)
    # Called harmless by the first reader: what the machine called critical still counts.
    _answer_all(sqlite_store, people.pathologist, case, "lymphocyte")
    assert ("second_reading" in _codes(sqlite_store, people.pathologist, case)) == asked


def test_a_case_without_a_picture_is_not_signed(sqlite_store, people):
    case = cases.create(sqlite_store, people.technologist, "A-1")
    with pytest.raises(CaseRefused, match="no picture"):
        signing.sign(sqlite_store, people.pathologist, case.id)


def test_blind_cells_are_shown_without_the_answer_until_the_case_is_signed(
    store, people, make_case
):
    case = make_case(store, ["monocyte", "lymphocyte"], share=1.0)
    paul = people.pathologist
    found = cells.cells(store, paul, case.id)
    assert all(cell.blind and cell.call is None and not cell.is_critical for cell in found)
    given = [NewAnswer(cell.id, "lymphocyte") for cell in found]
    answers.answer(store, paul, case.id, given)
    assert all(cell.call is None for cell in cells.cells(store, paul, case.id))
    assert verified.verified(store, paul, case.id).changed == 0, "the count would give it away"
    signing.sign(store, paul, case.id)
    shown = cells.cells(store, paul, case.id)
    assert {the(cell.call).label for cell in shown} == {"monocyte", "lymphocyte"}
    assert verified.verified(store, paul, case.id).changed == 1


def test_the_place_of_a_blind_cell_tells_nothing(sqlite_store, people, make_case):
    """Doubt of blind cells does not go with the machine's: what is sure and unsure, mixed."""
    sure = [call_of("lymphocyte", 0.99)] * 6
    unsure = [call_of("lymphocyte", 0.4, abstained=True)] * 6
    case = make_case(sqlite_store, sure + unsure, share=1.0)
    order = [c.place for c in cells.cells(sqlite_store, people.viewer, case.id)]
    assert set(order[:6]) & set(range(6))
    assert set(order[:6]) & set(range(6, 12))


def test_the_sample_is_the_same_every_time_and_as_large_as_asked():
    names = [f"{n:064x}" for n in range(200)]
    drawn = [blind.chosen(name, place, 0.1) for name in names for place in range(50)]
    assert drawn == [blind.chosen(name, place, 0.1) for name in names for place in range(50)]
    # 10,000 draws at 10 %: 4 standard deviations are 120.
    assert abs(sum(drawn) - 1000) < 120
    assert not any(blind.chosen(name, 0, 0.0) for name in names)
    assert all(blind.chosen(name, 0, 1.0) for name in names)
