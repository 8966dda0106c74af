"""Two processes on one training: they learn what one would, and lose nothing when killed."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from core.training.loop.checkpoint import load_checkpoint
from core.training.loop.history import read_history
from core.training.loop.order import Batches, groups_of
from core.training.loop.process_group import ProcessGroup
from tests.fixtures.paths import ROOT

SCRIPT = Path(__file__).parent / "group_runs.py"
KILLED, PAUSED, ENDED = -signal.SIGKILL, 3, 0
ALONE = ("single", "two", "two, parts")
PLAN = {
    "single": [""],
    "two": [""],
    "two, parts": [""],
    "two, chance": [""],
    "two, chance, killed": ["batch:9", ""],
    "two, chance, paused": ["pause:9", ""],
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("crew")
    ran = subprocess.run(
        [sys.executable, str(SCRIPT), str(root), json.dumps(PLAN)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert ran.returncode == 0, ran.stderr
    statuses = json.loads(ran.stdout)
    assert statuses["two, chance, killed"] == [KILLED, ENDED]
    assert statuses["two, chance, paused"] == [PAUSED, ENDED]
    assert {tuple(s) for n, s in statuses.items() if n in ALONE} == {(ENDED,)}
    return root


def _weights(folder):
    return load_checkpoint(folder / "best.safetensors")["model"]


@pytest.mark.parametrize("name", ["two", "two, parts"])
def test_two_processes_learn_what_one_does(folders, name):
    """The weights of the same loop in a single process, up to the rounding of half batches."""
    alone, together = _weights(folders / "single"), _weights(folders / name)
    for layer, value in alone.items():
        torch.testing.assert_close(together[layer], value, rtol=1e-4, atol=1e-5)
    rows, expected = read_history(folders / name), read_history(folders / "single")
    assert [r.train_loss for r in rows] == pytest.approx([r.train_loss for r in expected], rel=1e-4)
    assert [r.examples for r in rows] == [r.examples for r in expected]


@pytest.mark.parametrize("name", ["two, chance, killed", "two, chance, paused"])
def test_resumed_they_are_the_run_left_alone(folders, name):
    """Bit for bit, dropout of both processes included."""
    alone, resumed = _weights(folders / "two, chance"), _weights(folders / name)
    assert all(torch.equal(alone[key], resumed[key]) for key in alone)
    assert [r.number for r in read_history(folders / name)] == [0, 1, 2]


def test_there_is_one_checkpoint_and_nothing_half_written(folders):
    for folder in folders.iterdir():
        files = {file.name for file in folder.iterdir()}
        assert files == {"best.safetensors", "last.safetensors", "epochs.jsonl"}
    states = [load_checkpoint(folders / n / "last.safetensors") for n in ("single", "two, chance")]
    assert [len(state["other_generators"]) for state in states] == [0, 1]
    assert not torch.equal(states[1]["generator"], states[1]["other_generators"][0])


def _batches(group, skip=0):
    return list(Batches(22, 4, 5, seed=3, epoch=2, skip=skip, group=group))


def test_every_example_goes_to_one_process():
    whole = _batches(ProcessGroup())
    shares = [_batches(ProcessGroup(rank, 2)) for rank in range(2)]
    assert [sorted(a + b) for a, b in zip(*shares, strict=True)] == [sorted(b) for b in whole]
    assert len({index for batch in whole for _, index in batch}) == 20
    assert _batches(ProcessGroup(), skip=3) == whole[3:]


def test_a_batch_that_cannot_be_shared_is_refused():
    with pytest.raises(ValueError, match="batch_size must be a multiple of the 3 processes"):
        ProcessGroup(0, 3).check(16, 100)
    with pytest.raises(ValueError, match="no more than the 8 examples"):
        ProcessGroup(0, 2).check(16, 8)
    ProcessGroup().check(16, 8)


def test_groups_keep_the_order():
    assert list(groups_of(range(7), 3)) == [[0, 1, 2], [3, 4, 5], [6]]


def test_torchrun_from_a_terminal_makes_one_run_and_one_model(tiny_data, tmp_path):
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    numbers = ["--epochs", "1", "--batch-size", "6", "--workers", "0", "--start", "random"]
    train = ["-m", "--", "core", "train", "wbc", "--data", str(tiny_data), *numbers]
    broadcast = {"HEMADESK_VAR": str(tmp_path), "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}
    ran = subprocess.run(
        [*command, *train],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **broadcast},
    )
    assert ran.returncode == 0, ran.stderr
    (folder,) = (tmp_path / "runs").iterdir()
    assert ran.stdout.count("saved ") >= 1
    files = {file.name for file in folder.iterdir()}
    assert {"last.safetensors", "best.safetensors", f"{folder.name}.json"} <= files
    assert len(load_checkpoint(folder / "last.safetensors")["other_generators"]) == 1
