"""A database that is away: every page says so, keeps what was typed, and goes on by itself."""

from __future__ import annotations

import logging
import sqlite3
from contextlib import contextmanager
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
    """Another process has the database for itself; gives what ends that."""
    file = Path(store.database.url.database)
    store.database.close()
    other = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    # In this mode readers wait for a writer too.
    other.execute("PRAGMA locking_mode=EXCLUSIVE")
    other.execute("BEGIN EXCLUSIVE")
    try:
        yield other.close
    finally:
        other.close()


class _Once(logging.Handler):
    """Ends the lock as soon as the screen has said what is wrong."""

    def __init__(self, end):
        super().__init__()
        self.end, self.words = end, []

    def emit(self, record):
        self.words.append(record.getMessage())
        self.end()


@contextmanager
def locked_until_said(store):
    logger = logging.getLogger("pages.parts.away")
    with locked(store) as end:
        handler = _Once(end)
        logger.addHandler(handler)
        try:
            yield handler.words
        finally:
            logger.removeHandler(handler)


@pytest.mark.parametrize(
    "screen",
    ["home", "worklist", "review", "agreement", "models", "lab_acceptance", "acquaintance",
     "settings", "fine_tune"],
)  # fmt: skip
def test_a_page_leaves_it_to_what_stands_round_it(site, screen):
    """AppTest runs a page alone; what the navigation does with it is tested below."""
    app = opened(screen)
    with locked(site):
        if screen == "review":
            app.query_params["case"] = "1"
        app.run()
        # Its words are for the navigation; nothing of the page has caught it.
        assert len(app.exception) == 1 and "cannot be" not in words(app)
    app.run()
    assert not app.exception


def test_the_navigation_says_so_and_goes_on(site):
    app = opened()
    with locked_until_said(site) as said:
        app.run()
    assert len(said) == 1 and "is locked by another process" in said[0]
    assert not app.exception
    assert "The database answers again" in words(app)
    app.run()
    assert "answers again" not in words(app), "said once"


def test_what_was_typed_is_still_there(site):
    script = f"""
import runpy
from pages.parts import away
with away.waited_for():
    runpy.run_path({str(ROOT / "pages" / "settings.py")!r})
"""
    app = AppTest.from_string(script, default_timeout=HUNG_AFTER_S).run()
    app.text_input(key="erase_which").input("H-4711")
    with locked_until_said(site) as said:
        app.run()
    assert said and not app.exception
    assert app.text_input(key="erase_which").value == "H-4711"
    assert "No case is called H-4711" in words(app)
