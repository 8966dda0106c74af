"""The door in front of the app: who may not come in is turned away before Streamlit reads a byte.

It is an ASGI middleware; ``core.access`` decides, this file asks Streamlit what it must know.
"""

import logging
import os
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from functools import cache
from typing import Any
from urllib.parse import urlencode

import streamlit as st
from sqlalchemy.exc import SQLAlchemyError
from streamlit.auth_util import encode_provider_token
from streamlit.runtime import get_instance
from streamlit.starlette import App
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME
from streamlit.web.server.starlette.starlette_websocket import _get_signed_cookie_with_chunks

from core import log_file
from core.access import gates, sign_in
from core.access.browser_token import BrowserTokens
from core.access.guard import Guard, address_with
from core.access.probes import Probes
from core.access.sign_in import ServingRefused
from core.access.upload_quota import UploadQuota
from core.demo import place
from core.jobs import scratch
from core.review.record.review_store import review_store
from core.review.retention import erasing
from core.settings import settings
from core.store.database import DatabaseRefused, Unavailable
from pages.parts.upload_limits import LIMITS

# Whatever the server writes is for the user of this installation alone.
os.umask(0o077)


def _subject(cookies: dict[str, str]) -> str | None:
    """The person of Streamlit's signed cookie of OpenID Connect."""
    return sign_in.subject_in_cookie(_get_signed_cookie_with_chunks(cookies, USER_COOKIE_NAME))


def _way_in() -> str:
    """Where Streamlit's own button would lead; here no session is opened before the sign-in."""
    return f"/auth/login?{urlencode({'provider': encode_provider_token('default')})}"


def _sessions_with_files() -> Collection[str]:
    # Streamlit types its manager by a protocol that does not name the storage.
    return list(get_instance().uploaded_file_mgr.file_storage)  # type: ignore[attr-defined]


def guarded(inside: Any) -> Guard:
    """The app ``inside``, behind the door that this site's way of signing in needs."""
    _take_kept_settings()
    site = settings()
    gate: gates.Gate
    try:
        how = sign_in.mode(st.get_option("server.address"))
    except ServingRefused as refusal:
        gate = gates.ClosedGate(str(refusal))
    else:
        if how == "local":
            gate = gates.LocalGate(_tokens())
        elif how == "public":
            gate = gates.PublicGate()
        elif how == "proxy":
            gate = gates.ProxyGate(site)
        else:
            gate = gates.OidcGate(site, _subject, _way_in)
    quota = UploadQuota(
        per_person_mb=site.max_upload_mb_per_person,
        in_all_mb=site.max_upload_mb_in_all,
        sessions=_sessions_with_files,
        largest_bytes=LIMITS.largest_bytes,
    )
    return Guard(
        inside,
        gate=gate,
        quota=quota,
        tokens=_tokens(),
        used=_show_address,
        public_address=site.public_address,
        probes=Probes(
            health=_health,
            metrics=_metrics,
            token=site.metrics_token.get_secret_value(),
            by_gate=isinstance(gate, gates.LocalGate),
        ),
    )


def _take_kept_settings() -> None:
    """Settings that were changed on the page, for what is read at the start alone."""
    if settings().is_demo:  # its folder is not made yet: it is marked first, then filled
        return
    try:
        review_store()
    except (DatabaseRefused, Unavailable) as error:  # the screens say so, and wait
        logging.getLogger(__name__).warning("settings of the page were not read: %s", error)


@cache
def _tokens() -> BrowserTokens | None:
    """Those of this start of the server; None where nobody is let in by them."""
    try:
        is_local = sign_in.mode(st.get_option("server.address")) == "local"
    except ServingRefused:  # the door is closed, and says why
        return None
    return BrowserTokens() if is_local and settings().local_token == "once" else None


def _health() -> dict[str, bool]:
    # The networks are imported with it: not before the first question, in a thread of its own.
    from core.health import health

    found = health()
    for one in found:
        if one.fault:
            logging.getLogger(__name__).warning("%s: %s", one.part, one.fault)
    return {one.part: not one.fault for one in found}


def _metrics() -> str:
    from core.health import metrics

    return metrics()


def _show_address() -> None:
    """Print the address that lets the next browser in."""
    tokens = _tokens()
    if tokens is not None:
        host = st.get_option("server.address") or "127.0.0.1"
        address = address_with(tokens.token, host, st.get_option("server.port"))
        print(f"  Open {address} in a browser of this computer; it lets one in.", flush=True)


def _finish_erasing() -> None:
    """Remove what a process that died left of erased cases."""
    try:
        erasing.finish(review_store())
    except (DatabaseRefused, SQLAlchemyError, OSError, ValueError) as error:
        # The screens say what is wrong with the database; `cases verify` names files that stay.
        logging.getLogger(__name__).warning("erased cases were not looked through: %s", error)


@asynccontextmanager
async def opening(_app: App) -> AsyncIterator[dict[str, Any]]:
    """What happens once, when the server starts."""
    if settings().is_demo:
        # Marked before anything else is written there: a folder with files and no mark is no demo.
        place.prepare()
    scratch.prepare(settings().var)
    log_file.open_log(settings().var)
    if settings().is_demo:
        # Also where a host of demos starts the app by itself, without `make demo`.
        from core.demo import filling

        filling.ensure()
    _finish_erasing()
    _show_address()
    yield {}
