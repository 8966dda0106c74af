"""One decision on whether this laboratory accepted the models that answer, told everywhere."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from pypdf import PdfReader

from core.access.rights import Role
from core.records import PalmCall
from core.review.acceptance import records
from core.review.acceptance.limits import Limit
from core.review.acceptance.measured import Figure, Measured
from core.review.acceptance.status import (
    LabAcceptances,
    SignedAcceptance,
    acceptances_in,
    in_review_store,
    known_here,
    lab_acceptance,
    models_of,
    of_case,
    who_may_accept,
)
from core.review.case import cases
from core.review.exchange.case_tables import case_csv, case_json
from core.review.exchange.contents import gather
from core.review.exchange.fhir import case_fhir
from core.review.exchange.report import case_report
from core.review.exchange.signed_contents import gather_signed
from core.review.record import roster
from core.review.record.review_store import ReviewStore
from core.review.signature import signing
from core.settings import Settings
from core.slide.palm_tables import calls_csv, calls_json
from core.slide.tables import cells_csv, findings_csv, findings_json
from core.store.database import DatabaseRefused
from tests.fixtures.review import call_of, field_of, finding_of

LOCATOR, WBC = "locator@89abcdef", "wbc@0123abcd"
"""What ``tests.fixtures.review`` says found and called its cells."""
PAIR = {"locator": LOCATOR, "wbc": WBC}


def signed(wbc=WBC, locator=LOCATOR, accepted=True):
    at = datetime(2026, 11, 28, tzinfo=UTC)
    return SignedAcceptance(wbc, locator, accepted, "Giemsa", "Paul", at)


@pytest.mark.parametrize(
    ("models", "acceptances", "status", "quiet", "words"),
    [
        (PAIR, [], "not_accepted_here", True, "not accepted by this laboratory yet"),
        (PAIR, [signed()], "accepted", True, "accepted by this laboratory on 28 Nov 2026 (Paul)"),
        (PAIR, [signed(accepted=False)], "failed", False, "failed the lab acceptance"),
        # The newest acceptance of the pair decides, whichever way.
        (PAIR, [signed(), signed(accepted=False)], "accepted", True, "accepted by"),
        (PAIR, [signed(accepted=False), signed()], "failed", False, "failed"),
        # Of another hash of the same model, or of another partner: not of this pair.
        (PAIR, [signed(wbc="wbc@ffffffff")], "not_accepted_here", False, "of other models"),
        (PAIR, [signed(locator="other@1")], "not_accepted_here", False, "of other models"),
        (PAIR, [signed(wbc="wbc@f"), signed()], "accepted", True, "accepted by"),
        # A field without white cells: no classifier answered.
        ({"locator": LOCATOR}, [signed()], "accepted", True, "accepted by"),
        ({"locator": "other@1"}, [signed()], "not_accepted_here", False, "of other models"),
        # What lab acceptance does not measure it cannot accept.
        ({**PAIR, "counts": "c@1"}, [signed()], "not_accepted_here", True, "does not test"),
        ({"palm": "palm@1"}, [signed()], "not_accepted_here", True, "does not test"),
        ({}, [signed()], "not_accepted_here", True, "does not test"),
    ],
)
def test_the_decision(models, acceptances, status, quiet, words):
    found = lab_acceptance(models, acceptances)
    assert (found.status, found.is_quiet) == (status, quiet)
    assert words in found.words and not found.words.endswith(".")


def test_the_models_that_answered_are_those_of_the_method():
    finding = finding_of(field_of(), [call_of("monocyte")])
    assert models_of(finding) == PAIR
    assert models_of(finding_of(field_of(), [])) == {"locator": LOCATOR}
    assert models_of(replace(finding, method="regression", model="c@1")) == {
        "counts": "c@1",
        "wbc": WBC,
    }


def measured(accuracy=0.95):
    figure: Figure = {"value": accuracy, "low": accuracy - 0.02, "high": accuracy + 0.02, "n": 99}
    return Measured(
        models=PAIR,
        fields=1,
        slides=1,
        white_cells=1,
        not_found=0,
        refused=(),
        unmatched=(),
        figures={"accuracy": figure},
        labels=(),
        numbers={},
        baselines={},
    )


def accept(store, who, *, accuracy=0.95):
    limits = [Limit("accuracy", "at least", 0.9)]
    return records.sign(store, who, "Giemsa", measured(accuracy), limits)


def everywhere(contents):
    """What every form of a case says."""
    (picture,) = json.loads(case_json(contents))["pictures"]
    rows = list(csv.DictReader(io.StringIO(case_csv(contents))))
    report = json.loads(case_fhir(contents))["entry"][0]["resource"]
    pdf = PdfReader(io.BytesIO(case_report(contents, Settings())))
    text = " ".join(" ".join(page.extract_text() for page in pdf.pages).split())
    return picture["lab_acceptance"], {r["lab_acceptance"] for r in rows}, report, text


def test_every_form_of_a_case_says_the_same(store, people, make_case):
    case = make_case(store, ["lymphocyte"])
    status, column, report, text = everywhere(gather(store, people.viewer, case.id))
    assert (status, column) == ("not_accepted_here", {"not_accepted_here"})
    sentence = "Models of the smear: not accepted by this laboratory yet."
    assert sentence in text and sentence in report["conclusion"]

    accept(store, people.pathologist, accuracy=0.5)
    status, column, report, text = everywhere(gather(store, people.viewer, case.id))
    assert (status, column) == ("failed", {"failed"})
    assert "failed the lab acceptance" in text and "failed the lab" in report["conclusion"]
    signing.sign(store, people.pathologist, case.id, "for the test")

    # Accepted afterwards: what was signed says what held at the signature.
    accept(store, people.second)
    ((now, _),) = of_case(store, people.viewer, case.id)
    assert now.status == "failed"
    for contents in (
        gather(store, people.viewer, case.id),
        gather_signed(store, people.viewer, case.id, 1),
    ):
        assert everywhere(contents)[:2] == ("failed", {"failed"})
    other = make_case(store, ["lymphocyte"], "A-2", seed=2)
    ((now, kinds),) = of_case(store, people.viewer, other.id)
    assert (now.status, kinds) == ("accepted", ("smear",))
    assert "accepted by this laboratory on" in everywhere(gather(store, people.viewer, other.id))[3]


def test_a_palm_in_a_case_is_marked_on_its_own(sqlite_store, people, make_case):
    case = make_case(sqlite_store, ["lymphocyte"])
    accept(sqlite_store, people.pathologist)
    call = {"anemia_probability": 0.4, "decision": "refer", "model": "palm@1", "flags": []}
    cases.keep_palm(sqlite_store, people.technologist, case.id, field_of(8), call)
    found = {kinds: one.status for one, kinds in of_case(sqlite_store, people.viewer, case.id)}
    assert found == {("smear",): "accepted", ("palm",): "not_accepted_here"}


def test_tables_of_fields_and_palms_have_the_column(sqlite_store, people):
    finding = finding_of(field_of(), [call_of("monocyte")])
    accept(sqlite_store, people.pathologist)
    with sqlite_store.database.read() as connection:
        known = acceptances_in(connection)
    for table in (findings_csv, cells_csv):
        rows = list(csv.DictReader(io.StringIO(table([finding], known.status_of_finding))))
        assert {row["lab_acceptance"] for row in rows} == {"accepted"}
    (row,) = json.loads(findings_json([finding], known.status_of_finding))["fields"]
    assert row["lab_acceptance"] == "accepted"
    palm = PalmCall("p.png", 0.4, 0.3, 0.5, "refer", (), "palm@1")
    (line,) = csv.DictReader(io.StringIO(calls_csv([palm], known.status_of_palm)))
    (entry,) = json.loads(calls_json([palm], known.status_of_palm))
    assert line["lab_acceptance"] == entry["lab_acceptance"] == "not_accepted_here"


def test_an_analysis_needs_no_database(tmp_path, change_settings, monkeypatch):
    """Nothing is made for the question, and one that cannot be read stops no analysis."""
    change_settings(var=tmp_path / "never", database_url="")
    assert known_here() == LabAcceptances()
    assert not (tmp_path / "never").exists()

    def refused():
        raise DatabaseRefused("not reached")

    monkeypatch.setattr("core.review.record.review_store.review_store", refused)
    found = in_review_store().of(PAIR)
    assert (found.status, found.is_quiet) == ("unknown", False)
    assert "cannot be read" in found.words


def test_who_may_not_sign_is_told_who_can(sqlite_store: ReviewStore, people):
    assert "nobody on the list" in who_may_accept(sqlite_store, people.trainer)
    given: dict[str, Role] = {"Petra": "pathologist", "Dora": "director", "Vera": "viewer"}
    for name, role in given.items():
        roster.add(sqlite_store, people.administrator, subject=name, name=name, role=role)
    said = who_may_accept(sqlite_store, people.trainer)
    assert said.endswith("role pathologist or director: here Dora, Petra.")
