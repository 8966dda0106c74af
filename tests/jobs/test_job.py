"""Jobs in processes of their own: progress, result, log, stopped, killed, found again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from core.jobs import folder_lock, job
from core.jobs.job import JobRunning
from core.settings import ROOT, settings

SECONDS = 300
"""After which a job counts as hung; nothing is judged by its speed."""


@pytest.fixture(autouse=True)
def site(tmp_path, monkeypatch):
    monkeypatch.setenv("HEMADESK_VAR", str(tmp_path / "var"))
    settings.cache_clear()
    yield
    for one in [*job.find(tmp_path), *job.find(tmp_path / "many")]:
        job.ask_to_stop(one.folder, "the test")
    settings.cache_clear()


def _start(folder, kind, **task):
    return job.start(folder, ["tests.jobs.background", kind, str(folder)], task, "Ada")


def _until(folder, seen):
    deadline = time.monotonic() + SECONDS
    while not seen(now := job.read(folder)):
        assert time.monotonic() < deadline, (now, now.log())
        time.sleep(0.02)
    return now


def _ended(folder):
    return _until(folder, lambda now: now.state != "running")


def _alive(folder):
    return _until(folder, lambda now: now.progress.message == "waiting")


def test_it_leaves_a_result_and_a_log(tmp_path):
    started = _start(tmp_path / "a", "steps", total=5)
    assert (started.state, started.who, started.task) == ("running", "Ada", {"total": 5})
    left = _ended(tmp_path / "a")
    assert (left.state, left.message) == ("done", "")
    assert left.result() == {"squares": [0, 1, 4, 9, 16], "resumed": 0}
    assert left.log() == "at work\n"


def test_it_says_how_far_it_is(tmp_path):
    _start(tmp_path / "a", "endless")
    now = _alive(tmp_path / "a")
    assert (now.progress.done, now.progress.total) == (3, 80)
    assert now.progress.share == pytest.approx(3 / 80)
    later = _until(tmp_path / "a", lambda one: one.progress.seconds > now.progress.seconds)
    assert later.state == "running"


def test_it_stops_when_asked_and_says_who_asked(tmp_path):
    _start(tmp_path / "a", "endless")
    assert not job.read(tmp_path / "a").stopping
    job.ask_to_stop(tmp_path / "a", "Bob")
    assert job.read(tmp_path / "a").stopping
    left = _ended(tmp_path / "a")
    assert (left.state, left.message) == ("stopped", "Bob stopped it")
    with pytest.raises(FileNotFoundError, match=r"result\.json"):
        left.result()


def test_work_may_bring_something_to_an_end_before_it_stops(tmp_path):
    _start(tmp_path / "a", "tidy")
    job.ask_to_stop(tmp_path / "a", "Bob")
    assert _ended(tmp_path / "a").state == "stopped"
    assert (tmp_path / "a" / "tidied").is_file()


def test_killed_it_is_lost_and_started_again_it_goes_on(tmp_path):
    folder = tmp_path / "a"
    _start(folder, "endless", total=4)
    os.kill(_alive(folder).progress.process, signal.SIGKILL)
    lost = _ended(folder)
    assert lost.state == "lost" and "its process died" in lost.message
    (folder / "squares.txt").write_text("0\n1\n")  # what it had done until then
    command = ["tests.jobs.background", "steps", str(folder)]
    assert job.start(folder, command, lost.task, "Bob").who == "Bob"
    left = _ended(folder)
    assert left.result() == {"squares": [0, 1, 4, 9], "resumed": 2}


def test_a_new_order_forgets_the_old_end(tmp_path):
    _start(tmp_path / "a", "refused")
    assert _ended(tmp_path / "a").state == "failed"
    started = _start(tmp_path / "a", "endless")
    assert started.state == "running"
    assert _alive(tmp_path / "a").log() == "at work\n"


def test_where_one_is_going_on_nothing_is_started(tmp_path):
    _start(tmp_path / "a", "endless")
    with pytest.raises(JobRunning, match="is going on"):
        _start(tmp_path / "a", "steps", total=1)
    assert job.read(tmp_path / "a").task == {}


def test_input_that_cannot_be_used_gives_its_sentence(tmp_path):
    _start(tmp_path / "a", "refused")
    left = _ended(tmp_path / "a")
    assert (left.state, left.message) == ("failed", "picture.png is no picture")
    assert left.log() == "picture.png is no picture\n"


def test_a_fault_of_the_program_gives_a_sentence_and_a_traceback_in_the_log(tmp_path):
    _start(tmp_path / "a", "broken")
    left = _ended(tmp_path / "a")
    assert left.state == "failed"
    assert left.message == "ZeroDivisionError: a fault of the program"
    assert "Traceback" in left.log()


def test_a_process_that_cannot_begin_is_lost_and_the_log_says_why(tmp_path):
    job.start(tmp_path / "a", ["tests.jobs.no_such_module"], {}, "Ada")
    left = _ended(tmp_path / "a")
    assert left.state == "lost"
    assert "No module named tests.jobs.no_such_module" in left.log()


def test_it_outlives_who_started_it_and_is_found_by_another_process(tmp_path):
    folder = tmp_path / "many" / "a"
    code = (
        "import sys; from pathlib import Path; from core.jobs import job\n"
        "folder = Path(sys.argv[1])\n"
        "job.start(folder, ['tests.jobs.background', 'endless', str(folder)], {}, 'Ada')\n"
    )
    command = [sys.executable, "-c", code, str(folder)]
    subprocess.run(command, cwd=ROOT, check=True)
    found = job.find(tmp_path / "many")
    assert [(one.folder, one.state, one.who) for one in found] == [(folder, "running", "Ada")]
    job.ask_to_stop(folder, "Bob")
    assert _ended(folder).message == "Bob stopped it"


def test_found_newest_first_and_other_folders_are_left_out(tmp_path):
    for name in ("b", "a", "c"):
        job.order(tmp_path / "many" / name, {}, "Ada").close()
    (tmp_path / "many" / "no job").mkdir()
    (tmp_path / "many" / "a file").touch()
    assert [one.folder.name for one in job.find(tmp_path / "many")] == ["c", "a", "b"]
    assert job.find(tmp_path / "nowhere") == []
    assert job.latest(tmp_path / "many" / "no job") is None


def test_one_turn_at_a_time(tmp_path):
    _start(tmp_path / "a", "in_turn")
    _alive(tmp_path / "a")
    _start(tmp_path / "b", "in_turn")
    _until(tmp_path / "b", lambda now: now.progress.message == "waiting for another")
    job.ask_to_stop(tmp_path / "a", "Bob")
    assert _ended(tmp_path / "a").state == "stopped"
    _alive(tmp_path / "b")
    job.ask_to_stop(tmp_path / "b", "Bob")
    assert _ended(tmp_path / "b").state == "stopped"


def test_on_another_machine_its_sign_of_life_counts(tmp_path, monkeypatch):
    with job.order(tmp_path / "a", {}, "Ada"):
        monkeypatch.setattr("socket.gethostname", lambda: "another")
        assert job.read(tmp_path / "a").state == "running"
        long_ago = time.time() - 3600
        os.utime(tmp_path / "a" / "order.json", (long_ago, long_ago))
        assert folder_lock.is_held(tmp_path / "a")
        assert job.read(tmp_path / "a").state == "lost"


def test_folders_of_earlier_versions_are_read(tmp_path):
    order = {"who": "Ada", "at": "2026-01-02T03:04:05+00:00", "host": os.uname().nodename}
    (tmp_path / "task.json").write_text(json.dumps(order))
    progress = {"title": "our cells", "words": "counting", "share": 0.5, "seconds": 3.0}
    (tmp_path / "progress.json").write_text(json.dumps(progress))
    assert job.read(tmp_path).state == "lost"
    (tmp_path / "failure.json").write_text('{"message": "Bob stopped it"}')
    assert (job.read(tmp_path).state, job.read(tmp_path).message) == ("failed", "Bob stopped it")
    (tmp_path / "result.json").write_text('{"value": 1}')
    assert job.read(tmp_path).result() == {"value": 1}


@pytest.mark.parametrize(
    "module",
    [
        "core.jobs.job",
        "core.jobs.worker",
        "core.training.runs.lifecycle",
        "core.training.runs.rate_trials",
        "core.training.promote.comparisons",
        "core.training.white_cells.adaptation.adaptations",
    ],
)
def test_what_a_screen_asks_about_jobs_loads_no_heavy_library(module):
    code = (
        f"import sys, {module}\n"
        "heavy = {'torch', 'torchvision', 'scipy', 'numpy', 'cv2', 'pandas', 'sklearn'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    command = [sys.executable, "-c", code]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"
