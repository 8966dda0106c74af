"""Limits of the widgets that take files, known to the door in front of the app."""

import math
from typing import Final

from streamlit.runtime import get_instance
from streamlit.runtime.scriptrunner import get_script_run_ctx

from core.access.upload_limits import UploadLimits


def _is_open(session: str) -> bool:
    return get_instance().is_active_session(session)


LIMITS: Final = UploadLimits(is_open=_is_open)
"""Of this server: written where a page is drawn, read by the door before it lets a file in."""


def enter_page(path: str) -> None:
    """Called by the navigation: what the page before asked for is not taken any more."""
    if context := get_script_run_ctx():
        LIMITS.enter_page(context.session_id, path)


def at_most(megabytes: float) -> int:
    """The ``max_upload_size`` of a widget, in whole megabytes; the door is told of it too.

    The widget itself has its limit checked in the browser only.
    """
    whole = math.ceil(megabytes)
    if context := get_script_run_ctx():
        LIMITS.allow(context.session_id, whole)
    return whole
