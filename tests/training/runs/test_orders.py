"""What a worker answers to its loop, and what it refuses before any data is read."""

import pytest
from sqlalchemy.exc import OperationalError

from core.access.people import Person
from core.store.runs import RunRefused
from core.training.loop.recipe import Progress
from core.training.loop.settings import LoopSettings
from core.training.runs import from_terminal, lifecycle
from core.training.runs.worker import _Pulse, wait_for_turn

ADA = Person("Ada", "trainer", "test:ada")
HALFWAY = Progress(1, 4, 5, 10, 0.3, 1e-3, 20.0)


@pytest.fixture
def run(own_var):
    """A run that this process has claimed."""
    queued = lifecycle.submit("wbc", own_var, LoopSettings(), {"start": "random"}, who=ADA)
    claimed = lifecycle.book().claim(1, "here", only=queued.id)
    assert claimed is not None
    return claimed


@pytest.mark.parametrize(
    ("action", "order"), [(None, "go"), ("pause", "pause"), ("stop", "leave"), ("discard", "leave")]
)
def test_a_persons_wish_reaches_the_loop_with_the_next_heartbeat(run, action, order):
    pulse = _Pulse(lifecycle.book(), run, print)
    assert pulse.order(HALFWAY) == "go"
    if action is not None:
        lifecycle.book().ask(run.id, action, "Ada")
    assert pulse.order(HALFWAY) == "go", "only memory is looked at"
    assert pulse.beat()
    assert pulse.order(HALFWAY) == order
    stored = lifecycle.book().get(run.id).progress
    assert stored is not None and (stored["batch"], stored["batches"]) == (5, 10)


def test_a_run_that_was_taken_away_is_left(run):
    pulse = _Pulse(lifecycle.book(), run, print)
    lifecycle.book().release(run.id, run.attempt, "failed", "taken by the test")
    assert not pulse.beat()
    assert pulse.disowned and pulse.order(HALFWAY) == "leave"


def test_a_database_that_is_away_for_a_while_ends_nothing(run):
    class Away:
        def beat(self, *_, **__):
            raise OperationalError("beat", {}, Exception("server closed the connection"))

    lines: list[str] = []
    pulse = _Pulse(Away(), run, lines.append)  # type: ignore[arg-type]  # the database fails
    assert pulse.beat() and pulse.order(HALFWAY) == "go"
    assert "no sign of life could be left" in lines[0]


def test_a_signals_pause_outlives_a_heartbeat_that_knows_nothing_of_it(run):
    pulse = _Pulse(lifecycle.book(), run, print)
    pulse.request = "pause"
    assert pulse.beat() and pulse.order(HALFWAY) == "pause"


def test_the_turn_ends_when_somebody_stops_the_run(own_var):
    queued = lifecycle.submit("wbc", own_var, LoopSettings(), {"start": "random"}, who=ADA)
    lifecycle.book().ask(queued.id, "discard", "Ada")
    assert wait_for_turn(queued, lambda: None, every_s=0) is None


def test_a_process_that_comes_too_late_trains_nothing(run, capsys):
    assert from_terminal.work_on(run.id, run.attempt + 1) == 1
    assert "it was taken back before this process began" in capsys.readouterr().out
    assert lifecycle.book().get(run.id).state == "running"


def test_a_run_of_another_recipe_is_not_gone_on_with(run):
    with pytest.raises(RunRefused, match=f"run {run.name} trains wbc, not locator"):
        from_terminal.go_on("locator", run.name, None)
