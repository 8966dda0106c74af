"""One workbook and one PDF of a slide, read back by other readers than the ones that wrote them."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import pytest
from openpyxl import load_workbook
from pypdf import PdfReader

from core.records import Estimate, Flag
from core.review.exchange.slide_result import SlideResult, slide_pdf, slide_xlsx
from core.settings import Settings
from core.slide.estimates import EstimateRow
from tests.fixtures.review import call_of, field_of, finding_of

AT = datetime(2026, 11, 28, 21, 30, tzinfo=UTC)


@pytest.fixture
def result() -> SlideResult:
    calls = [call_of("lymphocyte"), call_of("blast"), call_of("lymphocyte"), call_of("monocyte")]
    first = finding_of(field_of(1, name="=SUM(A1).png"), calls, red=3)
    out = finding_of(
        field_of(2, name="blurred.png"), [], red=2, flags=(Flag("not_a_smear", "no smear"),)
    )
    estimates = (
        EstimateRow("Platelets", "platelets_per_ul", Estimate(200_000.0, 90_000.0, float("inf"))),
    )
    return SlideResult((first, out), AT, "A-7", estimates, lambda one: "not_accepted_here")


def test_the_workbook_holds_numbers_and_everything_that_was_found(result: SlideResult) -> None:
    book = load_workbook(io.BytesIO(slide_xlsx(result)))
    about = {row[0]: row[1] for row in book["Result"].values}
    assert about["Accession number"] == "A-7"
    assert about["Made"] == "2026-11-28 21:30+00:00"
    assert about["Fields"] == "1 of 2 count"
    assert about["Models"] == "locator@89abcdef, wbc@0123abcd"
    assert "Research use" in str(about["Use"])
    shares = {row[0]: row[3] for row in book["Differential"].values}
    assert shares["Lymphocyte"] == 50.0  # 2 of 4 by hand
    blood = next(row for row in book["Blood count"].values if row[0] == "Red cells")
    assert blood[2] == 3.0
    assert [row[0] for row in book["Left out"].values][1:] == ["blurred.png"]
    assert any(row[1] == "critical_cell" for row in book["Flags"].values)
    cells = list(book["Cells"].values)
    assert len(cells) - 1 == 4 + 3 + 2
    assert cells[1][9] == 0.9, "a probability is a number, whatever the decimal sign of a country"
    assert all(cell.data_type != "f" for row in book["Cells"].rows for cell in row)


def test_the_pdf_says_the_same_and_that_nobody_signed(result: SlideResult) -> None:
    pages = PdfReader(io.BytesIO(slide_pdf(result, Settings()))).pages
    text = " ".join(page.extract_text() for page in pages)
    for words in ("A-7", "Lymphocyte", "50.0", "blurred.png", "locator@89abcdef", "Research use",
                  "Nobody has reviewed"):  # fmt: skip
        assert words in text, words


def test_nothing_is_no_result() -> None:
    with pytest.raises(ValueError, match="at least one field"):
        SlideResult((), AT)
