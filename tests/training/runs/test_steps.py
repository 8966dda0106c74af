"""What a run leaves between two epochs: steps, phases, and how they are thinned and smoothed."""

import pytest

from core.training.runs.steps import (
    STEPS,
    LiveFiles,
    Phase,
    Phases,
    Step,
    read_phases,
    read_steps,
    smoothed,
    steps_csv,
    thinned,
)


def step(epoch, batch, loss=1.0):
    return Step(epoch, batch, 4, loss, 1e-3, 2.0, 30.0)


def test_steps_are_read_as_they_were_written(tmp_path):
    files = LiveFiles(tmp_path)
    assert read_steps(tmp_path) == []
    for batch in (1, 2):
        files.step(step(1, batch))
        files.write()
    assert read_steps(tmp_path) == [step(1, 1), step(1, 2)]
    assert [one.epochs for one in read_steps(tmp_path)] == [0.25, 0.5]
    assert steps_csv([step(1, 1)]).splitlines()[1] == "1,1,4,1.0,0.001,2.0,30.0"


def test_after_a_kill_the_repeated_step_counts_once_and_a_cut_line_not(tmp_path):
    files = LiveFiles(tmp_path)
    for one in (step(1, 1), step(1, 2, 9.0), step(1, 3, 9.0)):
        files.step(one)
    files.write()
    with (tmp_path / STEPS).open("a") as handle:
        handle.write("1,4,4,0.5")  # killed while it wrote
        handle.write("\n")
    again = LiveFiles(tmp_path)
    again.step(step(1, 2, 3.0))
    again.write()
    assert [one.loss for one in read_steps(tmp_path)] == [1.0, 3.0, 9.0]


def test_time_goes_to_the_phase_in_which_it_was_spent(tmp_path):
    now = [0.0]
    files = LiveFiles(tmp_path, lambda: now[0])
    order: list[tuple[float, Phase | None]] = [
        (3, "training"),
        (10, "validating"),
        (12, "training"),
        (20, None),
    ]
    for at, phase in order:
        now[0] = at
        files.enter(phase)
        files.enter(phase)
    now[0] = 99
    files.write()
    assert read_phases(tmp_path) == Phases(
        None, {"reading": 3.0, "training": 15.0, "validating": 2.0}
    )
    assert read_phases(tmp_path / "elsewhere") is None


def test_smoothing_keeps_a_constant_and_none_changes_nothing():
    assert smoothed([2.0] * 5, 0.9) == pytest.approx([2.0] * 5)
    assert smoothed([1.0, 5.0, 2.0], 0.0) == [1.0, 5.0, 2.0]
    # By hand: (0.5*0 + 0.5*4) / (1 - 0.5) = 4, then (0.5*2 + 0.5*1) / (1 - 0.25) = 2.
    assert smoothed([4.0, 1.0], 0.5) == pytest.approx([4.0, 2.0])


def test_thinned_steps_are_means_and_keep_the_last():
    many = [step(1 + i // 4, 1 + i % 4, float(i)) for i in range(100)]
    few = thinned(many, 10)
    assert len(few) == 10
    assert few[0].loss == pytest.approx(4.5)
    assert (few[-1].epoch, few[-1].batch) == (25, 4)
    assert thinned(many[:3], 10) == many[:3]
