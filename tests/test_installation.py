"""``python -m core check`` on installations that lack something."""

from __future__ import annotations

import json
import socket
from contextlib import closing
from datetime import UTC, datetime, timedelta

from safetensors.torch import load_file, save_file
from sqlalchemy import text

from core import installation
from core.files import sha256_of
from core.installation import checks
from core.review.case import cases
from core.review.record.review_store import review_store
from core.store.database import Database


def test_without_a_model_its_check_fails_and_those_that_need_it_are_not_made(site):
    for file in (site / "weights").glob("locator.*"):
        file.unlink()
    rows = {row.name: row for row in checks()}
    assert not rows["model locator"].passed
    assert "locator" in rows["model locator"].seen
    assert rows["model wbc"].passed and rows["model counts"].passed
    assert not any("drawn smear" in name or "ONNX" in name for name in rows)


def test_a_damaged_model_is_named(site):
    file = site / "weights" / "counts.safetensors"
    file.write_bytes(file.read_bytes()[:-1])
    failed = {row.name for row in checks() if not row.passed}
    # The site has no model of a palm or of red cells at all.
    assert failed == {"model counts", "model palm", "model red_cells"}


def test_a_folder_for_runs_that_cannot_be_written_is_named(site):
    (site / "var").rmdir()
    (site / "var").write_text("a file is in the way")
    failed = [row.name for row in checks() if not row.passed]
    assert "the folder for runs can be written" in failed


def test_a_setting_of_an_earlier_version_is_named(site, monkeypatch):
    monkeypatch.setenv("HEMADESK_WBC_FACTOR_PER_UL", "8000")
    row = next(row for row in checks() if row.name == "no setting of an earlier version is set")
    assert not row.passed
    assert row.seen.startswith("HEMADESK_WBC_FACTOR_PER_UL no longer read")


def _failed():
    rows = [row for row in checks() if not row.passed]
    for row in rows:
        assert "\n" not in row.seen and "Traceback" not in row.seen, "a sentence each"
    return {row.name: row.seen for row in rows}


def test_a_damaged_card_a_newer_database_and_a_taken_port_are_said(site, monkeypatch):
    (site / "weights" / "counts.json").write_text('{"format": 3, "task": "counts", ')
    address = f"sqlite:///{site / 'var' / 'hemadesk.db'}"
    with closing(Database(address)) as other, other.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999_later'"))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setattr(installation, "serving_port", lambda: port)
        failed = _failed()
    assert "counts.json" in failed["model counts"]
    assert "was written by a newer version" in failed["the database can be read"]
    words = failed["the port is free, or Hemadesk answers at it"]
    assert f"port {port} of 127.0.0.1 cannot be used" in words and "serve another one" in words


def test_not_a_number_in_weights_and_a_clock_set_back_are_said(site, people):
    """The graph beside the weights is sound, and so is every hash: the two would disagree."""
    file = site / "weights" / "locator.safetensors"
    tensors = load_file(file)
    name = next(name for name, value in tensors.items() if value.is_floating_point())
    tensors[name].view(-1)[0] = float("nan")
    save_file(tensors, file)
    card = file.with_suffix(".json")
    card.write_text(json.dumps(json.loads(card.read_text()) | {"sha256": sha256_of(file)}))
    store = review_store()
    cases.create(store, people.technologist, "A-1")
    later = f"{datetime.now(UTC) + timedelta(days=3):%Y-%m-%dT%H:%M:%S.%fZ}"
    with store.database.write() as connection:
        connection.execute(text("UPDATE ledger SET at = :at"), {"at": later})
    failed = _failed()
    assert "holds numbers that are none (NaN or infinite)" in failed["model locator"]
    assert "before the last entry" in failed["the clock is not behind the ledger"]
