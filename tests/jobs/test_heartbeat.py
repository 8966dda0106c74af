"""The heartbeat is there before the work begins and stops when it is told to."""

import threading

from core.jobs import heartbeat
from core.jobs.heartbeat import Heartbeat


def test_it_beats_before_the_block_and_no_more_after_it(monkeypatch):
    monkeypatch.setattr(heartbeat, "BEAT_S", 0.001)
    beats, enough = [], threading.Event()

    def beat():
        beats.append(threading.current_thread().name)
        if len(beats) >= 4:
            enough.set()
        return True

    with Heartbeat(beat):
        assert beats[0] == threading.current_thread().name
        assert enough.wait(60)
    after = len(beats)
    assert set(beats[1:]) == {"heartbeat"}
    assert not any(thread.name == "heartbeat" for thread in threading.enumerate())
    assert len(beats) == after


def test_it_ends_where_beat_says_so(monkeypatch):
    monkeypatch.setattr(heartbeat, "BEAT_S", 0.001)
    beats: list[int] = []
    third = threading.Event()

    def beat():
        beats.append(1)
        if len(beats) == 3:
            third.set()
        return len(beats) < 3

    with Heartbeat(beat) as running:
        assert third.wait(60)
        running._thread.join(60)
        assert not running._thread.is_alive()
    assert len(beats) == 3


def test_refused_at_once_it_never_starts():
    beats: list[int] = []

    def beat():
        beats.append(1)
        return False

    with Heartbeat(beat) as running:
        assert not running._thread.is_alive()
    assert len(beats) == 1
