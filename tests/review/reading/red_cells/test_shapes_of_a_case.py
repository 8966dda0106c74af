"""Readers correct the shapes of red cells: kept with the ledger, counted, settled, exported."""

from __future__ import annotations

import csv
import io
import json

import pytest
from pypdf import PdfReader

from core.access.rights import NotAllowed
from core.review.case import cases
from core.review.exchange.case_tables import case_csv, case_json
from core.review.exchange.contents import gather
from core.review.exchange.fhir import case_fhir
from core.review.exchange.hl7 import case_hl7
from core.review.exchange.report import case_report
from core.review.exchange.signed_contents import gather_signed
from core.review.reading import cells, grades, undo
from core.review.reading.red_cells.shapes import NewShape, give_shapes
from core.review.reading.red_cells.summary import red_cells_of_case
from core.review.record.errors import CaseRefused, StaleEdit
from core.review.record.integrity import verify
from core.review.record.ledger import entries
from core.review.record.readings import NotYourReading
from core.review.signature import signing
from core.settings import Settings
from core.slide.red_cells.terms import NO_SHAPE
from tests.fixtures.red_cells import shape_of, shaped_finding
from tests.fixtures.review import field_of, the

TARGETS, NORMAL = 60, 945
"""Of 1,005 judged cells 60 are target cells: 5.97 %, so grade 2; 55 would be 5.47 %."""


@pytest.fixture
def case(sqlite_store, people):
    """A field of 1,005 judged red cells and three that overlap; no white cell."""
    made = cases.create(sqlite_store, people.technologist, "R-1", pseudonym="P-9")
    field = field_of(1, 1000, 1000)
    shapes = [shape_of("target_cell")] * TARGETS + [shape_of("normal")] * NORMAL
    shapes += [shape_of("", "overlapped")] * 3
    finding = shaped_finding(shapes, field.name)
    cases.keep_field(sqlite_store, people.technologist, made.id, field, finding)
    return made


def red(store, who, case, shape=None):
    found = cells.cells(store, who, case.id, kind="rbc")
    found = [c for c in found if shape is None or the(c.shape).label == shape]
    return sorted(found, key=lambda cell: cell.id)


def summary(store, who, case):
    found = cells.cells(store, who, case.id, kind="rbc")
    return the(red_cells_of_case(found, cases.case_pictures_of(store, who, case.id)))


def test_a_correction_counts_in_the_shares_and_stands_in_the_ledger(sqlite_store, people, case):
    store, who = sqlite_store, people.pathologist
    assert summary(store, who, case).grades["target_cells"].grade == 2
    targets = red(store, who, case, "target_cell")
    give_shapes(store, who, case.id, [NewShape(c.id, "normal") for c in targets[:20]])
    give_shapes(store, who, case.id, [NewShape(targets[20].id, NO_SHAPE)])
    now = summary(store, who, case)
    assert (now.shares.of("target_cell").cells, now.shares.judged) == (39, 1004)
    assert now.shares.not_judged == {"overlapped": 3, "by_reader": 1}
    assert now.grades["target_cells"].grade == 0
    assert now.shares.corrected == 21
    with store.database.read() as connection:
        last = entries(connection, case.id)[-1]
    assert (last.action, last.who_name) == ("shape", who.name)
    assert last.detail == "1 red cell: not judged"
    assert verify(store).is_sound


def test_it_can_be_taken_back_by_its_key_and_by_undo(sqlite_store, people, case):
    store, who = sqlite_store, people.pathologist
    one = red(store, who, case, "target_cell")[0].id
    given = give_shapes(store, who, case.id, [NewShape(one, "spherocyte")])[one]
    assert (given.shape, given.revision) == ("spherocyte", 1)
    given = give_shapes(store, who, case.id, [NewShape(one, None, 1)])[one]
    assert given.shape is None
    assert summary(store, who, case).shares.of("target_cell").cells == TARGETS
    undo.undo(store, who, case.id)
    assert summary(store, who, case).shares.of("spherocyte").cells == 1
    undo.undo(store, who, case.id)
    assert summary(store, who, case).shares.corrected == 0
    assert verify(store).is_sound


def test_refusals(sqlite_store, people, case):
    store, who = sqlite_store, people.pathologist
    one = red(store, who, case)[0].id
    with pytest.raises(NotAllowed):
        give_shapes(store, people.technologist, case.id, [NewShape(one, "normal")])
    with pytest.raises(CaseRefused, match="unknown shape"):
        give_shapes(store, who, case.id, [NewShape(one, "banana")])
    with pytest.raises(CaseRefused, match="has no cell"):
        give_shapes(store, who, case.id, [NewShape(10**6, "normal")])
    give_shapes(store, who, case.id, [NewShape(one, "teardrop")])
    with pytest.raises(StaleEdit) as stale:
        give_shapes(store, people.second, case.id, [NewShape(one, "normal")])
    (conflict,) = stale.value.conflicts
    assert (conflict.theirs, conflict.yours) == ("teardrop cell", "normal")


def test_two_readers_differ_until_somebody_says_which(sqlite_store, people, case):
    store, one, two = sqlite_store, people.pathologist, people.second
    first, second, third = (c.id for c in red(store, one, case, "target_cell")[:3])
    give_shapes(store, one, case.id, [NewShape(first, "normal"), NewShape(second, "spherocyte")])
    grades.grade(store, one, case.id, "target_cells", 2)
    signing.finish_reading(store, one, case.id)
    # The second reader sees the model's shapes and nothing of the first one's.
    assert summary(store, two, case).shares.corrected == 0
    with pytest.raises(NotYourReading):
        give_shapes(store, one, case.id, [NewShape(third, "normal")])
    give_shapes(store, two, case.id, [NewShape(second, "teardrop")])
    grades.grade(store, two, case.id, "target_cells", 1)
    signing.finish_reading(store, two, case.id)
    found = {c.id: c.given_shape for c in red(store, one, case) if c.given_shape}
    assert (found[first].shape, found[first].differs) == ("normal", False)
    assert found[second].differs
    assert summary(store, one, case).shares.not_judged["readers_differ"] == 1
    assert [d.term for d in grades.differences(store, one, case.id)] == ["target_cells"]
    give_shapes(store, one, case.id, [NewShape(second, "teardrop", found[second].revision)])
    now = summary(store, one, case)
    assert "readers_differ" not in now.shares.not_judged
    assert now.shares.of("teardrop").cells == 1


def test_grading_the_rest_as_normal_leaves_what_is_proposed_open(sqlite_store, people, case):
    store, who = sqlite_store, people.pathologist
    given = grades.all_as_normal(store, who, case.id, ["target_cells"])
    assert set(grades.TERMS) - set(given) == {"target_cells"}
    assert {one.grade for one in given.values()} == {0}


def _text(pdf):
    pages = PdfReader(io.BytesIO(pdf)).pages
    return " ".join(" ".join(page.extract_text() for page in pages).split())


def test_proposed_and_confirmed_are_told_apart_wherever_it_leaves(sqlite_store, people, case):
    store, who = sqlite_store, people.pathologist
    contents = gather(store, who, case.id)
    words = _text(case_report(contents, Settings()))
    assert "Target cell 6.0 % (4.6 to 7.6) moderate (2 of 3) not confirmed" in words
    assert "1,005 red cells judged by the program" in words
    assert "a qualified person decides" in words
    kept = [e["resource"] for e in json.loads(case_fhir(contents))["entry"]]
    (proposed,) = [r for r in kept if "proposed by the program" in json.dumps(r.get("code", ""))]
    assert proposed["status"] == "preliminary" and "coding" not in proposed["code"]
    assert "by a reader not confirmed" in case_hl7(contents)

    grades.grade(store, who, case.id, "target_cells", 2)
    contents = gather(store, who, case.id)
    assert "moderate (2 of 3) confirmed" in _text(case_report(contents, Settings()))
    kept = [e["resource"] for e in json.loads(case_fhir(contents))["entry"]]
    assert not [r for r in kept if "proposed by the program" in json.dumps(r.get("code", ""))]
    assert "by a reader confirmed" in json.dumps(kept)
    grades.grade(store, who, case.id, "target_cells", 1, 1)
    words = _text(case_report(gather(store, who, case.id), Settings()))
    assert "changed to few (1 of 3)" in words


def test_a_signed_version_keeps_what_was_proposed_and_corrected(sqlite_store, people, case):
    store, who = sqlite_store, people.pathologist
    one = red(store, who, case, "target_cell")[0].id
    give_shapes(store, who, case.id, [NewShape(one, "schistocyte")])
    grades.grade(store, who, case.id, "schistocytes", 1)
    signing.sign(store, who, case.id, "no white cell in it")
    signed = gather_signed(store, who, case.id, 1)
    assert signed.red_cells == gather(store, who, case.id).red_cells
    assert the(signed.red_cells)["confirmed"] == {"schistocytes": 1}
    before = case_report(signed, Settings())

    signing.amend(store, who, case.id, "looked again")
    # What was corrected comes over into the new version.
    assert summary(store, who, case).shares.of("schistocyte").cells == 1
    give_shapes(store, who, case.id, [NewShape(one, "target_cell", 1)])
    assert case_report(gather_signed(store, who, case.id, 1), Settings()) == before
    rows = list(csv.DictReader(io.StringIO(case_csv(gather_signed(store, who, case.id, 1)))))
    (row,) = [row for row in rows if row["cell"] == str(one)]
    assert (row["shape"], row["shape_verified"], row["shape_reader"]) == (
        "target_cell", "schistocyte", who.name
    )  # fmt: skip
    document = json.loads(case_json(gather(store, who, case.id)))
    assert document["red_cells"]["grades"]["schistocytes"]["proposed"] == 0
    (cell,) = [c for c in document["pictures"][0]["cells"] if c["id"] == one]
    assert (cell["shape"]["class"], cell["shape_verified"]) == ("target_cell", "target_cell")


def test_a_case_without_shapes_leaves_as_before(sqlite_store, people, make_case):
    made = make_case(sqlite_store)
    contents = gather(sqlite_store, people.pathologist, made.id)
    assert contents.red_cells is None
    assert "red_cells" not in case_json(contents) and "shape" not in case_csv(contents)
    assert "judged" not in _text(case_report(contents, Settings()))
