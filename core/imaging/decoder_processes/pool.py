"""Decoding processes that stay warm between pictures."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Final

from core.imaging.decoder_processes.child import Child
from core.imaging.decoder_processes.stop import current_stop

_STOP_SECONDS: Final = 0.5
"""How often a request that waits for a free process looks whether it was stopped."""


class Stopped(Exception):
    """A stop was asked for before a decoding process was free."""


class Pool:
    """Children that wait for work; as many as may work at once, started when they are needed."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._free: list[Child] = []
        self._all: set[Child] = set()
        self._starting = 0
        self._change = threading.Condition()

    @contextlib.contextmanager
    def child(self) -> Iterator[Child]:
        """A child for one request; nobody else has it meanwhile.

        Raises:
            OSError, ChildGone: if none can be started.
        """
        child = self._take()
        try:
            yield child
        finally:
            with self._change:
                if child.alive:
                    self._free.append(child)
                else:
                    self._drop(child)
                self._change.notify()

    def _drop(self, child: Child) -> None:
        self._all.discard(child)
        child.close()

    def _take(self) -> Child:
        with self._change:
            while True:
                while self._free:
                    child = self._free.pop()
                    if child.alive:
                        return child
                    self._drop(child)
                if len(self._all) + self._starting < self._most:
                    self._starting += 1
                    break
                # Whoever has a child gives it back within its time limit.
                self._change.wait(_STOP_SECONDS)
                stop = current_stop()
                if stop is not None and stop.is_set():
                    raise Stopped
        started = None
        try:
            started = Child()  # outside the lock: it takes a while
            return started
        finally:
            with self._change:
                self._starting -= 1
                if started is not None:
                    self._all.add(started)
                self._change.notify()

    def close(self) -> None:
        """End all children, those at work too."""
        with self._change:
            ending, self._free, self._all = list(self._all), [], set()
        for child in ending:
            child.close()

    def forget(self) -> None:
        """Close the pipes of all children, which belong to another process."""
        for child in self._all:
            child.forget()
