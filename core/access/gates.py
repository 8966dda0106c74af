"""Who is let through to the app, decided before Streamlit sees a byte of a request.

``LocalGate``    loopback senders without a proxy between, and browsers that showed the token
``ProxyGate``    requests with the proxy's secret and one name
``PublicGate``   everybody, where a demo is shown to strangers
``OidcGate``     those who are signed in with OpenID Connect; everybody else is shown the way in
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, Protocol
from urllib.parse import urlsplit

from core.access.browser_token import BrowserTokens
from core.access.people import LOCAL_SUBJECT
from core.access.request import Request, TurnedAway, host_of
from core.access.sign_in import SignInExpired, SignInRefused, is_loopback, proxy_subject
from core.settings import Settings

HEALTH: Final = "/_stcore/health"
UPLOADS: Final = "/_stcore/upload_file/"
_OPEN_CORE: Final = re.compile(
    r"/_stcore/(health|host-config|stream|upload_file/.*|bidi-components/.*)$"
)
"""What the screen needs of Streamlit's own addresses; its metrics and the rest are closed."""
_FILES: Final = (UPLOADS, "/media/")
_SIGNING_IN: Final = ("/auth/login", "/auth/logout", "/oauth2callback")
"""Addresses of Streamlit by which a person comes back from the provider."""
_FORWARDED: Final = frozenset(
    {"forwarded", "via", "x-real-ip", "x-client-ip", "x-cluster-client-ip", "true-client-ip",
     "cf-connecting-ip", "x-original-host", "x-original-url", "x-rewrite-url", "x-host"}
)  # fmt: skip
_WELCOME: Final = (
    "Blood smears and palms, read by models and decided by people. Research use: a qualified "
    "person decides."
)
_FOREIGN: Final = "The request came from another site, and was not answered."


class Gate(Protocol):
    """Lets a request through, or raises :class:`TurnedAway`."""

    def check(self, request: Request) -> str:
        """Who sends it: the subject, or "" where the screen itself asks."""


def check_path(request: Request) -> None:
    """Raises TurnedAway for an address of Streamlit that no screen needs."""
    if "/_stcore/" in request.path and not _OPEN_CORE.search(request.path):
        raise TurnedAway(404, "There is nothing at this address.")


def check_origin(request: Request, public: str) -> None:
    """A browser says which site a request comes from: only this one may change anything.

    Args:
        request: the request.
        public: address at which people open this site, "" if it is the one it serves.

    Raises:
        TurnedAway: for another site's, also for a websocket that names none.
    """
    origin, host = request.only("origin"), request.only("host")
    if origin is None:
        if request.is_websocket:
            raise TurnedAway(403, _FOREIGN)
        return
    own = {netloc.lower() for netloc in (host, urlsplit(public).netloc) if netloc}
    if urlsplit(origin).netloc.lower() not in own:
        raise TurnedAway(403, _FOREIGN)


class LocalGate:
    """Whoever sits at this computer, in a browser that was opened with the printed address."""

    def __init__(self, tokens: BrowserTokens | None) -> None:
        """``tokens`` is None where the site has switched the token off."""
        self._tokens = tokens

    def check(self, request: Request) -> str:
        if not is_loopback(request.peer):
            raise TurnedAway(403, "Hemadesk answers this computer only.")
        for name, _ in request.headers():
            if name in _FORWARDED or name.startswith("x-forwarded"):
                raise TurnedAway(
                    403,
                    "A proxy has sent this request on, but no sign-in is set up, so nobody knows "
                    "who you are. Set HEMADESK_PROXY_HEADER and HEMADESK_PROXY_SECRET, or OpenID "
                    "Connect.",
                )
        # A name that another site made point to this computer is not one of these.
        if not is_loopback(host_of(request.only("host") or "")):
            raise TurnedAway(403, "Open Hemadesk at http://127.0.0.1 or http://localhost.")
        check_origin(request, "")
        if self._tokens is None or request.path == HEALTH:
            return LOCAL_SUBJECT
        if not self._tokens.knows(request.cookies().get(cookie_name(request.port))):
            raise TurnedAway(
                401,
                "Open the address that the terminal shows: it ends in ?token= and lets one browser "
                "in. The terminal shows a new one each time.",
            )
        return LOCAL_SUBJECT


def cookie_name(port: int) -> str:
    """Cookies do not tell ports apart, so that two installations need two names."""
    return f"hemadesk_{port}"


class ProxyGate:
    """What a proxy sends on that knows the secret and names one person."""

    def __init__(self, site: Settings) -> None:
        self._site = site

    def check(self, request: Request) -> str:
        if request.path == HEALTH:
            return ""
        try:
            subject = proxy_subject(request.values, self._site)
        except SignInRefused as refusal:
            raise TurnedAway(403, str(refusal)) from refusal
        check_host(request, self._site.public_address)
        check_origin(request, self._site.public_address)
        return subject


class OidcGate:
    """Those whose sign-in's cookie is signed and young enough; others see the way in."""

    def __init__(
        self,
        site: Settings,
        subject: Callable[[dict[str, str]], str | None],
        way_in: Callable[[], str],
    ) -> None:
        """Make it.

        Args:
            site: its public address.
            subject: the person of the sign-in's signed cookies, None if there is none.
            way_in: the address at this site that sends a person to the provider.
        """
        self._site, self._subject, self._way_in = site, subject, way_in

    def check(self, request: Request) -> str:
        if request.path == HEALTH:
            return ""
        check_host(request, self._site.public_address)
        check_origin(request, self._site.public_address)
        why, link = _WELCOME, ""
        try:
            subject = self._subject(request.cookies())
        except SignInExpired as refusal:
            subject, why = None, str(refusal)
        except SignInRefused as refusal:
            # The provider would send the same person again, so they leave it first.
            subject, why, link = None, str(refusal), "/auth/logout"
        if subject is not None:
            return subject
        if request.path in _SIGNING_IN and not request.is_websocket:
            return ""
        is_page = request.method == "GET" and not request.is_websocket
        if is_page and not request.path.startswith((*_FILES, "/_stcore/")):
            words = "Sign out" if link else "Sign in"
            raise TurnedAway(401, why, (link or self._way_in(), words))
        raise TurnedAway(401, "Sign in first.")


class PublicGate:
    """Everybody, to look at a demo: its store holds invented cases, and visitors change nothing."""

    def check(self, request: Request) -> str:
        check_origin(request, "")
        # Each session is a person of its own, or one visitor could use up the others' quota.
        return f"visitor {request.path.split('/')[-2]}" if UPLOADS in request.path else "visitor"


class ClosedGate:
    """Nobody: the settings do not say how people sign in."""

    def __init__(self, why: str) -> None:
        self._why = why

    def check(self, request: Request) -> str:
        if request.path == HEALTH:
            return ""
        raise TurnedAway(503, self._why)


def check_host(request: Request, public: str) -> None:
    """Only the public address is answered where one is set; a proxy may name the server itself.

    Raises:
        TurnedAway: for any other name.
    """
    host = host_of(request.only("host") or "")
    if public and host != host_of(urlsplit(public).netloc) and not is_loopback(host):
        raise TurnedAway(403, f"Open Hemadesk at {public}.")
