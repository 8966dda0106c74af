"""Hemadesk: ``streamlit run app.py``. The screens of ``screens.py``, behind a door that asks first.

The door is an ASGI middleware: who may not come in is turned away before Streamlit reads a byte.
"""

import os
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import Any

import streamlit as st
from streamlit import config
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
from core.settings import ROOT, settings

# Whatever the server writes is for the user of this installation alone.
os.umask(0o077)


def _subject(cookies: dict[str, str]) -> str | None:
    """The person of Streamlit's signed cookie of OpenID Connect."""
    return sign_in.subject_in_cookie(_get_signed_cookie_with_chunks(cookies, USER_COOKIE_NAME))


def _sessions_with_files() -> Collection[str]:
    return list(get_instance().uploaded_file_mgr.file_storage)  # type: ignore[attr-defined]


def _behind_door(inside: Any) -> tuple[Guard, BrowserTokens | None]:
    site = settings()
    tokens: BrowserTokens | None = None
    gate: gates.Gate
    try:
        how = sign_in.mode(st.get_option("server.address"))
    except ServingRefused as refusal:
        gate = gates.ClosedGate(str(refusal))
    else:
        if how == "local":
            tokens = BrowserTokens() if site.local_token == "once" else None
            gate = gates.LocalGate(tokens)
        elif how == "proxy":
            gate = gates.ProxyGate(site)
        else:
            gate = gates.OidcGate(site, _subject)
    quota = UploadQuota(
        per_person_mb=site.max_upload_mb_per_person,
        in_all_mb=site.max_upload_mb_in_all,
        sessions=_sessions_with_files,
    )
    door = Guard(
        inside,
        gate=gate,
        quota=quota,
        tokens=tokens,
        used=_show_address,
        public_address=site.public_address,
    )
    return door, tokens


def _show_address() -> None:
    """Print the address that lets the next browser in."""
    if _TOKENS is not None:
        host = st.get_option("server.address") or "127.0.0.1"
        address = address_with(_TOKENS.token, host, config.get_option("server.port"))
        print(f"  Open {address} in a browser of this computer; it lets one in.", flush=True)


@asynccontextmanager
async def _opening(_app: App) -> AsyncIterator[dict[str, Any]]:
    scratch.prepare(settings().var)
    _show_address()
    yield {}


# Streamlit looks for this assignment, and serves what the name stands for in the end.
app: Any = App(ROOT / "screens.py", lifespan=_opening)
app, _TOKENS = _behind_door(app)
