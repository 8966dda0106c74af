"""The one-time token in the printed address, which binds a browser to this start of the server.

Whoever else works on this computer, or a page in another tab, can reach the loopback address too;
the token is known to those who see the terminal.
"""

from __future__ import annotations

import hmac
import secrets
from threading import Lock


class BrowserTokens:
    """Tokens that are exchanged once for a cookie. A new one is made as soon as one was used."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._token = secrets.token_urlsafe(24)
        self._browsers: set[str] = set()

    @property
    def token(self) -> str:
        """The one that the next browser is let in with."""
        return self._token

    def exchange(self, token: str) -> str | None:
        """The value of a browser's cookie for the token; None if that is not the token."""
        with self._lock:
            if not hmac.compare_digest(token.encode(), self._token.encode()):
                return None
            self._token = secrets.token_urlsafe(24)
            cookie = secrets.token_urlsafe(32)
            self._browsers.add(cookie)
            return cookie

    def knows(self, cookie: str | None) -> bool:
        """Whether a cookie was given by this start of the server."""
        if cookie is None:
            return False
        sent = cookie.encode()
        return any(hmac.compare_digest(sent, one.encode()) for one in list(self._browsers))
