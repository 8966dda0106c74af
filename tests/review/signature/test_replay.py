"""A signed finding computed again by the real models; and the command line over it all."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from core.cli import app
from core.imaging import synthetic
from core.imaging.read import read_path
from core.inference.palm.screening import read_palm
from core.inference.smear import analyse
from core.models import registry
from core.models.weights import WeightsRefused
from core.records import Estimate
from core.review.case import cases
from core.review.record import review_store
from core.review.signature import replay, signing
from core.settings import settings
from tests.fixtures.review import field_of, finding_of

_RUNNER = CliRunner()


@pytest.fixture(scope="module")
def analysed():
    """A field that anybody can draw, and what the live models find in it."""
    field = synthetic.draw(3, width=320, height=240).field
    return field, analyse(field, registry.smear_models())


def _signed(on, people, field, finding):
    case = cases.create(on, people.technologist, "A-1")
    cases.keep_field(on, people.technologist, case.id, field, finding)
    signing.sign(on, people.pathologist, case.id, "for the test")
    return case


def test_the_same_models_say_the_same_of_the_stored_picture(sqlite_store, people, analysed):
    case = _signed(sqlite_store, people, *analysed)
    (found,) = replay.replay(sqlite_store, people.viewer, case.id)
    assert (found.drift, found.refused) == ((), "")
    assert found.is_identical


def test_what_drifted_is_said(analysed):
    _, finding = analysed
    assert replay.drift(finding, finding) == []
    x0, y0, x1, y1 = finding.cells[0].box_xyxy_px
    moved = replace(finding.cells[0], box_xyxy_px=(x0 + 3, y0, x1 + 3, y1))
    other = replace(finding, cells=(moved, *finding.cells[1:]))
    assert replay.drift(finding, other) == ["boxes moved by up to 3.00 px"]
    fewer = replace(finding, cells=finding.cells[1:], model="locator@ffffffff")
    assert replay.drift(finding, fewer) == [
        f"model was {finding.model}, is locator@ffffffff",
        f"cells were {len(finding.cells)}, are {len(finding.cells) - 1}",
    ]
    rbc = finding.counts.rbc
    more = replace(
        finding, counts=replace(finding.counts, rbc=Estimate(rbc.value, rbc.low, rbc.high + 1))
    )
    assert replay.drift(finding, more)[0].startswith("counts were")


def test_a_picture_or_model_that_is_gone_is_said(sqlite_store, people, analysed):
    field, finding = analysed
    case = _signed(sqlite_store, people, field, replace(finding, model="locator-9@00000000"))
    (found,) = replay.replay(sqlite_store, people.viewer, case.id)
    assert found.refused == "the model locator-9@00000000 is not here any more"
    next(sqlite_store.pictures.rglob("*.png")).unlink()
    (found,) = replay.replay(sqlite_store, people.viewer, case.id)
    assert "is gone" in found.refused


def test_a_palm_is_read_again_as_it_was_asked_for(sqlite_store, people, data_dir):
    files = sorted((data_dir / "palm").rglob("*.jpg")) + sorted((data_dir / "palm").rglob("*.png"))
    field = read_path(files[0], settings(), min_side_px=32)
    asked = {"kind": "crop", "which": None, "reference": [180, 182, 178], "prevalence": 0.2}
    call = read_palm(field, registry.live("palm"), "crop", None, (180, 182, 178), 0.2).call
    case = cases.create(sqlite_store, people.technologist, "A-1")
    said = {**call.as_json(), "read_with": asked}
    cases.keep_palm(sqlite_store, people.technologist, case.id, field, said)
    signing.sign(sqlite_store, people.pathologist, case.id)
    (found,) = replay.replay(sqlite_store, people.viewer, case.id)
    assert (found.drift, found.refused) == ((), "")
    other = cases.create(sqlite_store, people.technologist, "A-2")
    changed = {**said, "anemia_probability": 1.0, "decision": "?", "read_with": {}}
    cases.keep_palm(sqlite_store, people.technologist, other.id, field, changed)
    signing.sign(sqlite_store, people.pathologist, other.id)
    (found,) = replay.replay(sqlite_store, people.viewer, other.id)
    assert found.drift[0].startswith("anemia_probability was 1.0000, is ")
    assert any(words.startswith("decision was ?") for words in found.drift)


def test_a_case_that_was_never_signed_has_nothing_to_repeat(sqlite_store, people, make_case):
    case = make_case(sqlite_store)
    with pytest.raises(Exception, match="not signed"):
        replay.replay(sqlite_store, people.viewer, case.id)


def test_a_model_is_named_by_its_whole_identity():
    live = registry.live("wbc")
    assert registry.named(live.identity).sha256 == live.sha256
    for identity in ("nobody@12345678", "wbc@00000000", "../wbc@12345678", "wbc@", "", "@"):
        with pytest.raises(WeightsRefused, match="not here"):
            registry.named(identity)


@pytest.fixture
def site_desk(tmp_path, monkeypatch):
    """The desk of the settings, in a folder of its own."""
    monkeypatch.setattr(settings(), "var", tmp_path)
    return review_store.review_store()


def test_the_commands_list_show_verify_and_replay(site_desk, people, analysed, tmp_path):
    _signed(site_desk, people, *analysed)
    other = cases.create(site_desk, people.technologist, "A-2")
    field = field_of()
    cases.keep_field(site_desk, people.technologist, other.id, field, finding_of(field, []))

    open_ones = _RUNNER.invoke(app, ["cases", "list", "--json"])
    assert [json.loads(line)["accession"] for line in open_ones.stdout.splitlines()] == ["A-2"]
    every = _RUNNER.invoke(app, ["cases", "list", "--all"])
    assert every.stdout.count("\n") == 2

    shown = _RUNNER.invoke(app, ["cases", "show", "A-1"])
    assert "signed by Paul" in shown.stdout
    assert "create_case" in shown.stdout
    said = json.loads(_RUNNER.invoke(app, ["cases", "show", "A-1", "--json"]).stdout)
    assert said["case"]["state"] == "signed"
    assert len(said["history"]) == 3
    unknown = _RUNNER.invoke(app, ["cases", "show", "A-9"])
    assert (unknown.exit_code, unknown.stdout) == (2, "")
    assert "there is no case A-9" in unknown.stderr

    repeated = _RUNNER.invoke(app, ["cases", "replay", "A-1"])
    assert (repeated.exit_code, "identical" in repeated.stdout) == (0, True)
    assert _RUNNER.invoke(app, ["cases", "replay", "A-2"]).exit_code == 2

    sound = _RUNNER.invoke(app, ["cases", "verify"])
    assert (sound.exit_code, "everything matches the ledger" in sound.stdout) == (0, True)
    noted = sound.stdout.split("head ")[1].strip()
    assert _RUNNER.invoke(app, ["cases", "verify", "--head", noted]).exit_code == 0
    wrong = _RUNNER.invoke(app, ["cases", "verify", "--head", f"2:{'0' * 64}", "--json"])
    assert wrong.exit_code == 1
    assert json.loads(wrong.stdout)["tampered"][0]["entry"] == 2
    assert _RUNNER.invoke(app, ["cases", "verify", "--head", "what"]).exit_code == 2

    with site_desk.database.write() as connection:
        connection.execute(text("UPDATE cases SET pseudonym = 'P-9' WHERE id = 2"))
    changed = _RUNNER.invoke(app, ["cases", "verify"])
    assert changed.exit_code == 1
    assert 'cases 2: pseudonym is "P-9", entry 4 says ""' in changed.stderr
