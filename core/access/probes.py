"""``/healthz`` and ``/metrics``: what machines that watch a site may ask without a person.

``/healthz`` says to anybody whether each part is well, by its name and nothing else. ``/metrics``
is for those who know the administrator's token; at a computer of one person it is theirs.
"""

import hmac
import json
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from anyio import to_thread

from core.access.gates import Gate
from core.access.request import Request, TurnedAway

_HEALTH: Final = "/healthz"
_METRICS: Final = "/metrics"
_KEPT_S: Final = 5.0
"""An answer is given again for so long: whoever asks a thousand times makes no work."""


class Probes:
    """Answers both addresses. What they ask runs in a thread, for a database may be slow."""

    def __init__(
        self,
        *,
        health: Callable[[], dict[str, bool]],
        metrics: Callable[[], str],
        token: str,
        by_gate: bool,
    ) -> None:
        """Make them.

        Args:
            health: part -> is it well.
            metrics: the figures in Prometheus's text form.
            token: what lets somebody read the figures; "" for nobody.
            by_gate: whoever the gate lets in may read them too.
        """
        self._health, self._metrics = health, metrics
        self._token, self._by_gate = token.encode(), by_gate
        self._last: tuple[float, dict[str, bool]] | None = None

    def know(self, request: Request) -> bool:
        """Whether a request is for one of the two."""
        return not request.is_websocket and request.path in (_HEALTH, _METRICS)

    async def answer(
        self,
        request: Request,
        send: Callable[[MutableMapping[str, Any]], Awaitable[None]],
        gate: Gate,
    ) -> None:
        """Answer it. Raises TurnedAway for figures that the sender may not read."""
        if request.method not in ("GET", "HEAD"):
            raise TurnedAway(405, "This address can be read only.")
        if request.path == _METRICS:
            self._check(request, gate)
            text = await to_thread.run_sync(self._metrics)
            await _send(send, 200, b"text/plain; version=0.0.4; charset=utf-8", text)
            return
        parts = await to_thread.run_sync(self._health_now)
        well = all(parts.values())
        words = {name: "ok" if fine else "fault" for name, fine in parts.items()}
        text = json.dumps({"status": "ok" if well else "fault", **words}) + "\n"
        await _send(send, 200 if well else 503, b"application/json", text)

    def _health_now(self) -> dict[str, bool]:
        now = time.monotonic()
        if self._last is None or now - self._last[0] > _KEPT_S:
            self._last = now, self._health()
        return self._last[1]

    def _check(self, request: Request, gate: Gate) -> None:
        kind, _, token = (request.only("authorization") or "").partition(" ")
        given = kind.lower() == "bearer" and hmac.compare_digest(token.encode(), self._token)
        if self._token and given:
            return
        if not self._by_gate:
            raise TurnedAway(401, "Send HEMADESK_METRICS_TOKEN as Authorization: Bearer TOKEN.")
        gate.check(request)


async def _send(
    send: Callable[[MutableMapping[str, Any]], Awaitable[None]], status: int, kind: bytes, text: str
) -> None:
    headers = [(b"content-type", kind), (b"cache-control", b"no-store"), (b"x-hemadesk", b"1")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text.encode()})
