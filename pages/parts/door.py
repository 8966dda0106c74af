"""The door in front of the app: who may not come in is turned away before Streamlit reads a byte.

It is an ASGI middleware; ``core.access`` decides, this file asks Streamlit what it must know.
"""

import os
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from functools import cache
from typing import Any

import streamlit as st
from streamlit.runtime import get_instance
from streamlit.starlette import App
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME
from streamlit.web.server.starlette.starlette_websocket import _get_signed_cookie_with_chunks

from core.access import gates, sign_in
from core.access.browser_token import BrowserTokens
from core.access.guard import Guard, address_with
from core.access.sign_in import ServingRefused
from core.access.upload_quota import UploadQuota
from core.jobs import scratch
from core.settings import settings

# Whatever the server writes is for the user of this installation alone.
os.umask(0o077)


def _subject(cookies: dict[str, str]) -> str | None:
    """The person of Streamlit's signed cookie of OpenID Connect."""
    return sign_in.subject_in_cookie(_get_signed_cookie_with_chunks(cookies, USER_COOKIE_NAME))


def _sessions_with_files() -> Collection[str]:
    # Streamlit types its manager by a protocol that does not name the storage.
    return list(get_instance().uploaded_file_mgr.file_storage)  # type: ignore[attr-defined]


def guarded(inside: Any) -> Guard:
    """The app ``inside``, behind the door that this site's way of signing in needs."""
    site = settings()
    gate: gates.Gate
    try:
        how = sign_in.mode(st.get_option("server.address"))
    except ServingRefused as refusal:
        gate = gates.ClosedGate(str(refusal))
    else:
        if how == "local":
            gate = gates.LocalGate(_tokens())
        elif how == "proxy":
            gate = gates.ProxyGate(site)
        else:
            gate = gates.OidcGate(site, _subject)
    quota = UploadQuota(
        per_person_mb=site.max_upload_mb_per_person,
        in_all_mb=site.max_upload_mb_in_all,
        sessions=_sessions_with_files,
    )
    return Guard(
        inside,
        gate=gate,
        quota=quota,
        tokens=_tokens(),
        used=_show_address,
        public_address=site.public_address,
    )


@cache
def _tokens() -> BrowserTokens | None:
    """Those of this start of the server; None where nobody is let in by them."""
    try:
        is_local = sign_in.mode(st.get_option("server.address")) == "local"
    except ServingRefused:  # the door is closed, and says why
        return None
    return BrowserTokens() if is_local and settings().local_token == "once" else None


def _show_address() -> None:
    """Print the address that lets the next browser in."""
    tokens = _tokens()
    if tokens is not None:
        host = st.get_option("server.address") or "127.0.0.1"
        address = address_with(tokens.token, host, st.get_option("server.port"))
        print(f"  Open {address} in a browser of this computer; it lets one in.", flush=True)


@asynccontextmanager
async def opening(_app: App) -> AsyncIterator[dict[str, Any]]:
    """What happens once, when the server starts."""
    scratch.prepare(settings().var)
    _show_address()
    yield {}
