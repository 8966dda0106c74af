"""The store that the screens are timed on, and what is said where there is no browser."""

import pytest
from typer.testing import CliRunner

from core.access.people import AT_THE_TERMINAL
from core.commands.bench import app
from core.review.case.worklist import worklist
from core.review.record.review_store import ReviewStore
from core.store.database import Database
from core.studies.benchmarks import screens


def test_the_store_has_the_cells_and_cases_asked_for(tmp_path, monkeypatch):
    monkeypatch.setattr(screens, "_SIGNED", 1)
    number = screens.fill(tmp_path, cells=23, listed=3)
    store = ReviewStore(Database(f"sqlite:///{tmp_path / 'hemadesk.db'}"), tmp_path)
    rows = worklist(store, AT_THE_TERMINAL)
    large = next(row for row in rows if row.case.id == number)
    assert (len(rows), large.fields, large.white_cells) == (3, 10, 23)
    assert large.doubtful == 10  # the first cell of each field
    assert len(worklist(store, AT_THE_TERMINAL, states=("signed",))) == 1
    store.database.close()


@pytest.mark.parametrize("bench", ["screens", "soak"])
def test_without_a_browser_it_says_what_is_missing(bench, monkeypatch):
    monkeypatch.setenv("PATH", "")
    found = CliRunner().invoke(app, [bench])
    assert found.exit_code == 2 and "needs Chromium" in found.output


def test_a_timing_is_median_and_95th_percentile():
    found = screens._timing("x", [float(n) for n in range(1, 102)])
    assert (found.median_ms, found.n) == (51.0, 101)
    assert found.p95_ms == pytest.approx(96.0)
