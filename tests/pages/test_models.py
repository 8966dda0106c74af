"""The screen Models, driven without a browser; comparisons run in processes of their own."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.jobs import job
from core.models import registry
from core.settings import settings
from core.training.promote import comparisons
from core.training.white_cells.adaptation import adaptations
from tests.known_models import ADA, finished_run, installed

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 600


@pytest.fixture
def site(tmp_path, monkeypatch, known_models):
    with installed(tmp_path, known_models, monkeypatch) as folder:
        yield folder


def _screen():
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=240).run()
    app = app.switch_page("pages/models.py").run()
    assert not app.exception
    return app


def _words(app):
    kinds = (app.markdown, app.caption, app.info, app.error, app.warning, app.success)
    said = "\n".join(str(e.value) for kind in kinds for e in kind)
    return said.replace("\\", "").replace("\u2060", "")


def _button(app, label):
    return next((b for b in app.button if b.label == label), None)


def _compared(app, run):
    """Press the button; then another session, as after closing the browser."""
    app.button(key="compare").click().run()
    assert not app.exception
    deadline = time.monotonic() + SECONDS
    while (asked := comparisons.latest(run)) is None or asked.state == "running":
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return _screen()


def test_the_screen_promotes_and_rolls_back(site, known_models):
    shipped = registry.live("wbc").identity
    run = finished_run(known_models, "lymphocyte", site, lymphocyte=20)
    app = _screen()
    assert "has been live since this was installed" in _words(app)
    app = _compared(app, run)
    assert "Nothing in the evidence speaks against it" in _words(app)
    assert "difference +100.0 points" in _words(app)
    _button(app, "Make it the live model").click().run()
    assert "a reason is needed" in _words(app)
    app.text_input(key="promote_reason").input("sees our lymphocytes")
    _button(app, "Make it the live model").click().run()
    assert not app.exception
    assert f"{Path(str(run.model_path)).stem}@" in _words(app)
    assert registry.live("wbc").identity != shipped
    # What was compared is not what would be replaced now.
    assert "Out of date: another model is live since the comparison" in _words(app)
    assert _button(app, "Make it the live model") is None
    app.text_input(key="roll_back_reason_wbc").input("only a trial")
    _button(app, "Roll back now").click().run()
    assert "is live again" in _words(app)
    assert registry.live("wbc").identity == shipped


def test_the_screen_says_why_a_challenger_stays_out(site, known_models):
    run = finished_run(known_models, "lymphocyte", site, lymphocyte=8, monocyte=5)
    app = _compared(_screen(), run)
    assert "It cannot go live: it has not shown to be better on our cells" in _words(app)
    assert _button(app, "Make it the live model") is None


def test_while_it_is_made_it_can_be_stopped(site, known_models):
    run = finished_run(known_models, "lymphocyte", site, lymphocyte=20)
    folder, lock = comparisons.begin_here(run, ADA)
    app = _screen()
    assert "It goes on when this page is closed" in _words(app)
    assert _button(app, "Compare on the locked test sets") is None
    app.button(key="stop_comparing").click().run()
    assert job.read(folder).stopping
    lock.close()
    assert "was lost: its process died" in _words(_screen())


def test_who_may_only_look_compares_nothing(site, known_models, monkeypatch):
    finished_run(known_models, "lymphocyte", site, lymphocyte=2)
    monkeypatch.setenv("HEMADESK_LOCAL_ROLE", "viewer")
    settings.cache_clear()
    app = _screen()
    assert _button(app, "Compare on the locked test sets") is None
    assert "Comparing takes the role trainer" in _words(app)


def test_what_came_of_an_adaptation_is_found_by_another_session(site):
    app = _screen()
    app.text_input(key="adapt_folder").input("/nowhere/at/all")
    _button(app, "Adapt").click().run()
    assert not app.exception
    deadline = time.monotonic() + SECONDS
    while (last := adaptations.latest()) is None or last.state == "running":
        assert time.monotonic() < deadline
        time.sleep(0.1)
    # The models here were never characterised, so there is nothing to keep their knowledge with.
    assert "has no stored cells to keep its knowledge with" in _words(_screen())
