"""A trial of learning rates in a process of its own: seen by every session, stopped, refused."""

from __future__ import annotations

import time

import pytest

from core.jobs import folder_lock
from core.training.loop.settings import LoopSettings
from core.training.runs import rate_trials
from tests.fixtures.models import ADA

SECONDS = 600
CHOSEN = LoopSettings(workers=0)


pytestmark = pytest.mark.usefixtures("own_var")


def test_one_that_cannot_begin_leaves_its_sentence(tmp_path):
    folder = rate_trials.start("wbc", tmp_path / "nowhere", CHOSEN, {"layout": "folders"}, ADA)
    assert rate_trials.is_running(folder)
    deadline = time.monotonic() + SECONDS
    while rate_trials.is_running(folder):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert rate_trials.refusal_of(folder).endswith("nowhere is not a folder")


def test_one_that_goes_on_is_not_begun_twice(tmp_path):
    folder = rate_trials.folder_of("wbc", tmp_path, CHOSEN, {})
    folder.mkdir(parents=True)
    with folder_lock.take(folder):  # as its process does
        rate_trials.tell(folder, 3, 80)
        assert rate_trials.start("wbc", tmp_path, CHOSEN, {}, ADA) == folder
        assert rate_trials.progress(folder) == (3, 80)
        rate_trials.stop(folder, ADA)
        with pytest.raises(ValueError, match="it was stopped"):
            rate_trials.tell(folder, 4, 80)
    assert not rate_trials.is_running(folder)
