"""A release rule is tried on signed cases: what it would have released, and what was signed."""

from dataclasses import replace

import pytest

from core.access.rights import NotAllowed
from core.review.exchange.fhir import case_fhir
from core.review.exchange.hl7 import case_hl7
from core.review.exchange.report import case_page
from core.review.exchange.signed_contents import gather_signed
from core.review.learning.harvest import verified_fields
from core.review.reading import abnormalities
from core.review.reading.answers import NewAnswer, answer
from core.review.reading.cells import cells
from core.review.record.errors import CaseRefused
from core.review.record.integrity import verify
from core.review.record.ledger import entries
from core.review.signature import release
from core.review.signature.release_rule import CONDITIONS, Rule, try_rule
from core.review.signature.signing import sign
from core.review.signature.verified import verified
from core.settings import settings
from core.slide.reference_ranges import RANGES_FILE, ReferenceRange, write_ranges
from tests.fixtures.review import call_of

USUAL = (
    ["segmented_neutrophil"] * 6 + ["lymphocyte"] * 3 + ["monocyte"] * 1
)  # 60, 30 and 10 percent; no eosinophil, which the adults' ranges ask for


@pytest.fixture
def signed(store, people, make_case):
    return _signs(store, people, make_case)


@pytest.fixture
def signed_there(sqlite_store, people, make_case):
    return _signs(sqlite_store, people, make_case)


def ledger_of(store):
    with store.database.read() as connection:
        return entries(connection)


def _signs(store, people, make_case):
    def make(accession, labels, seed, given=None, seen=()):
        case = make_case(store, labels, accession, seed=seed)
        found = sorted(cells(store, people.pathologist, case.id), key=lambda cell: cell.id)
        named = given or [cell.call.label for cell in found if cell.call]
        answers = [NewAnswer(cell.id, label) for cell, label in zip(found, named, strict=True)]
        answer(store, people.pathologist, case.id, answers)
        for term in seen:
            place = found[0].picture_id
            abnormalities.mark(store, people.pathologist, case.id, term, picture_id=place)
        sign(store, people.pathologist, case.id)

    return make


def test_it_counts_what_it_would_have_released_and_who_disagreed(store, people, signed):
    signed("OK-1", USUAL, 1)
    signed("OK-2", USUAL, 2)
    signed("UNSURE", [*USUAL[1:], call_of("monocyte", 0.6, abstained=True)], 3)
    signed("BLAST", [*USUAL[1:], "blast"], 4)
    # The program was sure and harmless, and a person signed something else.
    signed("MISSED", USUAL, 5, given=[*USUAL[1:], "blast"])
    signed("PARASITE", USUAL, 6, seen=["parasites"])
    rule = Rule(("every cell is sure", "nothing is critical", "no field has a flag"))
    found = try_rule(store, people.pathologist, rule)
    assert (found.cases, found.released, found.agreed) == (6, 4, 2)
    assert found.against == ("MISSED", "PARASITE")
    assert found.sentence.startswith("It would have released 4 of 6 signed cases; 2 agreed")
    # Clopper-Pearson of 2 in 4: 6.76 to 93.24 percent.
    assert found.wrong.low == pytest.approx(0.0676, abs=1e-4)


@pytest.mark.parametrize(("minimum", "released"), [(10, 1), (11, 0)])
def test_it_asks_for_enough_cells(store, people, signed, minimum, released):
    signed("OK-1", USUAL, 1)
    found = try_rule(store, people.pathologist, Rule(("enough cells",), minimum))
    assert found.released == found.agreed == released


def test_shares_are_those_usual_for_the_person(store, people, signed):
    knows = call_of("monocyte")
    knows = replace(knows, probabilities={**knows.probabilities, "basophil": 0.0})
    signed("LOW", [*USUAL[1:], knows], 1)  # no eosinophil
    signed(
        "NOT TOLD", [*USUAL[:9] * 3, "eosinophil", "monocyte"], 2
    )  # by a model that knows no basophil
    signed("USUAL", [*USUAL[:9] * 3, "eosinophil", knows], 3)
    found = try_rule(store, people.pathologist, Rule(("every share is usual",)))
    assert (found.cases, found.released) == (3, 1)


def test_a_rule_is_made_of_known_conditions_and_tried_by_who_may_sign(store, people):
    with pytest.raises(ValueError, match="luck"):
        try_rule(store, people.pathologist, Rule(("luck",)))
    with pytest.raises(ValueError, match="needs conditions"):
        try_rule(store, people.pathologist, Rule(()))
    with pytest.raises(NotAllowed):
        try_rule(store, people.viewer, Rule((next(iter(CONDITIONS)),)))
    assert try_rule(store, people.pathologist, Rule(tuple(CONDITIONS))).cases == 0


SURE = Rule(("nothing is critical", "every cell is sure", "no field has a flag"))


def test_a_rule_is_off_until_it_was_right_on_enough_signed_cases(
    sqlite_store, people, signed_there, change_settings
):
    store = sqlite_store
    assert release.standing_rule(store, people.viewer) is None
    assert release.releasable(store, people.pathologist) == []
    signed_there("OK-1", USUAL, 1)
    with pytest.raises(CaseRefused, match="right on 1 signed cases; 30 are needed"):
        release.turn_on(store, people.pathologist, SURE)
    change_settings(blind_share=0.0, release_trial_cases=1)
    with pytest.raises(CaseRefused, match="nothing is critical"):
        release.turn_on(store, people.pathologist, Rule(("every cell is sure",)))
    with pytest.raises(NotAllowed):
        release.turn_on(store, people.technologist, SURE)
    standing = release.turn_on(store, people.pathologist, SURE)
    assert standing.rule == SURE and "1 of 1" in standing.trial
    signed_there("MISSED", USUAL, 5, given=[*USUAL[1:], "blast"])
    with pytest.raises(CaseRefused, match="MISSED, signed otherwise"):
        release.turn_on(store, people.pathologist, SURE)
    release.turn_off(store, people.second)
    assert release.standing_rule(store, people.viewer) is None
    with pytest.raises(CaseRefused, match="rule was changed"):
        release.release(store, people.pathologist, standing.number, [1])
    assert [e.detail.split(":")[0] for e in ledger_of(store) if e.action == "release_rule"] == [
        "on",
        "off",
    ]


def test_a_person_signs_a_batch_and_the_report_says_by_which_rule(
    sqlite_store, people, signed_there, make_case, change_settings
):
    store = sqlite_store
    signed_there("OK-1", USUAL, 1)
    change_settings(blind_share=0.0, release_trial_cases=1)
    standing = release.turn_on(store, people.pathologist, SURE)
    whole = make_case(store, USUAL, "WHOLE", seed=2)
    begun = make_case(store, USUAL, "BEGUN", seed=3)
    make_case(store, [*USUAL, "blast"], "BLAST", seed=4)
    cell = cells(store, people.pathologist, begun.id)[0]
    answer(store, people.pathologist, begun.id, [NewAnswer(cell.id, "lymphocyte")])
    listed = release.releasable(store, people.pathologist)
    assert [one.case.accession for one in listed] == ["WHOLE"]
    assert listed[0].percent["lymphocyte"] == pytest.approx(30)
    signed, refused = release.release(
        store, people.pathologist, standing.number, [whole.id, begun.id]
    )
    assert [one.case_id for one in signed] == [whole.id]
    assert refused == ["BEGUN: somebody has begun to read it"]
    snapshot = signed[0].snapshot
    assert snapshot["released"]["rule"] == standing.number
    assert (snapshot["reviewed"], snapshot["verified"]["leukocytes"]) == (0, 10)
    assert verified(store, people.viewer, whole.id).verified.leukocytes == 10
    entry = ledger_of(store)[-1]
    assert (entry.action, entry.case_id) == ("release", whole.id)
    assert "release rule" in entry.detail
    contents = gather_signed(store, people.viewer, whole.id, 1)
    for form in (case_page(contents, settings()), case_hl7(contents), case_fhir(contents)):
        assert "no person looked at each cell" in form
    assert "verified by a person" not in case_page(contents, settings())
    # Nobody looked, so nothing is learnt from it, and no later rule is tried on it.
    with store.database.read() as connection:
        found = {f.accession: f.cells for f in verified_fields(connection)}
    assert all(one.label is None for one in found["WHOLE"])
    assert try_rule(store, people.pathologist, SURE).cases == 1
    assert verify(store).is_sound


def test_it_is_tried_with_the_ranges_of_the_signature(sqlite_store, people, signed_there, own_var):
    rule = Rule(("every share is usual",))
    own_var.mkdir()
    own = ReferenceRange("monocyte", "any", 0, 120, 5.0, 50.0)
    write_ranges(own_var / RANGES_FILE, [own])
    signed_there("THEN", USUAL, 1)
    assert try_rule(sqlite_store, people.pathologist, rule).released == 1
    write_ranges(own_var / RANGES_FILE, [replace(own, low=40.0)])
    assert try_rule(sqlite_store, people.pathologist, rule).released == 1
