"""The PDF says what the case says, whatever letters it is written in."""

import html
import io
import json
import re
import unicodedata

import pytest
from PIL import Image
from pypdf import PdfReader

from core.review.case import cases
from core.review.exchange.case_tables import case_json
from core.review.exchange.contents import gather
from core.review.exchange.fhir import case_fhir
from core.review.exchange.formats import FORMATS
from core.review.exchange.hl7 import case_hl7
from core.review.exchange.letters import NotPrintable, why_not_printable
from core.review.exchange.report import case_page, case_report
from core.review.reading.remarks import remark
from core.review.record.ledger import head
from core.review.signature.signing import amend
from core.settings import Settings


def text_of(data):
    reader = PdfReader(io.BytesIO(data))
    # pypdf reads a zero before each letter of the CJK font; other readers do not.
    text = "\n".join(page.extract_text() for page in reader.pages)
    return text.replace("\x00", ""), reader


@pytest.fixture
def laboratory(tmp_path):
    logo = tmp_path / "logo.png"
    Image.new("RGBA", (300, 100), (0, 114, 178, 255)).save(logo)
    return Settings(
        laboratory="Labor Dr. Müller & Søn",
        laboratory_address="Kőris utca 5, 1010 Wien | +43 1 000000",
        laboratory_logo=logo,
    )


def test_a_signed_report_says_everything(case_store, signed_case, reader, laboratory):
    contents = gather(case_store, reader, signed_case.id)
    text, pdf = text_of(case_report(contents, laboratory))
    flat = " ".join(text.split())
    for said in (
        "Labor Dr. Müller & Søn",
        "Kőris utca 5",
        "H-2026/0042",
        "47 years",
        "leukocytes 24 ×10⁹/L",
        "Signed by Dr Zoë Łuczak-Ångström",
        "Critical cells",
        "1 critical white cell: 1 blast",
        "Spherocytes",
        "Platelets: decreased",
        "Auer rod",
        "locator-test-1",
        "wbc-test-1",
        "Research use only: a qualified person decides.",
        "Żółw 平",  # DejaVu Sans has no Chinese letters; nothing fails
    ):
        assert said in flat, said
    assert contents.signature is not None and contents.signature.snapshot_sha256 in flat
    assert contents.ledger == head(case_store) and contents.ledger.hash in flat
    assert "DRAFT" not in text
    assert pdf.metadata is not None and pdf.metadata.title == "Blood smear report"
    # 5 leukocytes: 2 segmented, 1 band, 2 lymphocytes, 1 blast = 6; smudge and erythroblast not.
    assert "6 leukocytes verified" in flat
    assert "1 smudge cell" in flat and "1 nucleated red cell" in flat


def test_the_figures_are_those_of_the_case(case_store, signed_case, reader):
    text, _ = text_of(case_report(gather(case_store, reader, signed_case.id), Settings()))
    lines = [" ".join(line.split()) for line in text.splitlines()]
    # Neutrophils 3 of 6: Clopper-Pearson 11.8 to 88.2 %, by the table of Clopper & Pearson.
    assert any(line.startswith("Neutrophil 3 50.0 11.8 to 88.2") for line in lines)
    assert any(line.startswith("Band neutrophil 1 16.7 0.4 to 64.1 0.0") for line in lines)
    assert any(line.startswith("RBC 18 6.0 6 to 6") for line in lines)


def test_a_draft_says_so_on_every_page(case_store, open_case, reader):
    contents = gather(case_store, reader, open_case.id)
    text, pdf = text_of(case_report(contents, Settings()))
    assert all("DRAFT" in page.extract_text() for page in pdf.pages)
    assert "not signed: 0 of 8 white cells reviewed" in " ".join(text.split())
    assert FORMATS["pdf"].file_name(open_case) == "H-2026-0042-v1-draft.pdf"


def test_an_amended_case_is_a_draft_again(case_store, signed_case, reader):
    amend(case_store, reader, signed_case.id, "second opinion")
    text, _ = text_of(case_report(gather(case_store, reader, signed_case.id), Settings()))
    assert "version 2" in text and "DRAFT" in text


def test_file_names_that_people_gave_stay_at_home(case_store, signed_case, reader):
    text, _ = text_of(case_report(gather(case_store, reader, signed_case.id), Settings()))
    assert "Jane" not in text


@pytest.mark.parametrize("broken", ["logo", "font"])
def test_a_broken_logo_or_font_costs_only_itself(case_store, signed_case, reader, tmp_path, broken):
    file = tmp_path / "broken.bin"
    file.write_bytes(b"neither picture nor font")
    settings = Settings(
        laboratory_logo=file if broken == "logo" else None,
        report_font=file if broken == "font" else None,
    )
    text, _ = text_of(case_report(gather(case_store, reader, signed_case.id), settings))
    assert "Łuczak" in text


def test_without_any_font_the_report_is_refused(case_store, signed_case, reader, monkeypatch):
    monkeypatch.setattr("core.review.exchange.letters.find_spec", lambda name: None)
    with pytest.raises(NotPrintable, match="DejaVu Sans is not installed"):
        case_report(gather(case_store, reader, signed_case.id), Settings())


SCRIPTS = {
    "pseudonym": "张伟 ผู้ป่วย Ündersøgelse",
    "indication": "发热三天; Ελληνικά; Кириллица; 한국어; ひらがな",
    "comment": "可见原始细胞，请复核",
}


def test_every_script_is_printed_as_it_was_typed(case_store, reader):
    made = cases.create(
        case_store,
        reader,
        "S-1",
        pseudonym=SCRIPTS["pseudonym"],
        pseudonym_confirmed=True,
        indication=SCRIPTS["indication"],
    )
    remark(case_store, reader, made.id, SCRIPTS["comment"])
    text, _ = text_of(case_report(gather(case_store, reader, made.id), Settings()))
    flat = "".join(text.split())
    for typed in SCRIPTS.values():
        assert "".join(typed.split()) in flat
    assert "?" not in flat


def test_arabic_is_joined_and_runs_from_right_to_left(case_store, reader):
    made = cases.create(case_store, reader, "S-2", pseudonym="مريض")
    text, _ = text_of(case_report(gather(case_store, reader, made.id), Settings()))
    assert unicodedata.normalize("NFKC", "مريض") in unicodedata.normalize("NFKC", text) or (
        "مريض"[::-1] in unicodedata.normalize("NFKC", text)
    )


def test_a_script_without_a_font_is_refused_by_its_letters(case_store, reader):
    made = cases.create(case_store, reader, "S-3", pseudonym="रोगी")
    contents = gather(case_store, reader, made.id)
    with pytest.raises(NotPrintable, match=r"U\+0930.*HEMADESK_REPORT_FONT"):
        case_report(contents, Settings())
    assert "रोगी" in case_json(contents)
    assert why_not_printable(["fine", "रोगी"]).startswith("The report cannot be printed")
    assert why_not_printable(["fine", *SCRIPTS.values()]) == ""


def test_many_fields_and_long_words_go_over_pages(case_store, open_case, reader, drawn_fields):
    for n in range(40):
        remark(case_store, reader, open_case.id, f"{n} " + "polychromasia " * 30)
    _, pdf = text_of(case_report(gather(case_store, reader, open_case.id), Settings()))
    assert len(pdf.pages) > 2
    assert "Page 2 of" in pdf.pages[1].extract_text()


def test_a_case_without_pictures_has_a_report_too(case_store, reader):
    empty = cases.create(case_store, reader, "E-1")
    text, _ = text_of(case_report(gather(case_store, reader, empty.id), Settings()))
    assert "E-1" in text


def test_a_palm_is_told_with_its_interval(case_store, reader, drawn_fields):
    made = cases.create(case_store, reader, "P-1")
    call = {
        "anemia_probability": 0.31,
        "low": 0.12,
        "high": 0.55,
        "decision": "refer",
        "prevalence": 0.3,
        "flags": [{"code": "blurred", "message": "m"}],
        "model": "palm-test-1",
    }
    cases.keep_palm(
        case_store, reader, made.id, drawn_fields[0].field, call, same_picture_because="a test"
    )
    text, pdf = text_of(case_report(gather(case_store, reader, made.id), Settings()))
    flat = " ".join(text.split())
    # The blood test comes before the answer, which is named what it is.
    words = [
        "The photo is good enough to be read.",
        "Where anemia is possible, ask for a blood test.",
        "Research result, not shown to be better than chance: refer, no verdict; 31 % (12 to 55) "
        "of those with such a palm have anemia where 30 % of all people like this have it.",
    ]
    assert [flat.index(sentence) for sentence in words] == sorted(map(flat.index, words))
    assert pdf.metadata is not None and pdf.metadata.title == "Palm report"
    # FHIR says it in words; an Observation would look like a measurement.
    entries = json.loads(case_fhir(gather(case_store, reader, made.id)))["entry"]
    conclusion = entries[0]["resource"]["conclusion"]
    places = [conclusion.index(f"Palm: {sentence}") for sentence in words]
    assert places == sorted(places)
    kinds = [entry["resource"]["resourceType"] for entry in entries]
    assert kinds == ["DiagnosticReport", "Patient"], "nothing of a smear or its specimen"
    assert entries[0]["resource"]["code"] == {"text": "Palm report"}
    # HL7 v2 has the same sentences as notes, and every note that FHIR has.
    message = case_hl7(gather(case_store, reader, made.id))
    notes = [line.split("|")[3] for line in message.split("\r") if line.startswith("NTE")]
    assert all(f"Palm: {sentence}" in notes for sentence in words)
    assert set(conclusion.splitlines()) - set(notes) <= {
        line for line in conclusion.splitlines() if line.startswith("Ledger entry")
    }
    assert "Palm report" in message and "OBX" not in message and "smear" not in message
    assert "palm-test-1" in flat and "White-cell differential" not in flat


def test_the_screens_page_says_what_the_pdf_says(case_store, open_case, reader):
    contents = gather(case_store, reader, open_case.id)
    text, _ = text_of(case_report(contents, Settings()))
    page = case_page(contents, Settings())
    shown = html.unescape(re.sub(r"<style>.*?</style>|<[^>]+>", " ", page, flags=re.DOTALL))
    words = set(shown.split()) - {"DRAFT"}
    # The moment of a draft is that of its making; both were made of the same contents.
    assert words <= set(text.split())
    assert page.count("<figure>") == 1, "the one critical cell"
    assert "DRAFT" in page and "not assessed" in shown and "Not signed." in shown


def test_a_page_takes_no_word_for_html(case_store, reader):
    odd = '<script>alert("1")</script> & <b>bold</b>'
    made = cases.create(case_store, reader, "E-2", indication=odd)
    page = case_page(gather(case_store, reader, made.id), Settings())
    assert "<script>" not in page and "<b>bold" not in page
    assert html.escape(odd) in page


def test_the_report_has_bars_usual_shares_and_a_cell_of_each_class(
    own_var, case_store, signed_case, reader, laboratory
):
    contents = gather(case_store, reader, signed_case.id)
    for said in (case_report(contents, laboratory), case_page(contents, laboratory)):
        text = text_of(said)[0] if isinstance(said, bytes) else html.unescape(said)
        for words in ("Usual, %", "40 to 75", "a usual set for adults", "A cell of each class"):
            assert words in " ".join(text.split())
    assert case_page(contents, laboratory).count("class=bar ") == sum(
        row.cells > 0 for row in contents.standing.verified.rows
    )


def test_the_paper_is_the_sites(case_store, signed_case, reader):
    contents = gather(case_store, reader, signed_case.id)
    for paper, size in (("A4", (595, 842)), ("Letter", (612, 792))):
        _, pdf = text_of(case_report(contents, Settings(report_paper=paper)))
        box = pdf.pages[0].mediabox
        assert (round(box.width), round(box.height)) == size


def test_what_is_critical_is_shown_with_its_picture_and_who_was_told(
    case_store, open_case, reader, laboratory
):
    from datetime import UTC, datetime

    from core.review.case.critical_calls import write_call
    from core.review.reading.abnormalities import mark
    from core.review.reading.cells import cells

    cell = cells(case_store, reader, open_case.id)[0]
    before = case_page(gather(case_store, reader, open_case.id), laboratory).count("<img")
    mark(case_store, reader, open_case.id, "auer_rods", cell_id=cell.id)
    mark(case_store, reader, open_case.id, "parasites", picture_id=cell.picture_id)
    mark(case_store, reader, open_case.id, "howell_jolly_bodies", picture_id=cell.picture_id)
    at = datetime(2026, 5, 3, 10, 12, tzinfo=UTC)
    write_call(case_store, reader, open_case.id, "parasites", "Dr Li", at, read_back=True)
    contents = gather(case_store, reader, open_case.id)
    page = html.unescape(case_page(contents, laboratory))
    for words in (
        "Seen: Auer rods in 1 cell, parasites in 1 field.",
        "Howell-Jolly bodies in 1 field.",
        "told Dr Li at 03 May 2026 10:12 UTC: parasites; read back.",
    ):
        assert words in page
    assert page.count("<img") == before + 3
    assert "Critical findings" in text_of(case_report(contents, laboratory))[0]
