"""Whose picture is next: one at a time, by turns of those who sent some."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import anyio

_MOST_WAITING: Final = 64


class Busy(Exception):
    """Too many requests wait already; ``waiting`` says how many."""

    def __init__(self, waiting: int) -> None:
        super().__init__(
            f"{waiting} requests are waiting for the models: send this one again later."
        )
        self.waiting = waiting


class Turns:
    """A queue in the order of asking. A request of many pictures asks for each of them anew.

    So whoever sends one picture waits for one picture of every other request, not for all of them.
    """

    def __init__(self, most_waiting: int = _MOST_WAITING) -> None:
        self._most = most_waiting
        self._lock = anyio.Lock()  # hands over in the order of asking
        self._requests = 0

    @property
    def waiting(self) -> int:
        """Requests that are being answered or wait."""
        return self._requests

    @asynccontextmanager
    async def request(self) -> AsyncIterator[None]:
        """A request with pictures. Raises Busy where too many wait."""
        if self._requests >= self._most:
            raise Busy(self._requests)
        self._requests += 1
        try:
            yield
        finally:
            self._requests -= 1

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """The models, for one picture."""
        async with self._lock:
            yield
