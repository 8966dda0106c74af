"""A comparison in a process of its own: found again, stopped, killed, refused."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time

import pytest

from core.access.people import Person
from core.access.rights import NotAllowed
from core.jobs import job
from core.training.promote import comparisons, locked_sets, promotion
from core.training.promote.promotion import PromotionRefused
from core.training.runs import lifecycle
from tests.fixtures.models import ADA, BOB, finished_run

SECONDS = 600
"""After which it counts as hung; nothing is judged by its speed."""


def ended(run):
    deadline = time.monotonic() + SECONDS
    while True:
        comparison = comparisons.latest(run)
        assert comparison is not None
        if comparison.state != "running":
            return comparison
        assert time.monotonic() < deadline, comparison.log()
        time.sleep(0.1)


def process_of(comparison):
    """The process that was started for that folder."""
    listed = subprocess.run(["ps", "-wweo", "pid,args"], capture_output=True, text=True, check=True)
    lines = [line for line in listed.stdout.splitlines() if comparison.folder.name in line]
    return int(lines[0].split()[0])


def test_its_process_leaves_what_the_promotion_needs(site, known_models):
    run = finished_run(known_models, "lymphocyte", site, lymphocyte=20, monocyte=4)
    started = comparisons.start(run, ADA)
    assert started.state == "running"
    assert comparisons.start(run, BOB).folder == started.folder  # pressed twice, made once
    comparison = ended(run)
    assert (comparison.state, comparison.who, comparison.folder) == ("done", "Ada", started.folder)
    found = comparisons.evidence_of(comparison)
    assert found == promotion.compare(run)
    assert found.compared.code == lifecycle.code_version()
    promotion.promote(found, who=ADA, reason="sees our lymphocytes")
    stored = promotion.history()[0].evidence
    assert stored is not None
    assert stored["compared"] == json.loads(json.dumps(found.as_json()))["compared"]
    again = comparisons.latest(run)
    assert again is not None
    with pytest.raises(PromotionRefused, match="another model is live since"):
        promotion.promote(comparisons.evidence_of(again), who=ADA, reason="once more")


def test_killed_it_is_lost_and_can_be_made_anew(site, known_models):
    run = finished_run(known_models, "lymphocyte", site, lymphocyte=20)
    started = comparisons.start(run, ADA)
    os.kill(process_of(started), signal.SIGKILL)
    comparison = ended(run)
    assert (comparison.state, comparison.folder) == ("lost", started.folder)
    assert "its process died" in comparison.message
    with pytest.raises(OSError, match="result.json"):
        comparison.result()
    assert comparisons.start(run, ADA).folder != started.folder
    assert ended(run).state == "done"


def test_somebody_stops_it(site, known_models):
    run = finished_run(known_models, "lymphocyte", site, lymphocyte=20)
    comparisons.ask_to_stop(comparisons.start(run, ADA), BOB)
    comparison = ended(run)
    assert (comparison.state, comparison.message) == ("stopped", "Bob stopped it")


def test_a_test_set_that_was_touched_gives_a_sentence(site, known_models):
    run = finished_run(known_models, "lymphocyte", site, lymphocyte=20)
    (lifecycle.folder_of(run) / "lymphocyte_3.png").unlink()
    comparisons.start(run, ADA)
    comparison = ended(run)
    assert comparison.state == "failed"
    assert "lymphocyte_3.png of the locked test set our cells is gone" in comparison.message
    assert "Traceback" not in comparison.log()


def test_only_who_trains_may_ask_for_it(site, known_models):
    run = finished_run(known_models, "lymphocyte", site, lymphocyte=2)
    with pytest.raises(NotAllowed, match="may not train models"):
        comparisons.start(run, Person("Vic", "viewer", "test:vic"))
    assert comparisons.latest(run) is None


def test_on_another_machine_its_sign_of_life_counts(site, known_models, monkeypatch):
    run = finished_run(known_models, "lymphocyte", site, lymphocyte=2)
    folder, lock = comparisons.begin_here(run, ADA)
    monkeypatch.setattr("socket.gethostname", lambda: "another")
    comparison = comparisons.latest(run)
    assert comparison is not None and comparison.state == "running"
    lock.close()
    long_ago = time.time() - 3600
    os.utime(folder / "order.json", (long_ago, long_ago))
    assert job.read(folder).state == "lost"


def test_a_run_that_kept_nothing_aside_gives_a_sentence(site, known_models):
    run = finished_run(known_models, "lymphocyte", site, lymphocyte=2)
    (lifecycle.folder_of(run) / locked_sets.FILE).unlink()
    with pytest.raises(PromotionRefused, match="kept no test cells aside; train it anew"):
        promotion.compare(run)
