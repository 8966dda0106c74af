"""A class that no model knows goes all the way: answer, list, signature, exports, training set."""

import csv
import io
import json
import os

import pytest

from core.datasets.intake.cell_names import class_of_folder
from core.review.agreement_pairs import Source, label_pairs, signed_cases
from core.review.case import worklist
from core.review.exchange.case_tables import case_csv, case_json
from core.review.exchange.contents import gather
from core.review.exchange.fhir import case_fhir
from core.review.exchange.hl7 import case_hl7
from core.review.exchange.report import case_page, case_report
from core.review.exchange.signed_contents import gather_signed
from core.review.learning import training_sets
from core.review.reading.answers import NewAnswer, answer
from core.review.reading.cells import cells
from core.review.record.errors import CaseRefused
from core.review.signature.signing import sign
from core.review.signature.verified import verified
from core.settings import settings
from core.taxonomy import title

MACHINE = ("immature_granulocyte", "lymphocyte", "lymphocyte", "monocyte", "lymphocyte")
GIVEN = ("myelocyte", "reactive_lymphocyte", "plasma_cell", "other_cell", "sezary_cell")


@pytest.fixture
def read_case(sqlite_store, people, make_case, change_settings, tmp_path):
    file = tmp_path / "classes.csv"
    file.write_text(
        "class,title,key,parent,critical,code,code_system\n"
        "sezary_cell,Sézary cell,1,lymphocyte,yes,SZ,https://laboratory.example/codes\n"
    )
    change_settings(site_classes=file, minimum_cells=1)
    case = make_case(sqlite_store, MACHINE)
    found = sorted(cells(sqlite_store, people.pathologist, case.id), key=lambda cell: cell.id)
    given = [NewAnswer(cell.id, label) for cell, label in zip(found, GIVEN, strict=True)]
    answer(sqlite_store, people.pathologist, case.id, given)
    return case


def test_it_is_counted_listed_and_exported(sqlite_store, people, read_case):
    (row,) = worklist.worklist(sqlite_store, people.pathologist)
    # The myelocyte and the site's own; the machine's immature granulocyte is the same cell.
    assert (row.critical, row.priority) == (2, "critical")
    sign(sqlite_store, people.pathologist, read_case.id)
    contents = gather(sqlite_store, people.viewer, read_case.id)
    # A part of the machine's class is no change of it; a class of its own is.
    assert contents.standing.changed == 3
    rows = list(csv.DictReader(io.StringIO(case_csv(contents))))
    assert [r["verified"] for r in rows if r["kind"] == "wbc"] == list(GIVEN)
    document = json.loads(case_json(contents))
    shares = {r["label"]: r["cells"] for r in document["verified"]["rows"]}
    assert shares["immature_granulocyte"] == shares["myelocyte"] == shares["other_cell"] == 1
    resources = [entry["resource"] for entry in json.loads(case_fhir(contents))["entry"]]
    codes = {
        (one["code"]["coding"][0]["system"], one["code"]["coding"][0]["code"])
        for one in resources
        if one["resourceType"] == "Observation" and "coding" in one["code"]
    }
    assert ("https://laboratory.example/codes", "SZ") in codes
    assert ("http://loinc.org", "26498-6") in codes
    assert case_report(contents, settings()).startswith(b"%PDF")


def test_it_is_no_obstacle_to_the_next_training(sqlite_store, people, read_case):
    sign(sqlite_store, people.pathologist, read_case.id)
    made = training_sets.make(sqlite_store, people.trainer, "ours", "cells")
    folder = made.path(sqlite_store)
    assert made.items == 4 and made.corrections == 0  # the cell of no class is left out
    assert {p.parent.name for p in folder.rglob("*.png")} == {"immature_granulocyte", "lymphocyte"}
    manifest = json.loads((folder / training_sets.MANIFEST).read_text())
    named = [item.get("named") for item in manifest["items"]]
    assert named == ["myelocyte", "reactive_lymphocyte", "plasma_cell", "sezary_cell"]
    # Folders that a case is exported into are read back as the class they are learnt as.
    assert class_of_folder("sezary_cell") == class_of_folder("Reactive Lymphocyte") == "lymphocyte"


def test_a_model_is_not_wrong_about_what_it_cannot_tell(sqlite_store, people, read_case):
    sign(sqlite_store, people.pathologist, read_case.id)
    signed = signed_cases(sqlite_store, people.viewer)
    verified, reader = Source("verified", "", ""), Source("reader", people.pathologist.subject, "")
    model = Source("model", signed.cells[0].model, "")
    pairs = label_pairs(sqlite_store, people.viewer, signed, verified, model)
    assert len(pairs.reference) == 4 and pairs.reference == pairs.other
    between = label_pairs(sqlite_store, people.viewer, signed, verified, reader)
    assert between.reference == GIVEN  # people are compared by what they said


def test_a_class_nobody_knows_is_refused(sqlite_store, people, make_case):
    case = make_case(sqlite_store)
    (cell, *_) = cells(sqlite_store, people.pathologist, case.id)
    with pytest.raises(CaseRefused, match="unknown class 'sezary_cell'"):
        answer(sqlite_store, people.pathologist, case.id, [NewAnswer(cell.id, "sezary_cell")])


def test_a_signed_report_keeps_the_title_of_a_class_that_is_renamed(
    sqlite_store, people, read_case
):
    signed = sign(sqlite_store, people.pathologist, read_case.id)
    assert signed.snapshot["titles"] == {"sezary_cell": "S\u00e9zary cell"}
    file = settings().site_classes
    assert file is not None
    file.write_text(file.read_text().replace("S\u00e9zary cell", "Cerebriform cell"))
    os.utime(file, ns=(1, 1))  # the file is read anew when its time changes
    assert title("sezary_cell") == "Cerebriform cell"
    contents = gather_signed(sqlite_store, people.viewer, read_case.id, 1)
    for form in (case_page(contents, settings()), case_fhir(contents), case_hl7(contents)):
        assert "S\u00e9zary cell" in form and "Cerebriform cell" not in form
    # Outside of the report it has its title of today.
    assert title("sezary_cell") == "Cerebriform cell"


def test_a_class_that_only_the_model_named_has_a_row(sqlite_store, people, make_case):
    """Without it the shares on the screen would not add up before the cell was reviewed."""
    case = make_case(sqlite_store, ("sezary_cell", "lymphocyte"))
    both = verified(sqlite_store, people.pathologist, case.id)
    for rows in (both.proposed.rows, both.verified.rows):
        assert "sezary_cell" in {row.label for row in rows}
    shares = {row.label: row.share for row in both.proposed.rows}
    assert shares["sezary_cell"] == shares["lymphocyte"] == 0.5
