"""Who asks: the gates of the screens, answered in JSON, and the person whom they let in."""

import json
from collections.abc import Awaitable, Callable
from typing import Any, Final

from core.access import sign_in
from core.access.gates import Gate
from core.access.people import LOCAL_SUBJECT, Person
from core.access.request import Receive, Request, Scope, Send, TurnedAway
from core.access.sign_in import SignInRefused
from core.review.record import roster
from core.review.record.review_store import review_store
from core.store.database import DatabaseRefused

# Any: frameworks type the scope and the messages more narrowly than ASGI does.
AsgiApp = Callable[[Any, Any, Any], Awaitable[None]]

HEALTH: Final = "/healthz"
SUBJECT: Final = "hemadesk_subject"
"""Under which the ASGI scope names who was let in."""


class Entrance:
    """Asks the gate about every request, and how long its body is, before the app reads a byte.

    Args:
        app: what stands behind it.
        gate: who is let in; ``/healthz`` answers everybody, and says nothing else.
        most_bytes: longest body.
    """

    def __init__(self, app: AsgiApp, gate: Gate, most_bytes: int) -> None:
        self._app, self._gate, self._most = app, gate, most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        request = Request(scope)
        try:
            if request.path != HEALTH:
                self._check_length(request)
                scope = {**scope, SUBJECT: self._gate.check(request)}
        except TurnedAway as refusal:
            await _refuse(refusal, send)
            return
        await self._app(scope, receive, send)

    def _check_length(self, request: Request) -> None:
        if request.method in ("GET", "HEAD", "OPTIONS"):
            return
        announced = request.only("content-length")
        # The server itself stops a body that is longer than it said.
        if announced is None or not announced.isdecimal():
            raise TurnedAway(411, "Say how long the request is: Content-Length.")
        if int(announced) > self._most:
            raise TurnedAway(413, f"A request takes at most {self._most / 1e6:.0f} MB.")


def person_of(scope: Scope) -> Person:
    """Whom the entrance has let in; asked anew with each request, so a role that was taken is gone.

    Raises:
        TurnedAway: 403 for somebody who is not on this site's list, 503 where it cannot be read.
    """
    subject, request = str(scope[SUBJECT]), Request(scope)
    try:
        if subject == LOCAL_SUBJECT:
            return sign_in.local_person(request.values)
        return roster.welcome(review_store(), subject, subject)
    except SignInRefused as refusal:
        raise TurnedAway(403, str(refusal)) from refusal
    except DatabaseRefused as refusal:
        raise TurnedAway(503, f"The list of people cannot be read: {refusal}.") from refusal


def error_body(code: str, message: str) -> dict[str, dict[str, str]]:
    """What stands in every answer that is none: the same shape as a refused picture's."""
    return {"error": {"code": code, "message": message}}


async def _refuse(refusal: TurnedAway, send: Send) -> None:
    body = json.dumps(error_body("turned_away", refusal.message)).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        # What was announced is not read.
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
