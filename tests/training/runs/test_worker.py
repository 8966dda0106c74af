"""Real workers in processes of their own, on a small drawn set."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from typer.testing import CliRunner

from core.access.people import Person
from core.cli import app
from core.settings import settings
from core.store.runs import RunRefused
from core.training.loop.history import read_history
from core.training.loop.settings import LoopSettings
from core.training.runs import lifecycle
from tests.fixtures.paths import ROOT

ADA = Person("Ada", "trainer", "test:ada")
FEW = LoopSettings(epochs=5, batch_size=6, warmup_steps=2, averaging=0.5, workers=0)
MANY = LoopSettings(epochs=5000, batch_size=6, warmup_steps=2, averaging=0.5, workers=0)
PATIENCE_S = 900  # not a claim about speed: a hanging worker must not hang the tests


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A place of its own, since the queue is one for the whole installation."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HEMADESK_VAR", str(tmp_path_factory.mktemp("var")))
        patch.setenv("OMP_NUM_THREADS", "1")
        settings.cache_clear()
        yield
        for run in lifecycle.book().all():
            if run.state == "running" and run.process:
                os.kill(run.process, signal.SIGKILL)
    settings.cache_clear()


def _submit(data, chosen):
    return lifecycle.submit("wbc", data, chosen, {"start": "random"}, who=ADA)


def _until(run, seen):
    """The run as soon as ``seen`` is true of it."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        now = lifecycle.book().get(run.id)
        if seen(now):
            return now
        assert now.state != "failed", lifecycle.read_log(now)
        time.sleep(0.05)
    raise AssertionError(f"{now.state}, {lifecycle.read_log(now)}")


def _in(state):
    return lambda run: run.state == state


def _epochs(count):
    return lambda run: len(lifecycle.book().epochs(run.id)) >= count


def _model(run):
    return (lifecycle.folder_of(run) / f"{run.name}.safetensors").read_bytes()


@pytest.fixture(scope="module")
def alone(site, tiny_data):
    """A run left alone, through the queue."""
    run = _submit(tiny_data, FEW)
    assert [started.id for started in lifecycle.start_next()] == [run.id]
    return _until(run, _in("done"))


def test_a_run_is_a_row_and_a_folder(alone):
    assert alone.model_identity.startswith(f"{alone.name}@")
    assert alone.data_sha256 and alone.device and alone.facts["baseline"] > 0
    assert alone.progress["epoch"] == 4
    folder = lifecycle.folder_of(alone)
    assert json.loads((folder / "run.json").read_text())["settings"]["epochs"] == 5
    card = json.loads((folder / f"{alone.name}.json").read_text())
    assert card["data"]["sha256"] == alone.data_sha256
    rows = lifecycle.book().epochs(alone.id)
    assert [row.number for row in rows] == [0, 1, 2, 3, 4]
    assert [row.metrics for row in rows] == [row.metrics for row in read_history(folder)]
    assert "saved" in lifecycle.read_log(alone)
    assert not lifecycle.is_held(alone)


def test_killed_it_is_lost_and_resumed_it_is_the_same(alone, tiny_data):
    run, waiting = _submit(tiny_data, FEW), _submit(tiny_data, MANY)
    assert [started.id for started in lifecycle.start_next()] == [run.id], "one at a time"
    running = _until(run, _epochs(1))
    os.kill(running.process, signal.SIGKILL)
    _until(run, lambda now: not lifecycle.is_held(now))
    lifecycle.watch()  # the thread that started it may have found it dead before
    assert lifecycle.book().get(run.id).state == "lost"
    assert "epoch 1" in lifecycle.read_log(running)
    lifecycle.act(waiting.id, "pause", ADA)
    lifecycle.act(run.id, "resume", ADA)
    _until(run, lambda now: now.progress and now.progress["epoch"] >= 2)
    lifecycle.act(run.id, "pause", ADA)
    paused = _until(run, lambda now: now.state in ("paused", "done"))
    if paused.state == "paused":
        assert not lifecycle.is_held(paused), "a paused run keeps neither process nor memory"
        lifecycle.act(run.id, "resume", ADA)
    done = _until(run, _in("done"))
    assert done.attempt >= 2
    assert _model(done) == _model(alone)
    rows = lifecycle.book().epochs(run.id)
    expected = lifecycle.book().epochs(alone.id)
    assert [(r.number, r.train_loss, r.metrics) for r in rows] == [
        (r.number, r.train_loss, r.metrics) for r in expected
    ]
    lifecycle.act(waiting.id, "discard", ADA)


def test_stop_keeps_the_best_and_the_next_begins(alone, tiny_data):
    stopped, discarded = _submit(tiny_data, MANY), _submit(tiny_data, MANY)
    lifecycle.start_next()
    _until(stopped, _epochs(1))
    assert lifecycle.book().get(discarded.id).state == "queued"
    lifecycle.act(stopped.id, "stop", ADA)
    stopped = _until(stopped, _in("stopped"))
    assert _model(stopped)
    with pytest.raises(RunRefused, match="stopped; it cannot be asked to resume"):
        lifecycle.act(stopped.id, "resume", ADA)
    # The worker that ended started the next; nobody here asked for it.
    discarded = _until(discarded, _epochs(1))
    folder = lifecycle.folder_of(discarded)
    lifecycle.act(discarded.id, "discard", ADA)
    _until(discarded, _in("discarded"))
    _until(discarded, lambda run: not folder.exists())
    assert discarded.id not in [run.id for run in lifecycle.book().all()]
    assert [e.became for e in lifecycle.book().events(discarded.id)][-1] == "discarded"


def _command(*arguments):
    return [sys.executable, "-m", "core", "train", *map(str, arguments)]


def test_from_a_terminal_killed_and_resumed_by_folder(alone, tiny_data):
    numbers = ("--epochs", 3, "--batch-size", 6, "--workers", 0, "--start", "random")
    command = _command("wbc", "--data", tiny_data, "--preset", "fine-tune", *numbers)
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        folder = process.stdout.readline().removeprefix("run ").strip()
        for line in process.stdout:
            if line.startswith("epoch 1"):
                process.kill()
    assert process.returncode == -signal.SIGKILL
    resume = _command("wbc", "--resume", folder)
    second = subprocess.run(resume, cwd=ROOT, capture_output=True, text=True, check=False)
    assert second.returncode == 0, second.stderr
    assert "epoch 3" in second.stdout and "epoch 1:" not in second.stdout
    third = CliRunner().invoke(app, ["train", "wbc", "--resume", folder])
    assert third.exit_code == 2
    assert "is done; it cannot be asked to resume" in third.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["wbc", "--epochs", "0"], "epochs must be from 1 to 10000, got 0"),
        (["wbc", "--learning-rate", "7"], "learning_rate must be from 1e-08 to 1, got 7"),
        (["palms"], "unknown recipe 'palms'; known are locator, "),
        (["wbc", "--preset", "x"], "unknown preset 'x' of wbc; known are shipped, "),
        (["locator", "--start", "moon"], "start must be one of imagenet, live, random, got 'moon'"),
        (["wbc", "--resume", "nowhere"], "neither the number, the name nor the folder of a run"),
        (["wbc", "--resume", "1", "--epochs", "3"], "a resumed run keeps its settings"),
    ],
)
def test_what_cannot_be_trained_is_said_in_a_sentence(site, arguments, words):
    ran = CliRunner().invoke(app, ["train", *arguments])
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert words in ran.stderr


def test_data_that_is_not_there_fails_with_its_reason(alone, tmp_path):
    run = _submit(tmp_path, FEW)
    lifecycle.start_next()
    deadline = time.monotonic() + PATIENCE_S
    while (now := lifecycle.book().get(run.id)).state != "failed" and time.monotonic() < deadline:
        time.sleep(0.05)
    assert now.state == "failed"
    assert "no PBC class folders in" in str(now.message)
    assert now.allows("resume"), "once the data is there it can go on"
