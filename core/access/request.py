"""A request as the server's ASGI scope holds it, and why one is turned away."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

# Any: the values of an ASGI scope and message are of many types;
# https://asgi.readthedocs.io names them.
Scope = Mapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_SAFE: Final = ("GET", "HEAD", "OPTIONS")


class TurnedAway(Exception):
    """A request that is not answered. ``message`` is one sentence for the person who sent it.

    ``link``: an address of this site and its words, where the person can go on from there.
    """

    def __init__(self, status: int, message: str, link: tuple[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.link = status, message, link


@dataclass(frozen=True)
class Request:
    """What the gates ask of a request: an HTTP request, or one that opens a websocket."""

    scope: Scope

    @property
    def is_websocket(self) -> bool:
        return bool(self.scope["type"] == "websocket")

    @property
    def method(self) -> str:
        return str(self.scope.get("method", "GET"))

    @property
    def changes_something(self) -> bool:
        """Whether another site could do harm by letting a browser send it."""
        return self.is_websocket or self.method not in _SAFE

    @property
    def path(self) -> str:
        return str(self.scope["path"])

    @property
    def peer(self) -> str | None:
        """Address of the sender; None over a Unix socket."""
        client = self.scope.get("client")
        return str(client[0]) if client else None

    @property
    def port(self) -> int:
        server = self.scope.get("server")
        return int(server[1] or 0) if server else 0

    def headers(self) -> Iterable[tuple[str, str]]:
        """Names in small letters with their values, repeated ones too."""
        for name, value in self.scope["headers"]:
            yield name.decode("latin-1").lower(), value.decode("latin-1")

    def values(self, name: str) -> list[str]:
        """All values of a header."""
        return [value for known, value in self.headers() if known == name.lower()]

    def only(self, name: str) -> str | None:
        """The value of a header that may stand once; None without it.

        Raises:
            TurnedAway: if it stands several times.
        """
        values = self.values(name)
        if len(values) > 1:
            raise TurnedAway(400, f"The request has the header {name} twice.")
        return values[0] if values else None

    def cookies(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for value in self.values("cookie"):
            try:
                found |= {name: one.value for name, one in SimpleCookie(value).items()}
            except CookieError:
                continue
        return found

    def query(self, name: str) -> str | None:
        """A value of the address behind the question mark; None unless it stands once."""
        values = parse_qs(self.scope.get("query_string", b"").decode("latin-1")).get(name, [])
        return values[0] if len(values) == 1 else None


def host_of(netloc: str) -> str:
    """``[::1]`` of ``[::1]:8501``, ``127.0.0.1`` of ``127.0.0.1:8501``; "" for nonsense."""
    try:
        name = urlsplit(f"//{netloc}").hostname
    except ValueError:
        return ""
    return (name or "").lower()
