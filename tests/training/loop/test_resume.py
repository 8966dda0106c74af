"""A run killed anywhere and resumed gives the weights of one left alone, bit for bit.

The expected weights come from the same loop left alone; nothing is compared with a tolerance.
"""

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
from tests.fixtures.paths import ROOT

SCRIPT = Path(__file__).parent / "killed_runs.py"
KILLED, TOO_LARGE, PAUSED, ENDED = -signal.SIGKILL, -signal.SIGXFSZ, 3, 0

# Batches of an epoch are 5, control is asked once more before each: 6 questions an epoch. Renames
# of an epoch with a better score: best's file, last's file, best takes its place, the history.
PLACES: dict[str, tuple[list[str], list[int]]] = {
    "first batch": (["batch:2", ""], [KILLED, ENDED]),
    "third batch of the second epoch": (["batch:10", ""], [KILLED, ENDED]),
    "between two epochs": (["batch:13", ""], [KILLED, ENDED]),
    "before the best is whole": (["rename:5", ""], [KILLED, ENDED]),
    "between best and last": (["rename:6", ""], [KILLED, ENDED]),
    "before the best takes its place": (["rename:7", ""], [KILLED, ENDED]),
    "before the history is written": (["rename:8", ""], [KILLED, ENDED]),
    "within the best's bytes": (["bytes:9000", ""], [TOO_LARGE, ENDED]),
    "within the last's bytes": (["bytes:30000", ""], [TOO_LARGE, ENDED]),
    "three times": (["batch:4", "rename:2", "batch:3", ""], [KILLED, KILLED, KILLED, ENDED]),
    "paused within an epoch": (["pause:9", ""], [PAUSED, ENDED]),
    "paused before the first batch": (["pause:1", ""], [PAUSED, ENDED]),
    "paused at the last batch": (["pause:12", ""], [PAUSED, ENDED]),
    "paused, then killed": (["pause:9", "batch:3", ""], [PAUSED, KILLED, ENDED]),
    "paused twice in an epoch": (["pause:3", "pause:3", ""], [PAUSED, PAUSED, ENDED]),
    "falls, killed between best and last": (["rename:2", ""], [KILLED, ENDED]),
    "falls, killed late": (["rename:7", ""], [KILLED, ENDED]),
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("killed")
    plan = {"left alone": [""], "falls, left alone": [""]}
    plan |= {name: places for name, (places, _) in PLACES.items()}
    ran = subprocess.run(
        [sys.executable, str(SCRIPT), str(root), json.dumps(plan)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert ran.returncode == 0, ran.stderr
    return root, json.loads(ran.stdout)


def _assert_same(left, right, where=""):
    if isinstance(left, torch.Tensor):
        assert torch.equal(left, right), where
    elif isinstance(left, dict):
        assert left.keys() == right.keys(), where
        for key in left:
            if key not in ("seconds", "examples"):  # of the part after the resume only
                _assert_same(left[key], right[key], f"{where}/{key}")
    elif isinstance(left, list):
        assert len(left) == len(right), where
        for number, (a, b) in enumerate(zip(left, right, strict=True)):
            _assert_same(a, b, f"{where}/{number}")
    else:
        assert left == right, where


@pytest.mark.parametrize("name", PLACES)
def test_killed_there_and_resumed_it_is_the_run_left_alone(folders, name):
    root, statuses = folders
    assert statuses[name] == PLACES[name][1], "it did not die where it was meant to"
    alone = root / ("falls, left alone" if "falls" in name else "left alone")
    for file in ("best.safetensors", "last.safetensors"):
        _assert_same(load_checkpoint(alone / file), load_checkpoint(root / name / file), file)


@pytest.mark.parametrize("name", PLACES)
def test_no_epoch_is_missing_or_doubled(folders, name):
    root, _ = folders
    alone = root / ("falls, left alone" if "falls" in name else "left alone")
    rows, expected = read_history(root / name), read_history(alone)
    assert [row.number for row in rows] == [0, 1, 2, 3]
    assert [(r.train_loss, r.metrics) for r in rows] == [
        (r.train_loss, r.metrics) for r in expected
    ]


def test_the_run_left_alone_learnt_something_at_all(folders):
    """Equal weights would mean little if nothing moved them."""
    root, _ = folders
    rows = read_history(root / "left alone")
    assert len({row.train_loss for row in rows}) == 4
    best, last = (
        load_checkpoint(root / "left alone" / f"{n}.safetensors") for n in ("best", "last")
    )
    assert not torch.equal(last["model"]["0.weight"], best["model"]["0.weight"])


def test_nothing_half_written_stays(folders):
    root, _ = folders
    for folder in root.iterdir():
        assert {file.name for file in folder.iterdir()} == {
            "best.safetensors",
            "last.safetensors",
            "epochs.jsonl",
        }
