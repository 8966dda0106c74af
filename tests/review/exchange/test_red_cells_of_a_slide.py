"""A slide's result holds its red cells where a model of shapes was there."""

from __future__ import annotations

from datetime import UTC, datetime

from core.review.exchange.red_cell_words import proposals_of
from core.review.exchange.slide_result import SlideResult, slide_pdf, slide_xlsx
from core.settings import Settings
from core.slide.red_cells.summary import red_cells_of
from tests.fixtures.red_cells import shape_of, shaped_finding
from tests.fixtures.review import the

AT = datetime(2026, 11, 29, tzinfo=UTC)
SHAPED = shaped_finding(
    [shape_of("normal")] * 950 + [shape_of("teardrop")] * 50 + [shape_of("", "cut_by_border")] * 2
)


def test_workbook_and_paper_have_a_table_of_shapes():
    result = SlideResult([SHAPED], AT)
    rows = {row[0]: row[1:] for row in result.tables()["Red cells"]}
    assert rows["Teardrop cell"] == [50, 5.0, 3.73, 6.54, 2]
    assert rows["Normal"][-1] is None
    assert rows["Not judged: cut by the border of the field"][0] == 2
    assert slide_pdf(result, Settings()).startswith(b"%PDF")
    assert slide_xlsx(result).startswith(b"PK")


def test_without_shapes_there_is_no_such_table():
    plain = SlideResult([shaped_finding([None])], AT)
    assert list(plain.tables()) == [
        "Differential", "Blood count", "Flags", "Left out", "Fields", "Cells"
    ]  # fmt: skip
    assert slide_pdf(plain, Settings()).startswith(b"%PDF")


def test_a_grade_that_a_reader_gave_against_a_proposal_of_none_is_told():
    found = the(red_cells_of([SHAPED])).as_json()
    found["confirmed"] = {"target_cells": 1, "teardrop_cells": 2, "spherocytes": 0}
    told = {one.term: one.standing() for one in proposals_of(found)}
    assert told == {"teardrop_cells": "confirmed", "target_cells": "changed to few (1 of 3)"}
    # No grade is proposed of too few cells, so nothing is confirmed or changed.
    few = the(red_cells_of([shaped_finding([shape_of("teardrop")] * 9)])).as_json()
    assert proposals_of(few | {"confirmed": {"teardrop_cells": 3}}) == []
