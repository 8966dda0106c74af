"""Speed, time left, best epoch and the table of a run, worked by hand."""

import csv
import io
from types import SimpleNamespace
from typing import Any

import pytest

from core.store.runs import Epoch
from core.training.runs.forecast import best_epoch, epochs_csv, examples_per_second, seconds_left


def run(**values) -> Any:
    """What the forecast reads of a run; a real row has twenty more columns."""
    progress = {"epoch": 0, "epochs": 4, "batch": 5, "batches": 10, "examples_per_second": 20.0}
    known = {"state": "running", "settings": {"batch_size": 8}, "name": "wbc-1"}
    return SimpleNamespace(**{**known, "progress": progress, **values})


def epoch(number, seconds, examples=100, **metrics):
    return Epoch(number, 0.5, metrics, 1e-3, seconds, examples)


def test_a_running_epoch_has_its_speed_and_another_run_that_of_its_last_epoch():
    rows = [epoch(0, 10.0), epoch(1, 5.0)]
    assert examples_per_second(run(), rows) == 20
    assert examples_per_second(run(state="paused"), rows) == pytest.approx(100 / 5)
    # Epochs of earlier versions have no number of examples.
    assert examples_per_second(run(state="done"), [epoch(0, 10.0), epoch(1, 5.0, 0)]) == 10
    assert examples_per_second(run(state="queued", progress=None), []) is None


def test_in_the_first_epoch_the_batches_say_how_long_it_takes():
    # 3.5 epochs of 10 batches of 8 pictures at 20 pictures a second.
    assert seconds_left(run(), []) == pytest.approx(3.5 * 80 / 20)
    standing = run().progress | {"examples_per_second": 0.0}
    assert seconds_left(run(progress=standing), []) is None


def test_later_the_median_epoch_says_how_long_the_others_take():
    rows = [epoch(0, 30.0), epoch(1, 10.0), epoch(2, 12.0)]
    where = run().progress | {"epoch": 3, "batch": 5}
    assert seconds_left(run(progress=where), rows) == pytest.approx(0.5 * 12)
    beyond = run().progress | {"epoch": 4, "batch": 5}
    assert seconds_left(run(progress=beyond), rows) == 0
    assert seconds_left(run(state="paused"), rows) is None


def test_the_best_epoch_is_the_first_of_the_highest_score():
    rows = [epoch(0, 1, score=0.5), epoch(1, 1, score=0.7), epoch(2, 1, score=0.7), epoch(3, 1)]
    found = best_epoch(rows)
    assert found is not None and found.number == 1
    assert best_epoch([epoch(0, 1)]) is None


def test_the_table_counts_from_one_and_leaves_unknown_metrics_empty():
    rows = [epoch(0, 1.23456, score=0.5), epoch(1, 2.0, score=0.6, loss=0.1)]
    table = list(csv.DictReader(io.StringIO(epochs_csv(run(), rows))))
    assert [row["epoch"] for row in table] == ["1", "2"]
    assert [row["validation_loss"] for row in table] == ["", "0.1"]
    assert table[0]["seconds"] == "1.235" and table[0]["run"] == "wbc-1"
