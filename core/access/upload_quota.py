"""How much may lie in memory of what people have sent: in all, of one person, and in one file.

Streamlit keeps an upload in memory until its session ends or the file is taken away.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, MutableMapping
from dataclasses import dataclass
from typing import Any, Final

from core.access.request import Receive, Request, TurnedAway
from core.access.upload_limits import MIB

_MEGA: Final = 1_000_000


@dataclass
class _Sent:
    person: str
    session: str
    bytes: int
    complete: bool = False


class UploadQuota:
    """Counts what arrives, and stops an upload that would go over a limit."""

    def __init__(
        self,
        *,
        per_person_mb: float,
        in_all_mb: float,
        sessions: Callable[[], Collection[str]],
        largest_bytes: Callable[[str], float] = lambda _session: math.inf,
    ) -> None:
        """Make it.

        Args:
            per_person_mb: megabytes of one person.
            in_all_mb: megabytes of all together.
            sessions: those whose uploads Streamlit still holds.
            largest_bytes: the largest request of a session, by what its page asks for.
        """
        self._largest = largest_bytes
        self._per_person, self._in_all = per_person_mb * _MEGA, in_all_mb * _MEGA
        self._sessions = sessions
        self._sent: dict[str, _Sent] = {}

    def counted(self, request: Request, person: str, receive: Receive) -> Receive:
        """``receive`` of an upload, which stops at a limit.

        Raises:
            TurnedAway: 413, before a byte is read, if the length that is announced is too much.
        """
        self._drop_ended()
        key, session = request.path, _session_of(request.path)
        self._sent.pop(key, None)
        announced = _announced(request)
        self._check_file(session, announced)
        self._check(person, announced)
        one = self._sent[key] = _Sent(person, session, 0)

        async def counting() -> MutableMapping[str, Any]:
            message = await receive()
            if message["type"] == "http.request":
                length = len(message.get("body", b""))
                try:
                    self._check_file(session, one.bytes + length)
                    self._check(person, length)
                except TurnedAway:
                    self._sent.pop(key, None)
                    raise
                one.bytes += length
                one.complete = not message.get("more_body")
            elif not one.complete:  # the sender has gone
                self._sent.pop(key, None)
            return message

        return counting

    def forget(self, path: str) -> None:
        """A file was taken away by the browser."""
        self._sent.pop(path, None)

    def _check_file(self, session: str, length: int) -> None:
        largest = self._largest(session)
        if length <= largest and largest:
            return
        raise TurnedAway(
            413,
            f"The page takes files of up to {largest / MIB:.0f} MB."
            if largest
            else "The page takes no file. Open it again if it shows where to send one.",
        )

    def _check(self, person: str, more: int) -> None:
        own = sum(one.bytes for one in self._sent.values() if one.person == person)
        every = sum(one.bytes for one in self._sent.values())
        if own + more > self._per_person:
            raise TurnedAway(
                413,
                f"You have more than {self._per_person / _MEGA:.0f} MB of files open. Close other "
                "windows of Hemadesk, or take files away, and send this one again.",
            )
        if every + more > self._in_all:
            raise TurnedAway(413, "Too many files are open at this site. Try again later.")

    def _drop_ended(self) -> None:
        alive = self._sessions()
        for key, one in list(self._sent.items()):
            if one.complete and one.session not in alive:
                del self._sent[key]


def _session_of(path: str) -> str:
    """``/_stcore/upload_file/SESSION/FILE``."""
    parts = path.split("/")
    return parts[-2] if len(parts) > 2 else ""


def _announced(request: Request) -> int:
    length = request.only("content-length") or "0"
    if not length.isdecimal() or len(length) > 18:
        raise TurnedAway(400, "The length of the upload is no number.")
    return int(length)
