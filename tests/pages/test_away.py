"""A database that is away: every page says so, keeps what was typed, and goes on by itself."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.review.record.review_store import review_store
from core.store import database as module
from pages.parts import away
from tests.fixtures.paths import ROOT
from tests.fixtures.screens import HUNG_AFTER_S, opened, words


@pytest.fixture
def site(own_var, monkeypatch):
    """An installation of the test's own whose database waits for nobody."""
    monkeypatch.setattr(module, "BUSY_TIMEOUT_MS", 100)
    monkeypatch.setattr(away, "_BETWEEN_S", 0.05)
    return review_store()


@contextmanager
def locked(store):
    """Another process has the database for itself, until its lock is given back by a thread."""
    file = Path(store.database.url.database)
    with closing(sqlite3.connect(file, isolation_level=None, check_same_thread=False)) as other:
        # In this mode readers wait for a writer too, as they do for a damaged network share.
        store.database.close()
        other.execute("PRAGMA locking_mode=EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        back = threading.Timer(1.5, lambda: (other.execute("COMMIT"), other.close()))
        back.start()
        yield
        back.join()


def shown(screen):
    """A page inside what the navigation puts round it; AppTest leaves that out for a page alone."""
    script = f"""
import runpy
from pages.parts import away
with away.waited_for():
    runpy.run_path({str(ROOT / "pages" / f"{screen}.py")!r})
"""
    app = AppTest.from_string(script, default_timeout=HUNG_AFTER_S).run()
    assert not app.exception
    return app


@pytest.mark.parametrize(
    "screen",
    ["home", "worklist", "review", "agreement", "models", "lab_acceptance", "acquaintance",
     "settings", "fine_tune"],
)  # fmt: skip
def test_a_page_goes_on_when_the_database_is_back(site, screen):
    app = shown(screen)
    assert "answers again" not in words(app)
    with locked(site):
        app.run()
    assert not app.exception
    assert "The database answers again" in words(app)
    app.run()
    assert "answers again" not in words(app), "said once"


def test_what_was_typed_is_still_there_and_is_saved_then(site):
    app = shown("settings")
    app.text_input(key="erase_which").input("H-4711")
    with locked(site):
        app.run()
    assert app.text_input(key="erase_which").value == "H-4711"
    assert "No case is called H-4711" in words(app)


def test_the_navigation_puts_it_round_the_page(site):
    app = opened()
    with locked(site):
        app.run()
    assert "The database answers again" in words(app)
