"""The door in front of the app: an ASGI middleware that asks who somebody is before anything else.

It turns away what a gate does not let through, adds the headers that browsers keep to, and makes
the public address the one that the app sees.
"""

from __future__ import annotations

import html
from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import urlencode, urlsplit

from core.access.browser_token import BrowserTokens
from core.access.gates import HEALTH, UPLOADS, Gate, check_path, cookie_name
from core.access.probes import Probes
from core.access.request import Message, Receive, Request, Scope, Send, TurnedAway
from core.access.upload_quota import UploadQuota

AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]

_POLICY: Final = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
    "media-src 'self' blob:; worker-src 'self' blob:; connect-src 'self' data: blob:; "
    "frame-src 'self' blob: data:; object-src 'none'; base-uri 'self'; form-action 'self'; "
    "frame-ancestors "
)
"""Streamlit's page needs inline styles and builds functions; nothing comes from another server."""
_HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"permissions-policy", b"geolocation=(), microphone=(), payment=(), usb=()"),
    (b"cross-origin-opener-policy", b"same-origin"),
)
_COMPONENTS: Final = "/component/"
"""Parts of a screen that Streamlit shows in frames of its own."""


class Guard:
    """Asks ``gate`` about every request, then lets ``app`` answer."""

    def __init__(
        self,
        app: AsgiApp,
        *,
        gate: Gate,
        quota: UploadQuota,
        tokens: BrowserTokens | None = None,
        used: Callable[[], None] = lambda: None,
        public_address: str = "",
        probes: Probes | None = None,
    ) -> None:
        """Make the door.

        Args:
            app: what stands behind it.
            gate: who is let through.
            quota: how much one person, and all together, may have sent.
            tokens: the one-time tokens of local mode; None where there are none.
            used: called after a token was used, to show the next one.
            public_address: at which people open this site, with its scheme; "" for its own.
            probes: what answers ``/healthz`` and ``/metrics``; None where nothing does.
        """
        self._app, self._gate, self._quota = app, gate, quota
        self._tokens, self._used = tokens, used
        self._public = urlsplit(public_address)
        self._probes = probes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        answer = self._with_headers(request, send)
        try:
            if self._probes is not None and self._probes.know(request):
                await self._probes.answer(request, answer, self._gate)
                return
            check_path(request)
            cookie = self._exchanged(request)
            if cookie is not None:
                await _redirect(request, answer, cookie)
                return
            subject = self._gate.check(request)
            if request.path.startswith(UPLOADS) and request.method == "PUT":
                receive = self._quota.counted(request, subject, receive)
            elif request.path.startswith(UPLOADS) and request.method == "DELETE":
                self._quota.forget(request.path)
            await self._app(self._as_public(request), receive, answer)
        except TurnedAway as refusal:
            await _refuse(request, refusal, answer)

    def _exchanged(self, request: Request) -> str | None:
        """A cookie for the token in the address; None where there is none or it is not right."""
        token = request.query("token")
        if self._tokens is None or token is None or request.method != "GET":
            return None
        cookies = request.cookies()
        if self._tokens.knows(cookies.get(cookie_name(request.port))):
            return cookies[cookie_name(request.port)]
        # Only a browser that stands where the token is valid may use it up.
        self._gate_without_token(request)
        cookie = self._tokens.exchange(token)
        if cookie is not None:
            self._used()
        return cookie

    def _gate_without_token(self, request: Request) -> None:
        try:
            self._gate.check(request)
        except TurnedAway as refusal:
            if refusal.status != 401:
                raise

    def _as_public(self, request: Request) -> Scope:
        """The request as the public address would have sent it.

        Streamlit compares Origin with Host, and looks its own public address up at another server
        where they differ; a proxy may have put its own name there.
        """
        netloc = self._public.netloc.encode()
        origin = request.only("origin")
        if not netloc or origin is None:
            return request.scope
        headers = [(n, v) for n, v in request.scope["headers"] if n.lower() != b"host"]
        return {**request.scope, "headers": [*headers, (b"host", urlsplit(origin).netloc.encode())]}

    def _with_headers(self, request: Request, send: Send) -> Send:
        ancestors = b"'self'" if request.path.startswith(_COMPONENTS) else b"'none'"
        own = [*_HEADERS, (b"content-security-policy", _POLICY.encode() + ancestors)]
        if not request.path.startswith(_COMPONENTS):
            own.append((b"x-frame-options", b"DENY"))
        is_secure = self._public.scheme == "https"
        if is_secure:
            own.append((b"strict-transport-security", b"max-age=31536000"))
        replaced = {name for name, _ in own}

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                kept = [
                    (name, _secure(name, value) if is_secure else value)
                    for name, value in message.get("headers", ())
                    if name.lower() not in replaced
                ]
                message = {**message, "headers": [*kept, *own]}
            await send(message)

        return answer


def _secure(name: bytes, value: bytes) -> bytes:
    """A cookie that is sent over TLS only."""
    if name.lower() != b"set-cookie" or b"; secure" in value.lower():
        return value
    return value + b"; Secure"


async def _redirect(request: Request, send: Send, cookie: str) -> None:
    """To the same address without the token, so that it stays in no history."""
    query = request.scope.get("query_string", b"").decode("latin-1")
    left = [part for part in query.split("&") if part and not part.startswith("token=")]
    # Never begins with two slashes, which would be an address at another server.
    target = "/" + request.path.lstrip("/\\") + ("?" + "&".join(left) if left else "")
    value = f"{cookie_name(request.port)}={cookie}; Path=/; HttpOnly; SameSite=Strict"
    headers = [
        (b"location", target.encode("latin-1", "replace")),
        (b"set-cookie", value.encode()),
        (b"cache-control", b"no-store"),
    ]
    await send({"type": "http.response.start", "status": 303, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


async def _refuse(request: Request, refusal: TurnedAway, send: Send) -> None:
    if request.is_websocket:
        await send({"type": "websocket.close", "code": 1008, "reason": refusal.message[:100]})
        return
    page = (
        "<!doctype html><html lang=en><meta charset=utf-8><title>Hemadesk</title>"
        "<body style='font-family:sans-serif;margin:4rem auto;max-width:40rem'><h1>Hemadesk</h1>"
        f"<p>{html.escape(refusal.message)}</p>{_linked(refusal)}</body></html>"
    )
    headers = [
        (b"content-type", b"text/html; charset=utf-8"),
        (b"cache-control", b"no-store"),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": page.encode()})


def _linked(refusal: TurnedAway) -> str:
    if refusal.link is None:
        return ""
    address, words = refusal.link
    return f"<p><a href='{html.escape(address)}'>{html.escape(words)}</a></p>"


def address_with(token: str, host: str, port: int) -> str:
    """What is printed for the person at this computer."""
    return f"http://{host}:{port}/?{urlencode({'token': token})}"


__all__ = ["HEALTH", "Guard", "address_with"]
