"""What is seen besides classes: with its picture, and critical wherever a case is."""

from typing import Any

import pytest

from core.review.case import cases, critical_calls, worklist
from core.review.exchange.case_tables import case_document
from core.review.exchange.contents import gather
from core.review.exchange.fhir import case_fhir
from core.review.exchange.notes import notes_of
from core.review.exchange.signed_contents import gather_signed
from core.review.reading import abnormalities, undo
from core.review.reading.answers import NewAnswer, answer
from core.review.reading.cells import cells
from core.review.record import integrity
from core.review.record.errors import CaseRefused
from core.review.signature import signing

HARMLESS = ("lymphocyte", "monocyte")


@pytest.fixture
def case(store, people, make_case, change_settings):
    change_settings(minimum_cells=1, target_cells=1)
    return make_case(store, HARMLESS)


def read_all(store, person, case):
    found = cells(store, person, case.id)
    answer(store, person, case.id, [NewAnswer(c.id, str(c.call and c.call.label)) for c in found])
    return sorted(found, key=lambda cell: cell.id)


def priority_of(store, people):
    (row,) = worklist.worklist(store, people.viewer, states=("new", "in_review", "second_review"))
    return row.priority


@pytest.mark.parametrize("term", ["parasites", "auer_rods"])
def test_a_critical_one_raises_the_case_everywhere(store, people, case, term):
    first, _ = read_all(store, people.pathologist, case)
    assert priority_of(store, people) == "routine"
    place = {"cell_id": first.id} if term == "auer_rods" else {"picture_id": first.picture_id}
    abnormalities.mark(store, people.pathologist, case.id, term, **place)
    assert priority_of(store, people) == "critical"
    contents = gather(store, people.viewer, case.id)
    assert notes_of(contents)[0].startswith("Critical: ")
    assert case_document(contents)["abnormalities"][0]["critical"] is True  # type: ignore[index]
    assert '"Critical abnormal"' in case_fhir(contents)
    abnormalities.mark(store, people.pathologist, case.id, term, **place, present=False)
    assert priority_of(store, people) == "routine"
    assert integrity.verify(store).is_sound


def test_it_calls_for_a_second_reader_and_blasts_need_no_cell(store, people, case, change_settings):
    change_settings(second_reader="critical")
    from core.review.record import roster

    for who in (people.pathologist, people.second):
        roster.add(store, people.administrator, subject=who.subject, name=who.name, role=who.role)
    first, _ = read_all(store, people.pathologist, case)
    assert signing.blockers(store, people.pathologist, case.id) == ()
    abnormalities.mark(store, people.pathologist, case.id, "parasites", picture_id=first.picture_id)
    (against,) = signing.blockers(store, people.pathologist, case.id)
    assert against.code == "second_reading"
    signing.finish_reading(store, people.pathologist, case.id)
    # The second reader must not learn what the first one saw, nor from the worklist.
    assert abnormalities.seen_of(store, people.second, case.id) == []
    assert priority_of(store, people) == "routine"
    read_all(store, people.second, case)
    abnormalities.mark(store, people.second, case.id, "vacuoles", cell_id=first.id)
    signing.finish_reading(store, people.second, case.id)
    # Both have read: what either saw stands, until somebody takes it away.
    seen = abnormalities.seen_of(store, people.viewer, case.id)
    assert [(one.term, one.reader_names) for one in seen] == [
        ("parasites", ("Paul",)),
        ("vacuoles", ("Petra",)),
    ]
    abnormalities.mark(
        store, people.pathologist, case.id, "parasites", picture_id=first.picture_id, present=False
    )
    assert priority_of(store, people) != "critical"


def test_what_was_signed_stays_and_comes_over_into_an_amendment(store, people, case):
    first, _ = read_all(store, people.pathologist, case)
    mark = abnormalities.mark
    mark(store, people.pathologist, case.id, "toxic_granulation", cell_id=first.id)
    signing.sign(store, people.pathologist, case.id)
    signing.amend(store, people.pathologist, case.id, "to look again")
    (seen,) = abnormalities.seen_of(store, people.viewer, case.id)
    assert (seen.term, seen.cell_id) == ("toxic_granulation", first.id)
    mark(store, people.pathologist, case.id, "toxic_granulation", cell_id=first.id, present=False)
    signed = gather_signed(store, people.viewer, case.id, 1)
    assert [one.term for one in signed.seen] == ["toxic_granulation"]
    assert gather(store, people.viewer, case.id).seen == ()
    assert integrity.verify(store).is_sound


def test_it_is_taken_back_like_an_answer(store, people, case):
    first, _ = read_all(store, people.pathologist, case)
    abnormalities.mark(store, people.pathologist, case.id, "vacuoles", cell_id=first.id)
    entry = undo.undo(store, people.pathologist, case.id)
    assert entry is not None and entry.detail == f"Vacuoles in cell {first.id}: seen"
    assert abnormalities.seen_of(store, people.pathologist, case.id) == []


def test_what_cannot_be_said_is_refused(store, people, case):
    first, _ = read_all(store, people.pathologist, case)
    mark = abnormalities.mark
    for term, place, words in (
        ("dragons", {"cell_id": first.id}, "unknown abnormality"),
        ("vacuoles", {"picture_id": first.picture_id}, "said of a white cell"),
        ("parasites", {"cell_id": first.id}, "said of a field"),
        ("parasites", {"picture_id": 999}, "picture"),
    ):
        with pytest.raises(CaseRefused, match=words):
            mark(store, people.pathologist, case.id, term, **place)
    signing.sign(store, people.pathologist, case.id)
    with pytest.raises(CaseRefused):
        mark(store, people.pathologist, case.id, "vacuoles", cell_id=first.id)


def test_a_critical_call_is_kept_with_who_whom_when_and_read_back(store, people, case):
    from datetime import UTC, datetime, timedelta

    read_all(store, people.pathologist, case)
    at = datetime(2026, 5, 3, 10, 12, tzinfo=UTC)
    call = critical_calls.write_call(
        store, people.pathologist, case.id, "blasts", "Dr Li, ward 4", at, read_back=True
    )
    words = "Paul told Dr Li, ward 4 at 03 May 2026 10:12 UTC: blasts; read back."
    assert call.sentence == words
    assert words in notes_of(gather(store, people.viewer, case.id))
    signing.sign(store, people.pathologist, case.id)
    # After the signature too; what was signed keeps what was written before.
    later = critical_calls.write_call(
        store, people.second, case.id, "repeat it", "Ann", at, read_back=False
    )
    assert len(critical_calls.calls_of(store, people.viewer, case.id)) == 2
    assert len(gather_signed(store, people.viewer, case.id, 1).calls) == 1
    with pytest.raises(CaseRefused, match="Petra's"):
        critical_calls.withdraw_call(store, people.pathologist, case.id, later.id)
    critical_calls.withdraw_call(store, people.second, case.id, later.id)
    assert len(critical_calls.calls_of(store, people.viewer, case.id)) == 1
    for finding, told, when in (
        ("", "Ann", at),
        ("blasts", " ", at),
        ("blasts", "Ann", datetime.now(UTC) + timedelta(hours=1)),
    ):
        with pytest.raises(CaseRefused):
            critical_calls.write_call(
                store, people.second, case.id, finding, told, when, read_back=True
            )
    assert integrity.verify(store).is_sound


def test_a_finding_has_its_places_in_a_field(store, people, make_case):
    case = make_case(store)
    field = cases.case_pictures_of(store, people.viewer, case.id)[0]

    def mark(box, **more):
        abnormalities.mark(
            store, people.pathologist, case.id, "platelet_clumps",
            picture_id=field.id, box_xyxy_px=box, **more,
        )  # fmt: skip

    first, second = (2.0, 3.0, 20.0, 24.0), (30.0, 3.0, 900.0, 24.0)
    mark(first)
    mark(first)
    mark(second)
    seen = abnormalities.seen_of(store, people.viewer, case.id)
    # The second reaches beyond the picture of 64 px and is cut there.
    assert [one.box_xyxy_px for one in seen] == [first, (30.0, 3.0, 64.0, 24.0)]
    contents = gather(store, people.pathologist, case.id)
    assert "Seen: platelet clumps in 1 field." in notes_of(contents)
    document: dict[str, Any] = case_document(contents)
    assert document["abnormalities"][0]["box_xyxy_px"] == list(first)
    assert contents.place(field, first).shape[:2] == (35, 31)
    for wrong in ((70.0, 3.0, 90.0, 20.0), (5.0, 5.0, 5.0, 9.0), (float("nan"), 1.0, 2.0, 3.0)):
        with pytest.raises(CaseRefused, match="not within the picture"):
            mark(wrong)
    answered = [NewAnswer(c.id, "lymphocyte") for c in cells(store, people.pathologist, case.id)]
    answer(store, people.pathologist, case.id, answered)
    signing.sign(store, people.pathologist, case.id)
    signed = gather_signed(store, people.viewer, case.id, 1)
    assert [one.box_xyxy_px for one in signed.seen] == [first, (30.0, 3.0, 64.0, 24.0)]
    signing.amend(store, people.pathologist, case.id, "a second look")
    mark(first, present=False)
    left = abnormalities.seen_of(store, people.viewer, case.id)
    assert [one.box_xyxy_px for one in left] == [(30.0, 3.0, 64.0, 24.0)]
    assert integrity.verify(store).is_sound
