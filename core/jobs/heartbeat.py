"""A call once a second from a thread of its own, so that a busy worker is seen to be alive."""

import threading
from collections.abc import Callable
from typing import Final, Self

BEAT_S: Final = 1.0


class Heartbeat:
    """Calls ``beat`` once a second in a thread while the ``with`` block runs.

    It stops early when ``beat`` returns False. The first call happens before the block starts, so
    that there is a heartbeat from the beginning.
    """

    def __init__(self, beat: Callable[[], bool]) -> None:
        self._beat = beat
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def __enter__(self) -> Self:
        if self._beat():
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._end.wait(BEAT_S):
            if not self._beat():
                return
