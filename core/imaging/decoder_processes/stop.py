"""A stop that also ends a picture that is being decoded."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from contextvars import ContextVar


class Stop:
    """Ends work in progress: like `threading.Event`, and a picture being decoded ends at once.

    Pictures read inside ``with stop.applies():`` are refused as ``stopped`` after `set`.
    """

    def __init__(self) -> None:
        self._set = False
        self._lock = threading.Lock()
        self._ends: set[Callable[[], None]] = set()

    def set(self) -> None:
        """Ask for the end. May be called from any thread, more than once."""
        with self._lock:
            self._set = True
            ends = list(self._ends)
        for end in ends:
            end()

    def is_set(self) -> bool:
        return self._set

    @contextlib.contextmanager
    def applies(self) -> Iterator[None]:
        """Pictures that this thread reads inside the block end with this stop."""
        token = _current.set(self)
        try:
            yield
        finally:
            _current.reset(token)

    @contextlib.contextmanager
    def calls(self, end: Callable[[], None]) -> Iterator[None]:
        """``end`` is called when the stop is set inside the block, or was set before it."""
        with self._lock:
            self._ends.add(end)
            is_set = self._set
        if is_set:  # set before the block: the lock makes sure that one of the two sees the other
            end()
        try:
            yield
        finally:
            with self._lock:
                self._ends.discard(end)


_current: ContextVar[Stop | None] = ContextVar("stop", default=None)


def current_stop() -> Stop | None:
    """The stop that applies to this thread."""
    return _current.get()
