"""Reference cells are verified ones of other cases, also of classes that no model knows."""

from core.review.reading.answers import NewAnswer, answer
from core.review.reading.cells import cells
from core.review.reading.reference_cells import LOOK_ALIKES, reference_cells
from core.review.signature.signing import sign
from core.taxonomy import answer_labels


def test_they_are_of_other_signed_cases_one_of_each_first(store, people, make_case):
    for number in range(3):
        case = make_case(store, ["immature_granulocyte"] * 2, f"R-{number}", seed=number)
        found = cells(store, people.pathologist, case.id)
        given = [NewAnswer(cell.id, "myelocyte") for cell in found]
        answer(store, people.pathologist, case.id, given)
        if number < 2:
            sign(store, people.pathologist, case.id)
    shown = reference_cells(store, people.viewer, "myelocyte", without_case=case.id, most=3)
    assert [one.accession for one in shown] == ["R-0", "R-1", "R-0"]
    own = reference_cells(store, people.viewer, "myelocyte", without_case=shown[0].picture.case_id)
    assert {one.accession for one in own} == {"R-1"}
    assert reference_cells(store, people.viewer, "blast", without_case=case.id) == []


def test_look_alikes_are_classes_and_never_the_class_itself():
    for label, other in LOOK_ALIKES.items():
        assert {label, other} <= {*answer_labels()} and label != other
