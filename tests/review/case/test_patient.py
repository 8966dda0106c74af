"""A patient's smears over time: by pseudonym, as signed, with what exceeds chance."""

import math

import pytest

from core.review.case.patient import (
    Delta,
    SmearOfPatient,
    count_changes,
    deltas,
    exceeding,
    smears_of_patient,
)
from core.review.reading.answers import NewAnswer, answer
from core.review.reading.cells import cells
from core.review.signature.signing import sign


def signed(store, people, make_case, labels, accession, seed, pseudonym="P-1"):
    case = make_case(store, labels, accession, seed=seed, pseudonym=pseudonym)
    found = cells(store, people.pathologist, case.id)
    given = [NewAnswer(cell.id, cell.call.label) for cell in found if cell.call]
    answer(store, people.pathologist, case.id, given)
    sign(store, people.pathologist, case.id)
    return case


def test_smears_of_one_patient_are_compared(store, people, make_case):
    first = signed(store, people, make_case, ["lymphocyte"] * 3 + ["monocyte"] * 9, "A-1", 1)
    second = signed(store, people, make_case, ["lymphocyte"] * 11 + ["monocyte"], "A-2", 2)
    signed(store, people, make_case, ["monocyte"], "B-1", 3, pseudonym="P-2")
    nobody = make_case(store, ["monocyte"], "C-1", seed=4, pseudonym="")
    found = smears_of_patient(store, people.viewer, second.id)
    assert [one.accession for one in found] == ["A-1", "A-2"]
    assert found == smears_of_patient(store, people.viewer, first.id)
    assert smears_of_patient(store, people.viewer, nobody.id) == []
    changes = {one.label: one for one in deltas(*found)}
    one = changes["lymphocyte"]
    assert (one.before, one.of_before, one.after, one.of_after) == (3, 12, 11, 12)
    assert one.points == pytest.approx(100 * 8 / 12)
    # The sum of the hypergeometric probabilities no larger than that of 3 of 12, from its formula.
    chances = [math.comb(14, k) * math.comb(10, 12 - k) / math.comb(24, 12) for k in range(2, 13)]
    assert one.p == pytest.approx(sum(p for p in chances if p <= chances[1] * (1 + 1e-9)))
    assert {one.label for one in exceeding(list(changes.values()))} == {"lymphocyte", "monocyte"}
    assert not changes["basophil"].exceeds_chance and changes["basophil"].p == 1.0


def test_an_empty_smear_has_no_change():
    assert Delta("monocyte", 0, 0, 3, 10, None).points is None
    empty = SmearOfPatient(1, "A", None, None, 0, {}, {})  # type: ignore[arg-type]
    full = SmearOfPatient(2, "B", None, None, 10, {"monocyte": 3}, {})  # type: ignore[arg-type]
    (one,) = deltas(empty, full)
    assert one.p is None and not one.exceeds_chance


def _counted(red, platelets):
    return SmearOfPatient(
        1, "A", None, None, 10, {},  # type: ignore[arg-type]
        {"rbc": sum(red) / len(red), "platelet": sum(platelets) / len(platelets)},
        {"rbc": tuple(red), "platelet": tuple(platelets)},
    )  # fmt: skip


def test_counts_are_compared_by_their_fields():
    before, after = _counted([20, 22, 24], [3, 2, 4]), _counted([30, 34, 32], [3, 4, 2])
    red, platelets = count_changes(before, after)
    # Means 22 and 32, variances 4 and 4 of three fields: t = -10 / sqrt(8 / 3), four degrees.
    t = -10 / math.sqrt(8 / 3)
    share = t / math.sqrt(t * t + 4)
    assert red.p == pytest.approx(1 - abs(share) * (1 + (1 - share**2) / 2))
    assert red.exceeds_chance and not platelets.exceeds_chance
    one_field = count_changes(_counted([20], [3]), after)
    assert [one.p for one in one_field] == [None, None]
    assert count_changes(_counted([5, 5], [1, 1]), _counted([9, 9], [1, 1]))[0].p is None
