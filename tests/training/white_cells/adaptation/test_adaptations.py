"""An adaptation outlives whoever asked for it: its process, its end, its death."""

from __future__ import annotations

import os
import signal
import time

import numpy as np
import pytest
from PIL import Image

from core.access.people import Person
from core.access.rights import NotAllowed
from core.imaging.synthetic import draw
from core.jobs import job
from core.models import registry
from core.training.runs import lifecycle
from core.training.white_cells.adaptation import adaptations
from core.training.white_cells.adaptation.adaptations import AdaptationRunning
from tests.fixtures.models import ADA

SECONDS = 300


@pytest.fixture
def laboratory(tmp_path):
    """Two classes of eight drawn fields: fewer do not show a gain."""
    root = tmp_path / "our laboratory"
    for number, name in enumerate(("lymphocyte", "eosinophil") * 8):
        (root / name).mkdir(parents=True, exist_ok=True)
        field = draw(500 + number, wbc=[name]).field
        Image.fromarray(np.array(field.pixels)).save(root / name / f"{number}.png")
    return root


def _ended():
    until = time.monotonic() + SECONDS
    while (last := adaptations.latest()) is not None and last.state == "running":
        assert time.monotonic() < until, last
        time.sleep(0.05)
    return last


def test_it_makes_a_challenger_and_says_of_what(laboratory):
    adaptations.start(laboratory, per_class=6, deep=False, who=ADA)
    last = _ended()
    assert last.state == "done" and last.who == ADA.name, last
    result = last.result()
    assert result["cells"] == {"eosinophil": 6, "lymphocyte": 6}
    assert result["left_for_test"] == 4
    run = lifecycle.book().get(result["run"])
    assert (run.model_identity, run.created_by) == (result["model"], ADA.name)
    assert registry.live("wbc").identity != run.model_identity


def test_what_cannot_be_adapted_to_gets_its_sentence(tmp_path):
    (tmp_path / "lymphocyte").mkdir()
    (tmp_path / "lymphocyte" / "broken.png").write_bytes(b"no picture")
    adaptations.start(tmp_path, per_class=2, deep=False, who=ADA)
    last = _ended()
    assert last.state == "failed"
    assert "cells of at least two classes are needed" in last.message


def test_one_at_a_time_and_killed_it_is_lost(laboratory):
    begun = adaptations.start(laboratory, per_class=2, deep=False, who=ADA)
    with pytest.raises(AdaptationRunning, match="another adaptation is going on"):
        adaptations.start(laboratory, per_class=2, deep=False, who=ADA)
    until = time.monotonic() + SECONDS
    while (process := job.read(begun.folder).progress.process) is None:
        assert time.monotonic() < until
        time.sleep(0.05)
    os.kill(process, signal.SIGKILL)
    assert _ended().state == "lost"


def test_somebody_stops_it(laboratory):
    adaptations.start(laboratory, per_class=2, deep=False, who=ADA)
    adaptations.ask_to_stop(ADA)
    last = _ended()
    assert (last.state, last.message) == ("stopped", f"{ADA.name} stopped it")


def test_who_may_not_train_may_not_adapt(laboratory):
    viewer = Person("Vic", "viewer", "test:vic")
    with pytest.raises(NotAllowed):
        adaptations.start(laboratory, per_class=2, deep=False, who=viewer)
