"""A run moves only as its state allows, whoever asks, on both databases."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import timedelta

import hypothesis
import pytest
from hypothesis import strategies as st

from core.store.runs import ACTIONS, ENDED, RESUMABLE, Epoch, RunBook, RunRefused
from tests.fixtures.paths import ROOT

NOW, LONG = timedelta(0), timedelta(hours=1)


def _values(name):
    return {
        "name": name,
        "recipe": "wbc",
        "title": name,
        "folder": f"runs/{name}",
        "data": "somewhere",
        "settings": {"epochs": 3},
        "options": {},
        "seed": 0,
        "code_version": "unknown",
    }


@pytest.fixture
def book(database):
    return RunBook(database)


def test_a_run_from_the_queue_to_its_end(book):
    run = book.add(_values("a"), "Ada")
    assert (run.state, run.created_by, run.settings) == ("queued", "Ada", {"epochs": 3})
    run = book.claim(1, "here")
    assert (run.state, run.attempt, run.host) == ("running", 1, "here")
    assert book.beat(run.id, 1, progress={"batch": 3}) is None
    assert book.get(run.id).progress == {"batch": 3}
    run = book.release(run.id, 1, "done", "", model_path="m.safetensors")
    assert (run.state, run.model_path) == ("done", "m.safetensors")
    assert run.ended_at is not None
    assert [event.became for event in book.events(run.id)] == ["queued", "running", "done"]


def test_one_at_a_time_in_the_order_of_asking(book):
    first, second, third = (book.add(_values(name), "Ada") for name in "abc")
    assert book.claim(1, "here", only=second.id) is None, "the second must not go before the first"
    assert book.claim(1, "here").id == first.id
    assert book.claim(1, "here") is None
    assert book.claim(2, "here").id == second.id
    book.release(first.id, 1, "paused", "")
    book.ask(first.id, "resume", "Ada")
    book.release(second.id, 1, "done", "")
    assert book.claim(1, "here").id == third.id, "who resumes goes to the end of the queue"


def test_requests_reach_the_worker_and_end_with_it(book):
    run = book.add(_values("a"), "Ada")
    book.claim(1, "here")
    assert book.ask(run.id, "pause", "Ada").state == "running"
    assert book.beat(run.id, 1) == "pause"
    book.ask(run.id, "stop", "Ada")
    assert book.beat(run.id, 1) == "stop", "the last word counts"
    assert book.release(run.id, 1, "stopped", "").request is None


def test_stopping_what_no_process_holds_queues_it_with_the_request(book):
    run = book.add(_values("a"), "Ada")
    book.claim(1, "here")
    book.release(run.id, 1, "paused", "")
    assert book.ask(run.id, "stop", "Ada").state == "queued"
    assert book.claim(1, "here").request == "stop"


def test_a_process_that_is_slow_to_start_is_not_lost(book):
    run = book.add(_values("a"), "Ada")
    book.claim(1, "here")
    assert book.mark_lost(-LONG, starting=LONG) == []
    book.beat(run.id, 1, process=42)  # its first sign: from now on silence counts
    assert [lost.id for lost in book.mark_lost(-LONG, starting=LONG)] == [run.id]
    again = book.add(_values("b"), "Ada")
    book.claim(1, "here", only=again.id)
    dead = book.mark_lost(LONG, {(again.id, 1)}, LONG)
    assert [lost.id for lost in dead] == [again.id], "a process known to be dead needs no waiting"


def test_a_worker_declared_lost_can_change_nothing(book):
    run = book.add(_values("a"), "Ada")
    book.claim(1, "here")
    assert book.mark_lost(LONG) == []
    assert [lost.state for lost in book.mark_lost(-LONG)] == ["lost"]
    book.ask(run.id, "resume", "Ada")
    assert book.claim(1, "there").attempt == 2
    for stale in (
        lambda: book.beat(run.id, 1),
        lambda: book.release(run.id, 1, "done", ""),
    ):
        with pytest.raises(RunRefused, match="no longer held"):
            stale()
    assert book.get(run.id).state == "running"


def test_an_epoch_gone_through_again_is_there_once(book):
    run = book.add(_values("a"), "Ada")
    rows = [Epoch(n, 1.0 / (n + 1), {"accuracy": 0.5}, 1e-3, 2.0, 8) for n in range(3)]
    for row in [*rows, rows[1]]:
        book.add_epoch(run.id, row)
    assert book.epochs(run.id) == rows[:2], "the epochs after it belong to the former life"
    book.set_epochs(run.id, rows)
    assert book.epochs(run.id) == rows


def test_what_is_no_number_is_left_out(book):
    run = book.add(_values("a"), "Ada")
    metrics = {"accuracy": 0.5, "recall_blast": float("nan"), "score": float("-inf")}
    book.add_epoch(run.id, Epoch(0, 1.0, metrics, 1e-3, 2.0, 8))
    assert book.epochs(run.id)[0].metrics == {"accuracy": 0.5}


def test_unknown_runs_and_double_names_are_refused(book):
    with pytest.raises(RunRefused, match="no run 77"):
        book.get(77)
    book.add(_values("a"), "Ada")
    with pytest.raises(Exception, match=r"(?i)unique"):
        book.add(_values("a"), "Ada")
    assert book.find("b") is None
    assert book.find("a").name == "a"


STEPS = st.lists(
    st.tuples(
        st.sampled_from([*ACTIONS, "add", "claim", "lost", "done", "failed", "obey"]),
        st.integers(0, 3),
    ),
    max_size=25,
)


@pytest.mark.parametrize("limit", [1, 2])
@hypothesis.settings(
    max_examples=15, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture]
)
@hypothesis.given(steps=STEPS)
def test_whatever_happens_in_whatever_order(book, limit, steps):
    """Never more at once than the limit; events form a chain; an ended run stays ended."""
    tag = len(book.all(discarded=True))
    numbers: list[int] = []
    for index, (step, which) in enumerate(steps):
        before = {number: book.get(number) for number in numbers}
        number = numbers[which % len(numbers)] if numbers else None
        if step == "add":
            numbers.append(book.add(_values(f"{tag}-{index}"), "Ada").id)
        elif step == "claim":
            book.claim(limit, "here")
        elif step == "lost":
            book.mark_lost(-LONG)
        elif number is None:
            continue
        elif step in ACTIONS:
            allowed = before[number].state in ACTIONS[step]
            if allowed:
                book.ask(number, step, "Ada")
            else:
                with pytest.raises(RunRefused):
                    book.ask(number, step, "Ada")
        elif before[number].state == "running":
            wish = before[number].request
            obeyed = {"pause": "paused", "stop": "stopped", "discard": "discarded", None: "done"}
            book.release(
                number, before[number].attempt, obeyed[wish] if step == "obey" else step, ""
            )
        for known, was in before.items():
            now = book.get(known)
            # What has ended stays so, but a person may delete it, and then it stays deleted.
            deleted = (step, known, now.state) == ("discard", number, "discarded")
            assert was.state not in ENDED or now.state == was.state or deleted
            assert now.attempt >= was.attempt
            assert now.request is None or now.state in ("running", "queued")
        assert sum(run.state == "running" for run in book.all()) <= limit
    for number in numbers:
        events = book.events(number)
        assert [e.was for e in events] == [None, *(e.became for e in events[:-1])]
        assert events[-1].became == book.get(number).state
    for run in book.all():  # the next example finds an empty queue
        if run.state == "running":
            book.release(run.id, run.attempt, "done", "")
        elif run.state not in ENDED:
            book.ask(run.id, "discard", "Ada")


def test_every_state_can_be_left_or_is_an_end():
    assert not RESUMABLE & ENDED
    # What has ended can be deleted, and nothing else.
    assert all(not states & ENDED for action, states in ACTIONS.items() if action != "discard")
    assert ACTIONS["discard"] & ENDED == {"done", "stopped"}


CLAIMANT = """
import json, sys
from core.store.database import Database
from core.store.runs import RunBook
book = RunBook(Database(sys.argv[1]))
number = book.add({**json.loads(sys.argv[2]), "name": sys.argv[3]}, "Ada").id
claimed = []
for _ in range(20):
    run = book.claim(1, sys.argv[3])
    if run is not None:
        running = [other.id for other in book.all() if other.state == "running"]
        book.beat(run.id, run.attempt)
        claimed.append([run.id, running])
        book.release(run.id, run.attempt, "paused", "")
        book.ask(run.id, "resume", sys.argv[3])
print(json.dumps(claimed))
"""


def test_processes_at_once_on_a_new_database(url):
    """They migrate it together, and never does more than one hold a run."""
    command = [sys.executable, "-c", CLAIMANT, url, json.dumps(_values("x"))]
    processes = [
        subprocess.Popen(
            [*command, f"p{i}"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT
        )
        for i in range(4)
    ]
    claimed = []
    for process in processes:
        out, err = process.communicate()
        assert process.returncode == 0, err
        claimed += json.loads(out)
    assert claimed, "nobody ever got a turn"
    assert all(running == [number] for number, running in claimed)


def test_words_about_a_run_can_be_changed_and_its_events_say_what_it_was_called(book):
    run = book.add(_values("a"), "Ada")
    assert (run.note, run.tags) == (None, None)
    run = book.describe(run.id, "own cells", "slides of May", ["may", "gentle"], "Ben")
    assert (run.title, run.note, run.tags) == ("own cells", "slides of May", ["may", "gentle"])
    last = book.events(run.id)[-1]
    assert last.who == "Ben" and "called a before" in last.detail
    assert book.describe(run.id, "own cells", "", [], "Ben").tags is None


def test_a_run_that_has_ended_can_be_deleted(book):
    run = book.add(_values("a"), "Ada")
    book.claim(1, "here")
    book.release(run.id, 1, "done", "", model_path="m.safetensors")
    assert book.ask(run.id, "discard", "Ada").state == "discarded"
    assert book.all() == []
