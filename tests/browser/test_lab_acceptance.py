"""Lab acceptance and a case's report in Chromium: from files to PDFs that say what they should."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from playwright.sync_api import FilePayload, Page, expect
from pypdf import PdfReader

from core.access.people import Person
from core.imaging import synthetic
from core.inference.smear import analyse
from core.models import registry
from core.review.case import cases
from core.review.record.review_store import review_store

pytestmark = pytest.mark.browser

WHO = Person("local user", "local", "local")


def downloaded(page: Page, name: str) -> tuple[str, bytes]:
    with page.expect_download() as waiting:
        page.get_by_role("button", name=name).first.click()
    return waiting.value.suggested_filename, Path(waiting.value.path()).read_bytes()


def send(page: Page, label: str, files: list[FilePayload]) -> None:
    """Into the uploader of this name; again where it was just being redrawn and took nothing."""
    here = page.get_by_role("region", name=label)
    sent = here.get_by_text(files[-1]["name"], exact=True)
    for _ in range(20):
        here.locator("input[type=file]").first.set_input_files(files)
        page.wait_for_timeout(3000)
        if sent.count():
            return
    expect(sent).to_be_visible()


def words(data: bytes) -> str:
    pages = PdfReader(io.BytesIO(data)).pages
    return " ".join(" ".join(page.extract_text() for page in pages).split())


def test_own_slides_become_a_signed_pdf(page: Page, server: str) -> None:
    counts = ["file,slide,rbc,wbc"]
    # The laboratory calls every cell a blast, and finds 60 red cells in the first field.
    classes = "file,class\n" + "".join(f"{n}.png,blast\n" for n in range(3))
    pictures: list[FilePayload] = []
    for n in range(3):
        item = synthetic.draw(410 + n, width=480, height=360, wbc=["monocyte"])
        kinds = [cell.kind for cell in item.cells]
        red = kinds.count("rbc") if n else 60
        counts.append(f"{n}.png,S{n},{red},{kinds.count('wbc')}")
        data = synthetic.png_bytes(item.field)
        pictures.append({"name": f"{n}.png", "mimeType": "image/png", "buffer": data})
    tables: list[FilePayload] = [
        {"name": name, "mimeType": "text/csv", "buffer": text.encode()}
        for name, text in (("counts.csv", "\n".join(counts)), ("classes.csv", classes))
    ]
    page.goto(f"{server}/lab_acceptance")
    send(page, "Fields of your slides", pictures)
    send(page, "Results of your laboratory (CSV)", tables)
    expect(page.get_by_text("2 Your limits")).to_be_visible()
    page.get_by_role("button", name="Analyse 3 fields").click()
    expect(page.get_by_text("3 fields of 3 slides")).to_be_visible()
    expect(page.locator(".js-plotly-plot")).to_have_count(2)
    differing = page.locator('img[alt^="Laboratory: blast"]')
    expect(differing).to_have_count(3)
    expect(page.locator('img[alt*="laboratory 60, program"]')).to_have_count(1)
    # Drawn, not only named: the browser has decoded the picture.
    assert differing.first.evaluate("image => image.naturalWidth") > 10
    page.get_by_label("Title").fill("Zürich, November")
    page.get_by_role("button", name="Sign as").click()
    expect(page.get_by_text("is signed and kept")).to_be_visible()
    name, data = downloaded(page, "PDF")
    said = words(data)
    assert name.startswith("acceptance-") and "Zürich, November" in said
    assert "3 fields of 3 slides" in said and "chosen limits are met" in said
    assert said.count("Laboratory: blast") == 3 and "laboratory 60, program" in said
    # The mark stands where the models answer, from the next redraw on.
    page.goto(f"{server}/models")
    expect(page.get_by_text("failed the lab acceptance").first).to_be_visible()
    expect(page.get_by_text("failed here").first).to_be_visible()


def test_a_draft_report_and_its_fhir_leave_the_review(page: Page, server: str) -> None:
    case = cases.create(review_store(), WHO, "BR-77", pseudonym="P-77")
    field = synthetic.draw(420, width=480, height=360, wbc=["monocyte"]).field
    cases.keep_field(review_store(), WHO, case.id, field, analyse(field, registry.smear_models()))
    page.goto(f"{server}/review?case={case.id}")
    page.get_by_text("4 Sign", exact=True).click()
    name, data = downloaded(page, "Draft report")
    assert name == "BR-77-v1-draft.pdf"
    assert "DRAFT" in words(data) and "BR-77" in words(data)
    page.get_by_role("button", name="Export").click()
    name, data = downloaded(page, "FHIR")
    assert name == "BR-77-v1-draft-fhir.json"
    assert json.loads(data)["entry"][0]["resource"]["status"] == "preliminary"
