"""Corrections: saved whole or not at all, never over somebody else's, taken back one by one."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from core.review.case import history
from core.review.reading import answers, boxes, cells, grades, remarks, undo
from core.review.reading.answers import NewAnswer
from core.review.record.errors import CaseRefused, StaleEdit
from core.review.signature import verified
from tests.fixtures.review import call_of, the


def _by_place(store, who, case):
    return sorted(cells.cells(store, who, case.id, kind="wbc"), key=lambda cell: cell.id)


def test_one_and_many_cells_are_called(store, people, make_case):
    case = make_case(store)
    first, second, third = _by_place(store, people.pathologist, case)
    saved = answers.answer(
        store, people.pathologist, case.id, [NewAnswer(first.id, "basophil", 0, 1.5)]
    )[first.id]
    assert (saved.label, saved.reader, saved.revision, saved.seconds) == (
        "basophil",
        "paul",
        1,
        1.5,
    )
    both = [NewAnswer(cell.id, "monocyte") for cell in (second, third)]
    assert len(answers.answer(store, people.pathologist, case.id, both)) == 2
    assert [cell.label for cell in _by_place(store, people.viewer, case)] == [
        "basophil",
        "monocyte",
        "monocyte",
    ]
    told = history.history(store, people.viewer, case.id)
    assert [entry.action for entry in told[-2:]] == ["answer", "answer"]
    assert told[-2].model == "wbc@0123abcd"


def test_two_reviewers_saving_one_cell_one_is_told_and_sees_both(store, people, make_case):
    case = make_case(store)
    cell = _by_place(store, people.pathologist, case)[0]
    answers.answer(store, people.pathologist, case.id, [NewAnswer(cell.id, "basophil")])
    with pytest.raises(StaleEdit) as stale:
        answers.answer(store, people.second, case.id, [NewAnswer(cell.id, "monocyte")])
    conflict = stale.value.conflicts[0]
    assert (conflict.yours, conflict.theirs, conflict.by) == ("monocyte", "basophil", "Paul")
    assert _by_place(store, people.viewer, case)[0].label == "basophil"
    knowingly = [NewAnswer(cell.id, "monocyte", conflict.revision)]
    answers.answer(store, people.second, case.id, knowingly)
    assert _by_place(store, people.viewer, case)[0].label == "monocyte"


def test_at_the_very_same_moment_one_of_many_gets_through(store, people, make_case):
    """Eight threads save the same cell at once, 3 times: each time exactly one succeeds."""
    case = make_case(store)
    labels = ["basophil", "monocyte", "eosinophil", "smudge"]
    for cell in _by_place(store, people.viewer, case):
        outcome: list[str | StaleEdit] = []
        ready = threading.Barrier(8)

        def save(n, cell=cell, outcome=outcome, ready=ready):
            who = (people.pathologist, people.second)[n % 2]
            ready.wait()
            try:
                # Each another label, or it would be the same answer said twice.
                label = labels[n // 2]
                answers.answer(store, who, case.id, [NewAnswer(cell.id, label)])
                outcome.append(label)
            except StaleEdit as stale:
                outcome.append(stale)

        threads = [threading.Thread(target=save, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(outcome) == 8
        saved = [one for one in outcome if isinstance(one, str)]
        told = [one.conflicts[0].theirs for one in outcome if isinstance(one, StaleEdit)]
        # Whoever says again, as the same person, what stands already, has lost nothing.
        assert len(set(saved)) == 1
        assert set(told) <= set(saved)
        found = {c.id: c for c in cells.cells(store, people.viewer, case.id)}[cell.id]
        assert (found.label, the(found.answer).revision) == (saved[0], 1)


def test_all_or_none(store, people, make_case):
    case = make_case(store)
    first, second, _ = _by_place(store, people.pathologist, case)
    answers.answer(store, people.second, case.id, [NewAnswer(second.id, "blast")])
    with pytest.raises(StaleEdit) as stale:
        answers.answer(
            store,
            people.pathologist,
            case.id,
            [NewAnswer(first.id, "monocyte"), NewAnswer(second.id, "monocyte")],
        )
    assert [conflict.row for conflict in stale.value.conflicts] == [second.id]
    assert _by_place(store, people.viewer, case)[0].label is None


def test_what_cannot_be_an_answer_is_refused(sqlite_store, people, make_case):
    store = sqlite_store
    case, other = make_case(store), make_case(store, accession="A-2", seed=1)
    cell = _by_place(store, people.viewer, case)[0]
    red = cells.cells(store, people.viewer, case.id, kind="rbc")[0]
    strange = _by_place(store, people.viewer, other)[0]
    for given, words in (
        ([NewAnswer(cell.id, "neutrophil?")], "unknown class"),
        ([NewAnswer(cell.id, "blast"), NewAnswer(cell.id, "monocyte")], "twice"),
        ([NewAnswer(red.id, "blast")], "no white cell"),
        ([NewAnswer(strange.id, "blast")], "has no cell"),
        ([NewAnswer(cell.id, None)], "no answer to take back"),
    ):
        with pytest.raises(CaseRefused, match=words):
            answers.answer(store, people.pathologist, case.id, given)
    boxes.change_box(store, people.pathologist, case.id, cell.id, cell.revision, deleted=True)
    with pytest.raises(CaseRefused, match="taken away"):
        answers.answer(store, people.pathologist, case.id, [NewAnswer(cell.id, "blast")])


def test_an_answer_is_taken_back_and_given_again(store, people, make_case):
    case = make_case(store)
    cell = _by_place(store, people.viewer, case)[0]
    answers.answer(store, people.pathologist, case.id, [NewAnswer(cell.id, "blast", 0, 2.0)])
    back = answers.answer(store, people.pathologist, case.id, [NewAnswer(cell.id, None, 1)])[
        cell.id
    ]
    assert (back.label, back.revision) == (None, 2)
    assert verified.verified(store, people.viewer, case.id).reviewed == 0
    again = [NewAnswer(cell.id, "monocyte", 2, 3.0)]
    saved = answers.answer(store, people.pathologist, case.id, again)[cell.id]
    assert (saved.label, saved.seconds) == ("monocyte", 5.0)


def test_the_same_key_twice_is_no_conflict_and_no_second_entry(store, people, make_case):
    case = make_case(store)
    cell = _by_place(store, people.viewer, case)[0]
    for _ in range(2):
        answers.answer(store, people.pathologist, case.id, [NewAnswer(cell.id, "blast")])
    actions = [entry.action for entry in history.history(store, people.viewer, case.id)]
    assert actions.count("answer") == 1


def test_boxes_come_go_move_and_change_their_kind_and_the_counts_follow(store, people, make_case):
    case = make_case(store)
    picture = cells.cells(store, people.viewer, case.id)[0].picture_id

    def counted():
        return verified.counts(cells.cells(store, people.viewer, case.id, kind=None))

    assert counted() == {"rbc": 2, "wbc": 3, "platelet": 0}
    drawn = boxes.add_box(store, people.pathologist, case.id, picture, "platelet", (30, 30, 34, 34))
    assert drawn.call is None
    assert counted() == {"rbc": 2, "wbc": 3, "platelet": 1}
    moved = boxes.change_box(
        store, people.pathologist, case.id, drawn.id, 1, box_xyxy_px=(31, 31, 99, 99), kind="rbc"
    )
    assert list(moved.box_xyxy_px) == [31, 31, 64, 48], "cut off at the picture's edge"
    assert counted() == {"rbc": 3, "wbc": 3, "platelet": 0}
    gone = boxes.change_box(
        store, people.pathologist, case.id, drawn.id, moved.revision, deleted=True
    )
    assert counted() == {"rbc": 2, "wbc": 3, "platelet": 0}
    with pytest.raises(StaleEdit) as stale:
        boxes.change_box(store, people.second, case.id, drawn.id, 1, kind="wbc")
    assert ("wbc" in stale.value.conflicts[0].yours, gone.revision) == (True, 3)
    for box in ((10, 10, 11, 11), (60, 40, 50, 30), (float("nan"), 0, 9, 9), (100, 0, 120, 9)):
        with pytest.raises(CaseRefused, match="at least 2 px"):
            boxes.add_box(store, people.pathologist, case.id, picture, "wbc", box)
    no_kind: Any = "cell"
    with pytest.raises(CaseRefused, match="unknown kind"):
        boxes.add_box(store, people.pathologist, case.id, picture, no_kind, (1, 1, 9, 9))


def test_undo_goes_back_step_by_step(store, people, make_case):
    case = make_case(store)
    paul = people.pathologist
    first, second, third = _by_place(store, paul, case)
    answers.answer(store, paul, case.id, [NewAnswer(first.id, "basophil")])
    answers.answer(store, paul, case.id, [NewAnswer(first.id, "monocyte", 1)])
    many = [NewAnswer(second.id, "smudge"), NewAnswer(third.id, "smudge")]
    answers.answer(store, paul, case.id, many)
    boxes.change_box(store, paul, case.id, third.id, third.revision, deleted=True)
    grades.grade(store, paul, case.id, "macrocytes", 2)
    remarks.remark(store, paul, case.id, "stain is old")

    def standing():
        return (
            [cell.label for cell in _by_place(store, paul, case)],
            grades.grades_of(store, paul, case.id)["macrocytes"].grade
            if "macrocytes" in grades.grades_of(store, paul, case.id)
            else None,
            len(remarks.remarks_of(store, paul, case.id)),
        )

    expected = [
        (["monocyte", "smudge"], 2, 0),
        (["monocyte", "smudge"], None, 0),
        (["monocyte", "smudge", "smudge"], None, 0),
        (["monocyte", None, None], None, 0),
        (["basophil", None, None], None, 0),
        ([None, None, None], None, 0),
    ]
    for one in expected:
        assert undo.undo(store, paul, case.id) is not None
        assert standing() == one
    assert undo.undo(store, paul, case.id) is None


def test_undo_is_ones_own_and_spares_what_another_changed_since(store, people, make_case):
    case = make_case(store)
    cell = _by_place(store, people.viewer, case)[0]
    answers.answer(store, people.pathologist, case.id, [NewAnswer(cell.id, "basophil")])
    assert not undo.undo(store, people.second, case.id)
    answers.answer(store, people.second, case.id, [NewAnswer(cell.id, "monocyte", 1)])
    with pytest.raises(StaleEdit) as stale:
        undo.undo(store, people.pathologist, case.id)
    assert stale.value.conflicts[0].by == "Petra"
    assert _by_place(store, people.viewer, case)[0].label == "monocyte"


def test_comments_on_a_cell_a_field_and_the_case(store, people, make_case):
    case = make_case(store)
    cell = _by_place(store, people.viewer, case)[0]
    paul = people.pathologist
    whole = remarks.remark(store, paul, case.id, "  thin part  ")
    remarks.remark(store, paul, case.id, "blurred", picture_id=cell.picture_id)
    on_cell = remarks.remark(store, paul, case.id, "Auer rod?", cell_id=cell.id)
    assert (whole.text, on_cell.picture_id) == ("thin part", cell.picture_id)
    with pytest.raises(CaseRefused, match="Paul's"):
        remarks.change_remark(store, people.second, case.id, whole.id, 1, text="mine")
    changed = remarks.change_remark(store, paul, case.id, whole.id, 1, text="thick part")
    with pytest.raises(StaleEdit):
        remarks.change_remark(store, paul, case.id, whole.id, 1, deleted=True)
    remarks.change_remark(store, paul, case.id, whole.id, changed.revision, deleted=True)
    assert [r.text for r in remarks.remarks_of(store, people.viewer, case.id)] == [
        "blurred",
        "Auer rod?",
    ]
    for text, words in (("  ", "empty"), ("x" * 4001, "at most")):
        with pytest.raises(CaseRefused, match=words):
            remarks.remark(store, paul, case.id, text)


def test_morphology_is_graded_and_all_as_normal_leaves_what_was_graded(store, people, make_case):
    case = make_case(store)
    paul = people.pathologist
    grades.grade(store, paul, case.id, "schistocytes", 3)
    found = grades.all_as_normal(store, paul, case.id)
    assert found["schistocytes"].grade == 3
    assert grades.PLATELETS not in found, "red cells are no word about platelets"
    assert {term for term, one in found.items() if one.grade == 0} == set(grades.TERMS) - {
        "schistocytes"
    }
    with pytest.raises(StaleEdit) as stale:
        grades.grade(store, people.second, case.id, "schistocytes", 1)
    assert (stale.value.conflicts[0].yours, stale.value.conflicts[0].theirs) == ("1", "3")
    for term, value in (("schistocytes", 4), ("schistocytes", True), ("platelets", 1), ("x", 1)):
        with pytest.raises(CaseRefused):
            grades.grade(store, paul, case.id, term, value)
    assert len(grades.TERMS) == 22


def test_the_differential_before_and_after(sqlite_store, people, make_case):
    """By hand: 3 lymphocytes and 1 blast proposed; 1 lymphocyte is a blast, 1 a smudge."""
    store = sqlite_store
    case = make_case(store, ["lymphocyte", "lymphocyte", "lymphocyte", "blast"])
    found = _by_place(store, people.viewer, case)
    said = ["lymphocyte", "blast", "smudge", "blast"]
    given = [NewAnswer(cell.id, label) for cell, label in zip(found, said, strict=True)]
    answers.answer(store, people.pathologist, case.id, given)
    standing = verified.verified(store, people.viewer, case.id)
    assert (standing.white_cells, standing.reviewed, standing.changed) == (4, 4, 2)
    change = {one.label: one for one in standing.differences}
    assert (change["lymphocyte"].proposed, change["blast"].proposed) == (0.75, 0.25)
    assert change["lymphocyte"].verified == pytest.approx(1 / 3)
    assert change["blast"].change == pytest.approx(2 / 3 - 0.25)
    assert standing.verified.not_counted == {"smudge": 1}
    # Exact interval of 2 of 3: Clopper-Pearson 9.4 to 99.2 %, R's binom.test(2, 3).
    interval = next(r for r in standing.verified.rows if r.label == "blast").interval
    assert interval.low == pytest.approx(0.0943, abs=1e-4)
    assert interval.high == pytest.approx(0.9916, abs=1e-4)


def test_what_the_machine_doubts_comes_first(sqlite_store, people, make_case):
    sure, unsure = call_of("lymphocyte", 0.99), call_of("lymphocyte", 0.5)
    abstained = call_of("lymphocyte", 0.6, abstained=True)
    case = make_case(sqlite_store, [sure, unsure, abstained, call_of("blast", 0.9)])
    found = cells.cells(sqlite_store, people.viewer, case.id)
    assert [cell.place for cell in found] == [3, 2, 1, 0]
    assert all(0 <= cell.doubt <= 1 for cell in found)
