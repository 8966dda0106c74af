"""A release rule is tried on signed cases: what it would have released, and what was signed."""

from dataclasses import replace

import pytest

from core.access.rights import NotAllowed
from core.review.reading import abnormalities
from core.review.reading.answers import NewAnswer, answer
from core.review.reading.cells import cells
from core.review.signature.release_rule import CONDITIONS, Rule, try_rule
from core.review.signature.signing import sign
from tests.fixtures.review import call_of

USUAL = (
    ["segmented_neutrophil"] * 6 + ["lymphocyte"] * 3 + ["monocyte"] * 1
)  # 60, 30 and 10 percent; no eosinophil, which the adults' ranges ask for


@pytest.fixture
def signed(store, people, make_case):
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
