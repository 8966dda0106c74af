"""The lock of a folder: taken by one, seen by all, in nobody's way, gone with its process."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time

import pytest

from core.jobs import folder_lock

FORK = multiprocessing.get_context("fork")
TAKES = 3000


@pytest.fixture(params=["ofd", "flock"], autouse=True)
def kind(request, monkeypatch):
    """Both ways to lock, wherever the tests run."""
    if request.param == "ofd" and not folder_lock._OFD:
        pytest.fail("this system has no locks of open file descriptions")
    monkeypatch.setattr(folder_lock, "_OFD", request.param == "ofd")
    return request.param


def _look(folder, end):
    while not end.is_set():
        folder_lock.is_held(folder)


def test_looking_never_refuses_a_free_folder(tmp_path):
    end = FORK.Event()
    folder_lock.take(tmp_path).close()
    lookers = [FORK.Process(target=_look, args=(tmp_path, end), daemon=True) for _ in range(4)]
    for looker in lookers:
        looker.start()
    refused = 0
    for _ in range(TAKES):
        try:
            with folder_lock.take(tmp_path):
                pass
        except BlockingIOError:
            refused += 1
    end.set()
    for looker in lookers:
        looker.join()
    assert refused == 0
    assert [looker.exitcode for looker in lookers] == [0] * 4


def _add_one(folder, times):
    for _ in range(times):
        with folder_lock.take(folder, wait=True):
            number = int((folder / "number").read_text())
            (folder / "number").write_text(str(number + 1))


def test_one_at_a_time(tmp_path):
    """Were two in at once, one would overwrite what the other counted."""
    (tmp_path / "number").write_text("0")
    processes = [FORK.Process(target=_add_one, args=(tmp_path, 200)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert (tmp_path / "number").read_text() == "600"


def test_held_it_is_seen_and_refused_also_within_one_process(tmp_path):
    assert not folder_lock.is_held(tmp_path)
    with folder_lock.take(tmp_path):
        assert folder_lock.is_held(tmp_path)
        assert folder_lock.is_held(tmp_path), "a look that ends must not let the lock go"
        with pytest.raises(BlockingIOError):
            folder_lock.take(tmp_path)
        assert folder_lock.is_held(tmp_path), "nor must a take that was refused"
    assert not folder_lock.is_held(tmp_path)


def test_it_is_held_by_the_process_it_is_passed_to_and_gone_when_that_is_killed(tmp_path):
    with folder_lock.take(tmp_path) as lock:
        command = [sys.executable, "-c", "import time; time.sleep(600)"]
        process = subprocess.Popen(command, pass_fds=(lock.fileno(),))
    assert folder_lock.is_held(tmp_path)
    with pytest.raises(BlockingIOError):
        folder_lock.take(tmp_path)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    while folder_lock.is_held(tmp_path):
        time.sleep(0.01)
    folder_lock.take(tmp_path).close()
