"""Turnaround by who signed and by urgency; a scanned accession number finds its case."""

from core.review.case import cases
from core.review.case.timing import turnaround_by
from core.review.reading.answers import NewAnswer, answer
from core.review.reading.cells import cells
from core.review.signature.signing import sign


def test_turnaround_is_by_reader_and_urgency(store, people, make_case):
    for number, (who, label) in enumerate(
        [(people.pathologist, "blast"), (people.pathologist, "monocyte"), (people.second, "blast")]
    ):
        case = make_case(store, [label], f"T-{number}", seed=number)
        (cell,) = cells(store, who, case.id)
        answer(store, who, case.id, [NewAnswer(cell.id, label)])
        sign(store, who, case.id)
    found = turnaround_by(store, people.viewer)
    assert [(row.name, row.n) for row in found["signed by"]] == [("Paul", 2), ("Petra", 1)]
    assert [(row.name, row.n) for row in found["priority"]] == [
        ("critical", 2),
        ("not critical", 1),
    ]
    for row in found["signed by"]:
        assert 0 <= row.median <= row.p90 <= row.p95


def test_a_scanned_number_finds_its_case_and_no_other(store, people, make_case):
    case = make_case(store, ["monocyte"], "AB-12")
    assert cases.find_accession(store, people.viewer, " ab-12 ") == case
    assert cases.find_accession(store, people.viewer, "ab-1") is None
