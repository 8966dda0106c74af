"""Readers who differ in a class, a box and two grades: each is shown, settled, and told by name."""

from __future__ import annotations

import io
import json

import pytest
from pypdf import PdfReader

from core.review.exchange.contents import gather
from core.review.exchange.fhir import case_fhir
from core.review.exchange.report import case_report
from core.review.exchange.signed_contents import gather_signed
from core.review.reading import answers, boxes, cells, grades
from core.review.reading.answers import NewAnswer
from core.review.record.errors import SignatureBlocked
from core.review.signature import signing
from core.settings import Settings


@pytest.fixture
def differing(sqlite_store, people, make_case):
    """Paul and Petra differ in one white cell, in one red cell's box, in a grade, in platelets."""
    store = sqlite_store
    case = make_case(store, ["lymphocyte", "monocyte"])
    given = {
        people.pathologist: (("lymphocyte", "monocyte"), 1, "adequate"),
        people.second: (("lymphocyte", "blast"), 3, "decreased"),
    }
    for who, (labels, grade, platelets) in given.items():
        white = sorted(cells.cells(store, who, case.id), key=lambda cell: cell.id)
        answers.answer(
            store, who, case.id,
            [NewAnswer(cell.id, label) for cell, label in zip(white, labels, strict=True)],
        )  # fmt: skip
        grades.grade(store, who, case.id, "target_cells", grade)
        grades.grade(store, who, case.id, grades.PLATELETS, platelets, against_count=True)
        if who == people.second:
            red = cells.cells(store, who, case.id, kind="rbc")[0]
            boxes.change_box(store, who, case.id, red.id, red.revision, kind="platelet")
        signing.finish_reading(store, who, case.id)
    return case


def test_none_of_them_is_signed_away_with_a_reason(sqlite_store, people, differing):
    store, who, case_id = sqlite_store, people.pathologist, differing.id

    def against():
        with pytest.raises(SignatureBlocked) as blocked:
            signing.sign(store, who, case_id, "in a hurry")
        return {one.code for one in blocked.value.blockers}, str(blocked.value)

    codes, words = against()
    assert codes == {"differing", "differing_boxes", "differing_grades"}
    assert "target cells, platelets; settle them under 3" in words
    assert "differ in 1 box; settle it" in words and "differ in 1 white cell; settle it" in words
    (cell,) = (c for c in cells.cells(store, who, case_id) if c.differs)
    answers.answer(store, people.second, case_id, [NewAnswer(cell.id, "blast")])
    assert against()[0] == {"differing_boxes", "differing_grades"}
    (box,) = boxes.differences(store, who, case_id)
    boxes.adjudicate(store, who, case_id, [(box.cell, 1)])
    assert against()[0] == {"differing_grades"}
    grades.grade(store, who, case_id, "target_cells", 2)
    codes, words = against()
    assert "the two readers differ in platelets; settle it" in words
    grades.grade(store, people.second, case_id, grades.PLATELETS, "decreased", against_count=True)
    signing.sign(store, who, case_id)

    expected = (
        "Read by: first reading Paul; second reading Petra; settling Paul, Petra.",
        f"Cell {cell.id}: Paul monocyte, Petra blast; settled by Petra as blast.",
        f"Box of cell {box.cell.id}: Paul a red cell, Petra a platelet; settled by Paul as a red "
        "cell.",
        "Target cells: Paul few, Petra many; settled by Paul as moderate.",
        "Platelets: Paul adequate, Petra decreased; settled by Petra as decreased.",
    )
    for contents in (
        gather(store, people.viewer, case_id),
        gather_signed(store, people.viewer, case_id, 1),
    ):
        pdf = PdfReader(io.BytesIO(case_report(contents, Settings())))
        text = " ".join(" ".join(page.extract_text() for page in pdf.pages).split())
        report = json.loads(case_fhir(contents))["entry"][0]["resource"]
        for sentence in expected:
            assert sentence in text, sentence
            assert sentence in report["conclusion"], sentence
