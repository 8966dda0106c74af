"""A case that an earlier version of the program signed is read, verified and exported as then.

``signed_case.json`` holds the rows, pictures and exports of a case with two readers, every kind of
difference, a field left out, a palm and an amendment, as the program of November 2026 kept it. It
is never written anew: what the program makes of it must stay the same.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
from datetime import datetime
from pathlib import Path

import pytest

from core.access.people import Person
from core.review.case.cases import get
from core.review.exchange.case_tables import case_csv, case_document
from core.review.exchange.fhir import case_fhir
from core.review.exchange.report import case_report
from core.review.exchange.signed_contents import gather_signed
from core.review.record.integrity import verify
from core.review.record.ledger import canonical
from core.review.record.review_store import ReviewStore
from core.review.signature.signing import signatures_in
from core.review.signature.snapshot import snapshot_of
from core.settings import Settings
from core.store.columns import UtcTime
from core.store.database import Database
from core.store.schema import metadata

STORED = json.loads(Path(__file__).with_name("signed_case.json").read_text(encoding="utf-8"))
PETRA = Person("Petra", "pathologist", "petra")


@pytest.fixture
def stored(tmp_path):
    """The rows and pictures in a database of today."""
    store = ReviewStore(Database(f"sqlite:///{tmp_path / 'review.db'}"), tmp_path)
    with store.database.write() as connection:
        for name, rows in STORED["tables"].items():
            table = metadata.tables[name]
            moments = {c.name for c in table.columns if isinstance(c.type, UtcTime)}
            values = [
                {k: datetime.fromisoformat(v) if k in moments and v else v for k, v in row.items()}
                for row in rows
            ]
            if name == "ledger_head":
                connection.execute(table.delete())
            connection.execute(table.insert(), values)
    for name, data in STORED["pictures"].items():
        file = store.pictures / name[:2] / f"{name}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(base64.b64decode(data))
    store.anchors.write_text(STORED["anchors"], encoding="ascii")
    yield store
    store.database.close()


def test_the_chain_and_every_row_are_sound(stored):
    found = verify(stored)
    assert found.tampered == () and found.head.entries == len(STORED["tables"]["ledger"])
    assert found.pictures == 3


def test_what_was_signed_is_the_same_to_the_byte(stored):
    rows = STORED["tables"]["signatures"]
    with stored.database.read() as connection:
        signatures = signatures_in(connection, 1)
    assert [s.version for s in signatures] == [1, 2]
    for signature, row in zip(signatures, rows, strict=True):
        text = canonical(signature.snapshot)
        assert text == row["snapshot"]
        assert hashlib.sha256(text.encode()).hexdigest() == signature.snapshot_sha256


def test_signing_the_same_again_gives_the_same_bytes(stored, change_settings):
    """Of the version that stands; the ledger's head, which has moved since, is the one signed."""
    with stored.database.read() as connection:
        last = signatures_in(connection, 1)[-1]
        case = get(stored, PETRA, 1)
        change_settings(minimum_cells=last.snapshot["minimum_cells"], target_cells=0)
        paul = Person(last.signed_name, "pathologist", last.signed_by)
        again = snapshot_of(connection, case, paul, last.reason, last.signed_at)
    signed = json.loads(canonical(last.snapshot))
    # Who read an amendment: what came over from the version before no longer counts as read.
    signed["readers"] = [r for r in signed["readers"] if r["reader"] == "paul"]
    again = json.loads(canonical(again)) | {"ledger": signed["ledger"]}
    assert canonical(again) == canonical(signed)


def without_what_is_new(document, before):
    """A document with the keys only that it had before; rows of a list one by one."""
    if isinstance(before, dict):
        return {key: without_what_is_new(document[key], value) for key, value in before.items()}
    if isinstance(before, list):
        assert len(document) == len(before)
        return [without_what_is_new(a, b) for a, b in zip(document, before, strict=True)]
    return document


@pytest.mark.parametrize("version", [1, 2])
def test_exports_of_a_signed_version_say_what_they_said(stored, version):
    contents = gather_signed(stored, PETRA, 1, version)
    before = STORED["exports"][str(version)]
    document = json.loads(json.dumps(case_document(contents)))
    document["exported_at"] = before["json"]["exported_at"]
    assert without_what_is_new(document, before["json"]) == before["json"]
    rows = list(csv.DictReader(io.StringIO(case_csv(contents))))
    old = list(csv.DictReader(io.StringIO(before["csv"])))
    assert [{key: row[key] for key in old[0]} for row in rows] == old
    assert case_report(contents, Settings()).startswith(b"%PDF")
    assert json.loads(case_fhir(contents))["resourceType"] == "Bundle"
