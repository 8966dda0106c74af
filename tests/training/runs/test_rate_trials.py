"""A trial of learning rates in a process of its own: seen by every session, stopped, refused."""

from __future__ import annotations

import time

import pytest

from core.jobs import job
from core.training.loop.settings import LoopSettings
from core.training.runs import rate_trials
from tests.fixtures.models import ADA

SECONDS = 600
CHOSEN = LoopSettings(workers=0)


pytestmark = pytest.mark.usefixtures("own_var")


def test_one_that_cannot_begin_leaves_its_sentence(tmp_path):
    trial = rate_trials.start("wbc", tmp_path / "nowhere", CHOSEN, {"layout": "folders"}, ADA)
    assert trial.state == "running"
    deadline = time.monotonic() + SECONDS
    while (left := job.read(trial.folder)).state == "running":
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert left.state == "failed"
    assert left.message.endswith("nowhere is not a folder")
    assert "Traceback" not in left.log()


def test_one_that_goes_on_is_not_begun_twice(tmp_path):
    folder = rate_trials.folder_of("wbc", tmp_path, CHOSEN, {})
    with job.order(folder, {}, "Bob"):  # as its process does
        trial = rate_trials.start("wbc", tmp_path, CHOSEN, {}, ADA)
        assert (trial.folder, trial.who, trial.state) == (folder, "Bob", "running")
        rate_trials.ask_to_stop(folder, ADA)
        assert job.read(folder).stopping


def test_the_task_is_what_was_chosen(tmp_path):
    options = {"start": "random"}
    folder = rate_trials.folder_of("wbc", tmp_path, CHOSEN, options)
    assert rate_trials.latest(folder) is None
    trial = rate_trials.start("wbc", tmp_path, CHOSEN, options, ADA)
    recipe, data, chosen, complete = rate_trials.task_of(trial.folder)
    assert (recipe, data, chosen) == ("wbc", tmp_path, CHOSEN)
    assert complete["start"] == "random"
    rate_trials.ask_to_stop(trial.folder, ADA)
