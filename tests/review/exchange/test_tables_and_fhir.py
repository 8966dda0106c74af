"""CSV, JSON and FHIR of a case tell the same figures, and other programs can read them."""

import csv
import io
import json

import pytest
from fhir.resources.bundle import Bundle
from fhir.resources.R4B.bundle import Bundle as BundleR4B

from core.review.exchange import loinc
from core.review.exchange.case_tables import COLUMNS, case_csv, case_json
from core.review.exchange.contents import gather
from core.review.exchange.fhir import case_fhir
from core.review.reading.grades import TERMS
from core.taxonomy import NOT_LEUKOCYTES, WBC_CLASSES


def test_the_csv_has_a_row_for_each_cell(case_store, signed_case, reader):
    rows = list(csv.DictReader(io.StringIO(case_csv(gather(case_store, reader, signed_case.id)))))
    assert tuple(rows[0]) == COLUMNS
    white = [row for row in rows if row["kind"] == "wbc"]
    assert (len(rows), len(white)) == (18 + 3 + 8, 8)
    wrong = [row for row in white if row["proposed"] != row["verified"]]
    assert [(r["proposed"], r["verified"]) for r in wrong] == [
        ("segmented_neutrophil", "band_neutrophil")
    ]
    assert {row["reader"] for row in white} == {reader.name}
    assert all(row["note"].startswith("Research use") for row in rows)
    assert not any("Jane" in value for row in rows for value in row.values())


def test_a_spreadsheet_takes_nothing_for_a_formula(case_store, open_case, reader):
    from core.review.reading.cells import cells
    from core.review.reading.remarks import remark

    remark(
        case_store,
        reader,
        open_case.id,
        "=HYPERLINK(0)",
        cell_id=cells(case_store, reader, open_case.id)[0].id,
    )
    rows = list(csv.DictReader(io.StringIO(case_csv(gather(case_store, reader, open_case.id)))))
    assert [row["remarks"] for row in rows if row["remarks"]] == ["'=HYPERLINK(0)"]


def test_the_json_holds_the_same(case_store, signed_case, reader):
    said = json.loads(case_json(gather(case_store, reader, signed_case.id)))
    assert said["signature"]["by"] == reader.name and len(said["ledger"]["hash"]) == 64
    assert said["pseudonym"] == "Żółw 平"
    assert said["verified"]["leukocytes"] == 6 and said["platelets"] == "decreased"
    assert said["grades"]["spherocytes"] == 2
    assert [p["counts"]["wbc"] for p in said["pictures"]] == [3, 3, 2]


@pytest.mark.parametrize(("release", "model"), [("R5", Bundle), ("R4B", BundleR4B)])
def test_fhir_is_valid_and_says_the_figures(case_store, signed_case, reader, release, model):
    text = case_fhir(gather(case_store, reader, signed_case.id), release)
    bundle = model.model_validate_json(text)
    kinds = [entry.resource.get_resource_type() for entry in bundle.entry]
    assert kinds.count("DiagnosticReport") == 1 and kinds.count("Patient") == 1
    report = bundle.entry[0].resource
    assert report.status == "final" and report.code.coding[0].code == "24318-8"
    assert report.resultsInterpreter[0].display == reader.name
    here = {entry.fullUrl for entry in bundle.entry}
    assert {reference.reference for reference in report.result} <= here
    by_code = {
        entry.resource.code.coding[0].code: entry.resource
        for entry in bundle.entry
        if entry.resource.get_resource_type() == "Observation" and entry.resource.code.coding
    }
    assert float(by_code["764-1"].valueQuantity.value) == 16.7
    assert by_code["764-1"].valueQuantity.code == "%"
    assert "0.4 to 64.1" in by_code["764-1"].note[0].text  # Clopper-Pearson, 1 of 6
    assert float(by_code["19048-8"].valueQuantity.value) == 16.7  # 1 per 6 leukocytes
    assert by_code["802-9"].valueCodeableConcept.text == "moderate (2 of 3)"
    assert by_code["9317-9"].valueCodeableConcept.text == "decreased"
    assert "Research use only" in report.conclusion


def test_a_draft_is_preliminary_and_stays_the_same_resource(case_store, open_case, reader):
    one, other = (json.loads(case_fhir(gather(case_store, reader, open_case.id))) for _ in range(2))
    assert one["entry"][0]["resource"]["status"] == "preliminary"
    assert [e["fullUrl"] for e in one["entry"]] == [e["fullUrl"] for e in other["entry"]]
    assert "name" not in one["entry"][1]["resource"]


def test_every_class_and_term_has_its_code():
    leukocytes = set(WBC_CLASSES) - NOT_LEUKOCYTES
    assert leukocytes | {"neutrophil", "erythroblast"} == set(loinc.DIFFERENTIAL)
    assert set(loinc.MORPHOLOGY) == {*TERMS, "platelets"}
    codes = [row.code for table in (loinc.DIFFERENTIAL, loinc.MORPHOLOGY) for row in table.values()]
    assert len(set(codes)) == len(codes)
    for code in codes:
        assert luhn(code), code


def luhn(code):
    """LOINC's check digit: mod 10 of the number before the dash (LOINC User's Guide, appendix)."""
    number, check = code.split("-")
    total = 0
    for place, digit in enumerate(reversed(number)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return (10 - total % 10) % 10 == int(check)
