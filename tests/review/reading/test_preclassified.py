"""Technologists name cells before the review where the site lets them; a reviewer confirms."""

import pytest

from core.access.people import AT_THE_TERMINAL
from core.access.rights import NotAllowed
from core.review.case import states, worklist
from core.review.exchange.contents import gather
from core.review.exchange.notes import readers_sentences
from core.review.learning.harvest import verified_fields
from core.review.reading import blind, undo
from core.review.reading.answers import NewAnswer, answer
from core.review.reading.cells import cells
from core.review.record import roster
from core.review.record.errors import CaseRefused, SignatureBlocked
from core.review.signature import signing
from core.review.signed_cases import signed_cases


@pytest.fixture
def listed(store, people, change_settings):
    """A site that lets technologists pre-classify, with its people on the list."""
    change_settings(technologists_preclassify=True)
    for one in (people.technologist, people.pathologist, people.second):
        roster.add(store, AT_THE_TERMINAL, subject=one.subject, name=one.name, role=one.role)
    return people


def _row(store, person):
    return worklist.worklist(store, person)[0]


def test_a_technologist_names_and_takes_back_and_never_signs(store, listed, make_case):
    case = make_case(store)
    tina = listed.technologist
    first = cells(store, tina, case.id)[0]
    assert "answer" in states.possible(store, tina, case.id)
    answer(store, tina, case.id, [NewAnswer(first.id, "monocyte")])
    assert undo.undo(store, tina, case.id) is not None
    assert cells(store, tina, case.id)[0].label is None
    for forbidden in (
        lambda: signing.sign(store, tina, case.id, "reason"),
        lambda: signing.finish_reading(store, tina, case.id, "reason"),
        lambda: worklist.take(store, tina, case.id),
    ):
        with pytest.raises(NotAllowed):
            forbidden()


def test_without_the_sites_leave_nobody_pre_classifies(store, listed, make_case, change_settings):
    case = make_case(store)
    change_settings(technologists_preclassify=False)
    cell = cells(store, listed.technologist, case.id)[0]
    with pytest.raises(NotAllowed):
        answer(store, listed.technologist, case.id, [NewAnswer(cell.id, "monocyte")])
    with pytest.raises(NotAllowed):
        undo.undo(store, listed.technologist, case.id)


def test_what_was_pre_classified_is_a_proposal_until_it_is_confirmed(store, listed, make_case):
    case = make_case(store, labels=("lymphocyte", "monocyte", "blast"))
    tina, paul = listed.technologist, listed.pathologist
    found = cells(store, tina, case.id)
    answer(store, tina, case.id, [NewAnswer(cell.id, "lymphocyte") for cell in found])
    # The blast stays critical, and nothing counts as reviewed.
    assert (_row(store, paul).priority, _row(store, paul).reviewed) == ("critical", 0)
    assert sum(cell.is_critical for cell in cells(store, paul, case.id)) == 1
    against = signing.blockers(store, paul, case.id)
    assert [one.code for one in against] == ["preclassified"]
    assert "3 white cells only pre-classified by Tina" in against[0].message
    with pytest.raises(SignatureBlocked):
        signing.sign(store, paul, case.id)
    given = [
        NewAnswer(cell.id, "blast" if cell.is_critical else "lymphocyte", revision=1)
        for cell in cells(store, paul, case.id)
    ]
    answer(store, paul, case.id, given)
    assert _row(store, paul).reviewed == 3
    signing.sign(store, paul, case.id)
    assert "Read by: first reading Paul." in readers_sentences(gather(store, paul, case.id))


def test_the_report_says_who_pre_classified(store, listed, make_case):
    case = make_case(store, labels=("lymphocyte", "monocyte"))
    tina, paul = listed.technologist, listed.pathologist
    one, two = cells(store, tina, case.id)
    answer(store, tina, case.id, [NewAnswer(one.id, "lymphocyte")])
    answer(store, paul, case.id, [NewAnswer(two.id, "monocyte")])
    signing.sign(store, paul, case.id, "enough for today")
    sentences = readers_sentences(gather(store, paul, case.id))
    assert "Read by: first reading Paul, Tina (pre-classified)." in sentences


def test_only_the_first_reading_is_pre_classified(store, listed, make_case):
    case = make_case(store, labels=("lymphocyte",))
    (cell,) = cells(store, listed.pathologist, case.id)
    answer(store, listed.pathologist, case.id, [NewAnswer(cell.id, "lymphocyte")])
    signing.finish_reading(store, listed.pathologist, case.id)
    with pytest.raises(CaseRefused, match="first reading only"):
        answer(store, listed.technologist, case.id, [NewAnswer(cell.id, "monocyte")])


def test_what_was_only_pre_classified_is_no_evidence(store, listed, make_case):
    """Signed with a reason, it stays a proposal: no error of the model, nothing to learn from."""
    case = make_case(store, labels=("lymphocyte", "monocyte"))
    tina, paul = listed.technologist, listed.pathologist
    one, two = cells(store, tina, case.id)
    answer(store, tina, case.id, [NewAnswer(one.id, "blast")])
    answer(store, paul, case.id, [NewAnswer(two.id, "monocyte")])
    signing.sign(store, paul, case.id, "enough for today")
    found = blind.estimate(store, paul)
    assert (found.shown_cells, found.shown_errors) == (1, 0)
    verified = {cell.cell_id: cell.verified for cell in signed_cases(store, paul).cells}
    assert verified == {one.id: None, two.id: "monocyte"}
    with store.database.read() as connection:
        (field,) = verified_fields(connection)
    learnt = {cell.id: cell.label for cell in field.cells if cell.kind == "wbc"}
    assert learnt == {one.id: None, two.id: "monocyte"}
