"""SIGKILL at any moment loses nothing that was said to be saved, and leaves nothing half done."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading

import pytest

from core.access.people import Person
from core.review.case import cases
from core.review.reading import cells, remarks
from core.review.record import integrity
from core.review.record.review_store import ReviewStore
from core.store.database import Database
from tests.fixtures.paths import ROOT
from tests.fixtures.review import the

_KILLS = 5
_ME = Person("Vera", "viewer", "vera")


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_what_was_said_to_be_saved_is_there_after_sigkill(kind, request, tmp_path):
    if kind == "sqlite":
        url = f"sqlite:///{tmp_path / 'hemadesk.db'}"
        database = Database(url)
    else:
        database = request.getfixturevalue("store_on_postgres").database
        url = database.url.render_as_string(hide_password=False)
    store = ReviewStore(database, tmp_path / "var")
    rng = random.Random(7)
    command = [sys.executable, "-m", "tests.review.record.killed_reviews", url, str(store.folder)]
    # All at once: starting is the slow part, and writers in each other's way are the harder case.
    working = [
        subprocess.Popen([*command, f"K-{n}"], stdout=subprocess.PIPE, text=True, cwd=ROOT)
        for n in range(_KILLS)
    ]
    said: dict[int, list[str]] = {}

    def watch(n, lines):
        heard = said[n] = []
        for line in the(working[n].stdout):
            heard.append(line)
            if len(heard) == lines:
                # No pause: the next write is under way while the signal travels.
                working[n].send_signal(signal.SIGKILL)

    watchers = [threading.Thread(target=watch, args=(n, rng.randint(1, 25))) for n in range(_KILLS)]
    for watcher in watchers:
        watcher.start()
    for watcher, process in zip(watchers, working, strict=True):
        watcher.join(timeout=120)
        process.kill()
        assert process.wait() == -signal.SIGKILL
        the(process.stdout).close()

    found = integrity.verify(store)
    assert found.tampered == ()
    # A line that the kill cut short was not said.
    lines = [line.split() for heard in said.values() for line in heard if line.endswith("\n")]
    assert len(lines) >= _KILLS
    for what, case_id, number in ((w, int(c), int(n)) for w, c, n in lines):
        if what == "answer":
            labels = {c.id: c.label for c in cells.cells(store, _ME, case_id)}
            assert labels[number] == "monocyte"
        elif what == "picture":
            kept = {p.id: p for p in cases.case_pictures_of(store, _ME, case_id)}
            assert cases.picture_png(store, _ME, kept[number])
        else:
            assert number in {r.id for r in remarks.remarks_of(store, _ME, case_id)}
    database.close()
