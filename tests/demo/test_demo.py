"""The demo: what it holds, what marks it, and that nothing of it is among real cases."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from pypdf import PdfReader

from core.access.people import AT_THE_TERMINAL, VISITOR
from core.access.rights import NotAllowed
from core.access.sign_in import mode
from core.demo import cases as demo_cases
from core.demo import place, trainings
from core.demo.place import DemoRefused
from core.models import registry
from core.review.case import cases, worklist
from core.review.exchange.contents import gather
from core.review.exchange.formats import FORMATS
from core.review.record.review_store import ReviewStore
from core.review.signed_cases import signed_cases
from core.settings import DEMO, DEMO_NOTE, Settings, settings
from core.store.database import Database
from core.store.runs import RunBook
from core.training.runs import lifecycle
from pages.parts.demo import tour
from tests.fixtures.paths import ROOT
from tests.fixtures.screens import opened, press, words


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """A demo's folder, filled once by the models that are shipped."""
    folder = tmp_path_factory.mktemp("installation") / DEMO
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(settings(), "demo", "on")
        patch.setattr(settings(), "var", folder)
        place.prepare()
        store = ReviewStore(Database(f"sqlite:///{folder / 'hemadesk.db'}"), folder)
        demo_cases.fill(store, registry.smear_models(), registry.live("palm"))
        trainings.store(store.database, "Dr Ines Falk")
        store.database.close()
    return folder


@pytest.fixture
def demo(filled, change_settings):
    """The same, served: settings as the demo's process has them."""
    change_settings(demo="on", var=filled, database_url="", laboratory=DEMO_NOTE)
    opened_store = ReviewStore(Database(f"sqlite:///{filled / 'hemadesk.db'}"), filled)
    yield opened_store
    opened_store.database.close()


def test_it_holds_what_the_tour_speaks_of(demo):
    rows = {row.case.accession: row for row in worklist.worklist(demo, AT_THE_TERMINAL)}
    assert rows[demo_cases.CRITICAL].priority == "critical"
    assert rows[demo_cases.SHIFT].priority in ("critical", "disagreement", "doubt", "check")
    assert rows[demo_cases.DIFFER].case.state == "second_review"
    assert demo_cases.ROUTINE in rows
    signed = signed_cases(demo, AT_THE_TERMINAL)
    assert {demo_cases.SIGNED, demo_cases.EARLIER} == set(signed.accessions.values())
    assert len(signed.cells) >= 10
    kinds = [one.kind for one in cases.case_pictures_of(
        demo, AT_THE_TERMINAL, rows[demo_cases.ROUTINE].case.id)]  # fmt: skip
    assert "palm" in kinds


def test_its_running_training_is_never_called_lost(demo):
    book = RunBook(demo.database)
    lifecycle.watch()
    states = {run.title: run.state for run in book.all()}
    assert sorted(states.values()) == ["done", "running"]
    assert all(len(book.epochs(run.id)) >= 8 for run in book.all())


@pytest.mark.parametrize("name", ["csv", "json", "fhir", "hl7", "pdf"])
def test_whatever_leaves_it_says_so(demo, name):
    case = cases.find(demo, AT_THE_TERMINAL, demo_cases.SIGNED)
    form = FORMATS[name]
    data = form.make(gather(demo, AT_THE_TERMINAL, case.id))
    assert form.file_name(case).startswith("DEMO-")
    if name == "pdf":
        pages = [page.extract_text() for page in PdfReader(io.BytesIO(data)).pages]
        assert all("DEMO" in text and "no patient's result" in text for text in pages)
        return
    text = data.decode()
    assert "DEMO-1005" in text and "no patient's result" in text
    if name == "hl7":
        assert text.split("\r")[0].split("|")[10] == "T"
    if name == "fhir":
        assert '"HTEST"' in text


def test_a_number_typed_in_it_is_marked_too(demo):
    assert cases.create(demo, AT_THE_TERMINAL, "A-1").accession == "DEMO-A-1"


def test_a_demo_has_a_folder_and_a_database_of_its_own_whatever_is_set(tmp_path):
    real = Settings(var=tmp_path, database_url="postgresql://clinic@/real")
    shown = Settings(var=tmp_path, database_url="postgresql://clinic@/real", demo="on")
    assert real.var == tmp_path and shown.var == tmp_path / DEMO
    assert shown.database_url == ""
    # A process that it starts is handed the folder already.
    assert Settings(var=shown.var, demo="on").var == shown.var


def test_invented_cases_are_refused_by_a_real_store(sqlite_store):
    with pytest.raises(ValueError, match="store of a demo only"):
        demo_cases.fill(sqlite_store, registry.smear_models(), registry.live("palm"))
    assert worklist.worklist(sqlite_store, AT_THE_TERMINAL) == []


def test_only_what_is_marked_is_removed(own_var):
    (own_var / DEMO).mkdir(parents=True)
    (own_var / DEMO / "results.csv").write_text("somebody's")
    for act in (place.prepare, place.remove, place.start):
        with pytest.raises(DemoRefused, match="left as it is"):
            act()
    assert (own_var / DEMO / "results.csv").exists()


def test_removing_it_leaves_the_installation(own_var):
    place.prepare()
    (own_var / "hemadesk.db").write_text("real")
    place.remove()
    assert [path.name for path in own_var.iterdir()] == ["hemadesk.db"]
    assert not place.state().is_there


def test_a_stranger_may_look_and_change_nothing(demo, change_settings):
    change_settings(demo="public")
    assert mode("0.0.0.0") == "public"
    case = cases.find(demo, VISITOR, demo_cases.ROUTINE)
    for act in (
        lambda: cases.create(demo, VISITOR, "B-1"),
        lambda: cases.change(demo, VISITOR, case.id, case.revision, indication="x"),
        lambda: worklist.take(demo, VISITOR, case.id),
    ):
        with pytest.raises(NotAllowed):
            act()


def test_the_tour_begins_on_home_and_points_at_what_is_there(demo):
    app = opened()
    assert DEMO_NOTE in words(app)
    # Later steps are on screens that AppTest runs without the navigation, and so without the tour.
    press(app, "Take the tour, 7 steps")
    assert "1 of 7: What waits." in words(app)
    assert any("st-key-home_cases" in str(part.proto) for part in app.get("html"))
    everything = "".join(path.read_text() for path in (ROOT / "pages").rglob("*.py"))
    for step in tour.STEPS:
        assert (ROOT / "pages" / f"{step.page}.py").is_file()
        assert re.search(rf'(key=|_KEY: Final = )"{step.part}"', everything), step.part
    assert [step.page for step in tour.steps_for(VISITOR)].count("fine_tune") == 0


def test_the_pictures_are_those_of_cbc_and_small(data_dir: Path):
    files = sorted(demo_cases.PICTURES.glob("*.jpg"))
    assert sum(file.stat().st_size for file in files) < 400_000
    source = data_dir / "cbc" / "Training" / "Images"
    for file in files:
        assert (source / file.name).read_bytes() == file.read_bytes()
    assert "MIT License" in (demo_cases.PICTURES / "LICENCE.md").read_text()
