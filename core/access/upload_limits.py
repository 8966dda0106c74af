"""The largest file that the page of each window asks for, so that nobody sends more to it.

Streamlit's address of an upload names the window and the file, not the widget. What is known is the
page that the window shows, and that page says the limit of every widget it draws.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

MIB: Final = 1024 * 1024
"""What Streamlit's widgets mean by a megabyte."""
_FORM: Final = 64 * 1024
"""Room for what a browser's form puts round the file."""


@dataclass
class _Window:
    page: str
    largest_mb: int = 0


class UploadLimits:
    """By session: which page it shows and the largest file that one of its widgets takes."""

    def __init__(self, *, is_open: Callable[[str], bool]) -> None:
        """``is_open``: whether a session still has a browser."""
        self._is_open = is_open
        self._windows: dict[str, _Window] = {}
        self._lock = threading.Lock()

    def enter_page(self, session: str, page: str) -> None:
        """A session draws a page. Drawn again it keeps its limit: files may be on their way."""
        with self._lock:
            window = self._windows.get(session)
            if window is None:
                self._windows = {one: w for one, w in self._windows.items() if self._is_open(one)}
            if window is None or window.page != page:
                self._windows[session] = _Window(page)

    def allow(self, session: str, largest_mb: int) -> None:
        """A widget of the page takes files of up to so many megabytes."""
        with self._lock:
            window = self._windows.setdefault(session, _Window(""))
            window.largest_mb = max(window.largest_mb, largest_mb)

    def largest_bytes(self, session: str) -> int:
        """Most that one request of the session may hold; 0 where its page asks for no file."""
        with self._lock:
            window = self._windows.get(session)
            largest = window.largest_mb if window else 0
        return largest * MIB + _FORM if largest else 0
