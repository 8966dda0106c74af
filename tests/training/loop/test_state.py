"""What a checkpoint demands before a training goes on from it, and which weights decay."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from core.store.run_records import Epoch
from core.training.loop.checkpoint import load_checkpoint, save_checkpoint
from core.training.loop.process_group import ProcessGroup
from core.training.loop.settings import LoopSettings
from core.training.loop.state import LAST, EpochSoFar, TrainingState
from core.training.runs.forecast import best_epoch
from tests.training.loop.killed_runs import Tiny

SETTINGS = LoopSettings(epochs=3, weight_decay=0.1)


def state_of(settings=SETTINGS, processes=1):
    torch.manual_seed(settings.seed)
    return TrainingState(Tiny(), settings, ProcessGroup(0, processes))


def row(number, score):
    return Epoch(number, 1.0, {"score": score}, 1e-3, 2.0, 8)


@pytest.fixture
def folder(tmp_path):
    """Two epochs, of which the first was the better."""
    state = state_of()
    state.end_epoch(tmp_path, row(0, 0.9))
    state.end_epoch(tmp_path, row(1, 0.8))
    return tmp_path


def test_it_goes_on_after_the_last_epoch_and_knows_the_best(folder):
    state = state_of()
    state.restore(folder)
    assert (state.next_epoch, state.best_epoch, state.best_score) == (2, 0, 0.9)
    assert [one.number for one in state.history] == [0, 1]
    assert state.paused == EpochSoFar(0, 0.0, 0.0)
    assert load_checkpoint(folder / "best.safetensors")["epoch"] == 0


def test_without_a_checkpoint_it_begins(tmp_path):
    state = state_of()
    state.restore(tmp_path)
    assert (state.next_epoch, state.best_epoch, state.history) == (0, -1, [])


def test_a_pause_keeps_what_is_done_of_the_epoch(folder):
    state = state_of()
    state.restore(folder)
    state.save_paused(folder, 2, EpochSoFar(3, 4.5, 6.0))
    again = state_of()
    again.restore(folder)
    assert (again.next_epoch, again.paused) == (2, EpochSoFar(3, 4.5, 6.0))


def test_other_settings_are_refused(folder):
    with pytest.raises(ValueError, match="holds a run with other settings; resume needs the same"):
        state_of(replace(SETTINGS, learning_rate=0.5)).restore(folder)


def test_settings_of_an_earlier_version_have_todays_defaults(folder):
    stored = load_checkpoint(folder / LAST)
    older = {k: v for k, v in stored["settings"].items() if k != "accumulation"}
    save_checkpoint(folder / LAST, {**stored, "settings": older})
    state = state_of()
    state.restore(folder)
    assert state.next_epoch == 2


def test_another_number_of_processes_is_refused(folder):
    with pytest.raises(ValueError, match="a run of 1 processes, these are 2; resume needs as many"):
        state_of(processes=2).restore(folder)


def test_biases_and_normalisation_do_not_decay():
    state = state_of()
    decaying, others = state.optimizer.param_groups
    assert (decaying["weight_decay"], others["weight_decay"]) == (0.1, 0.0)
    modules = list(state.model.modules())
    weights = [m.weight for m in modules if isinstance(m, nn.Conv2d | nn.Linear)]
    assert {id(p) for p in decaying["params"]} == {id(p) for p in weights}
    assert len(others["params"]) == len(list(state.model.parameters())) - len(weights)


def test_of_equal_scores_the_lower_loss_is_kept(tmp_path):
    state = state_of()
    rows = [(0.9, 0.5), (0.9, 0.3), (0.9, 0.4), (0.8, 0.1)]
    for number, (score, loss) in enumerate(rows):
        state.end_epoch(tmp_path, Epoch(number, 1.0, {"score": score, "loss": loss}, 1e-3, 2.0, 8))
    assert state.best_epoch == 1
    assert load_checkpoint(tmp_path / "best.safetensors")["epoch"] == 1
    best = best_epoch(state.history)
    assert best is not None and best.number == 1
