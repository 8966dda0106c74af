"""What laboratory and program call differently is shown as pictures and kept when signed."""

from __future__ import annotations

import hashlib
import io
from dataclasses import replace
from functools import partial

import pytest
from pypdf import PdfReader

from core.imaging import synthetic
from core.imaging.view import pixels_of
from core.inference.batch import Source
from core.models import registry
from core.records import CellCounts, Estimate
from core.review.acceptance import discordance
from core.review.acceptance.discordance import Discordance, distance
from core.review.acceptance.limits import Limit
from core.review.acceptance.measure import measure
from core.review.acceptance.measured import from_json
from core.review.acceptance.records import every, sign
from core.review.acceptance.report import acceptance_report
from core.review.acceptance.results import read_results
from core.review.record.integrity import verify
from core.settings import Settings
from tests.fixtures.review import call_of, field_of, finding_of


def returned(field):
    return field


@pytest.fixture(scope="module")
def measured():
    """One drawn field whose only white cell the laboratory calls a blast, with 50 red cells."""
    item = synthetic.draw(77, width=400, height=300, wbc=["lymphocyte"])
    name = item.field.name
    box = next(cell.box_xyxy_px for cell in item.cells if cell.kind == "wbc")
    results = read_results(
        [
            ("counts.csv", f"file,rbc,wbc\n{name},50,1\n".encode()),
            (
                "cells.csv",
                ("file,class,x0,y0,x1,y1\n" + f"{name},blast,{','.join(map(str, box))}\n").encode(),
            ),
        ]
    )
    source = Source(name, partial(returned, item.field))
    return measure([source, source], results, registry.smear_models())


def test_a_cell_called_differently_is_cut_out_with_both_labels(measured):
    (cell,) = measured.discordant_cells
    assert (cell.laboratory, measured.labels) == ("blast", (("blast", cell.program),))
    assert cell.program != "blast" and 0 < cell.probability <= 1
    data = measured.pictures[cell.picture]
    assert hashlib.sha256(data).hexdigest() == cell.picture
    assert 10 < max(pixels_of(data).shape[:2]) <= 160
    assert measured.discordant == 1


def test_a_field_whose_counts_differ_is_shown_with_both(measured):
    (field,) = measured.discordant_fields
    laboratory, program = field.counts["rbc"]
    assert laboratory == 50 and program == measured.numbers["rbc"]["other"][0] < 49
    assert pixels_of(measured.pictures[field.picture]).shape == (300, 400, 3)


def test_the_same_name_twice_is_told_and_counted_once(measured):
    assert measured.fields == 1 and len(measured.labels) == 1
    assert "sent twice" in measured.refused[0]


def test_signed_they_are_in_the_report_and_the_ledger_watches_them(
    sqlite_store, people, measured, monkeypatch
):
    kept = sign(
        sqlite_store, people.pathologist, "Nov", measured, [Limit("accuracy", "at least", 0.9)]
    )
    assert kept.measured == measured == from_json(measured.as_json())
    (again,) = every(sqlite_store, people.viewer)
    pdf = PdfReader(io.BytesIO(acceptance_report(again, Settings())))
    text = " ".join(" ".join(page.extract_text() for page in pdf.pages).split())
    (cell,), (field,) = measured.discordant_cells, measured.discordant_fields
    for said in ("Laboratory: blast", f"Program: {cell.program.replace('_', ' ')}", field.file,
                 "laboratory 50, program", "1 of 1 cells of known class"):  # fmt: skip
        assert said in text, said
    assert sum(len(page.images) for page in pdf.pages) == 2
    found = verify(sqlite_store)
    assert found.is_sound and found.pictures == 2

    # A picture that was changed or is gone is told; the rest of the report stays readable.
    next(sqlite_store.pictures.rglob(f"{cell.picture}.png")).unlink()
    (tampered,) = verify(sqlite_store).tampered
    assert (tampered.table, tampered.row) == ("acceptances", kept.id)
    pdf = PdfReader(io.BytesIO(acceptance_report(again, Settings())))
    text = " ".join(" ".join(page.extract_text() for page in pdf.pages).split())
    assert "1 of the kept pictures is gone" in text and "laboratory 50" in text


def test_a_record_signed_before_there_were_pictures_is_read(measured):
    stored = measured.as_json()
    del stored["discordant_cells"], stored["discordant_fields"]
    assert from_json(stored) == replace(measured, discordant_cells=(), discordant_fields=())


def test_critical_classes_lead_then_the_surest_mistakes(monkeypatch):
    monkeypatch.setattr(discordance, "MOST_CELLS", 3)
    collected, field = Discordance(), field_of()
    shares = {"lymphocyte": 0.5, "monocyte": 0.9, "eosinophil": 0.7, "basophil": 0.6}
    for label, probability in shares.items():
        (cell,) = finding_of(field, [call_of(label, probability)], red=0).cells
        reference = "blast" if label == "lymphocyte" else "smudge"
        collected.add_cell(field, cell, reference, label)
        collected.add_cell(field, cell, label, label)  # called the same: never shown
    assert [cell.program for cell in collected.cells] == ["lymphocyte", "monocyte", "eosinophil"]
    assert set(collected.pictures) == {cell.picture for cell in collected.cells}


def test_fields_are_ordered_by_the_spread_of_their_counts(monkeypatch):
    monkeypatch.setattr(discordance, "MOST_FIELDS", 2)
    collected = Discordance()
    # (red, white) by the program; the laboratory always has 24 red and 3 white cells.
    numbers = {"a.png": (25, 3), "b.png": (24, 6), "c.png": (24, 3), "d.png": (29, 3)}
    for n, (name, (red, white)) in enumerate(numbers.items()):
        field = field_of(n, name=name)
        counts = CellCounts(
            Estimate(red, red, red), Estimate(white, white, white), Estimate(0, 0, 0)
        )
        finding = replace(finding_of(field, []), counts=counts)
        collected.add_field(field, finding, {"rbc": 24, "wbc": 3})
    # Three more white cells (3/2 spreads) weigh more than five more red cells (5/5).
    assert [field.file for field in collected.fields] == ["b.png", "d.png"]
    assert [distance(field) for field in collected.fields] == [1.5, 1.0]
