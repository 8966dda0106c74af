"""The real app in a process of its own, and Chromium to drive it."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlparse

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_MS = 300_000
"""How long anything may take before it counts as hung; nothing is judged by its speed."""

expect.set_options(timeout=PATIENCE_MS)

QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
"""Chromium itself must ask nobody anything either."""


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of the running app."""
    with served(tmp_path_factory.mktemp("server") / "log.txt") as address:
        yield address


@contextmanager
def served(log: Path, **more: str) -> Iterator[str]:
    """The app in a process of its own, with ``more`` in its environment; gives its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)]
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=out, stderr=subprocess.STDOUT, env={**os.environ, **more}
        )
        try:
            _wait_for(f"http://127.0.0.1:{port}/_stcore/health", process, log)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(PATIENCE_MS / 1000)
    said = _LEFT_AT_ONCE.sub("", log.read_text(errors="replace"))
    assert "Traceback" not in said, said


_LEFT_AT_ONCE = re.compile(
    r"Exception in ASGI application\s+Traceback[^\n]*\n"
    r"[^\n]*in _websocket_endpoint\n\s+data = await websocket\.receive_bytes\(\)\n"
    r"(?:(?!Exception in ASGI application).)*?"
    r'Cannot call "send" once a close message has been sent\.\n',
    re.DOTALL,
)
"""What Streamlit's server writes when a window is closed while it sends to it: it waits for the
next message of a connection that is gone and closes it a second time. Nobody sees it."""


def _wait_for(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + PATIENCE_MS / 1000
    while time.monotonic() < until:
        assert process.poll() is None, log.read_text(errors="replace")
        try:
            with urllib.request.urlopen(address) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.2)
    raise AssertionError(f"{address} does not answer: {log.read_text(errors='replace')}")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The browser of the system; nothing is downloaded."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("no Chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(QUIET))
        yield browser
        browser.close()


def _is_error(message: ConsoleMessage) -> bool:
    """Opened at an address such as /review, Streamlit looks for its server there first."""
    probed = message.location.get("url", "").endswith(("/_stcore/health", "/_stcore/host-config"))
    return message.type == "error" and not probed


@pytest.fixture
def page(chromium: Browser, server: str) -> Iterator[Page]:
    """A fresh window, 1366 x 768. At its end: no error was logged and nobody else was asked."""
    context = chromium.new_context(
        viewport={"width": 1366, "height": 768},
        accept_downloads=True,
        reduced_motion="reduce",  # animations drawn without a graphics card starve the server
    )
    context.set_default_timeout(PATIENCE_MS)
    window = context.new_page()
    errors: list[str] = []
    asked: set[str] = set()
    window.on("console", lambda m: errors.append(m.text) if _is_error(m) else None)
    window.on("pageerror", lambda error: errors.append(str(error)))
    window.on("request", lambda request: asked.add(request.url))
    window.on("websocket", lambda socket: asked.add(socket.url))
    window.goto(f"{server}/analyse_smear")
    yield window
    context.close()
    home = urlparse(server).netloc
    elsewhere = {
        url
        for url in asked
        if not url.startswith(("data:", "blob:")) and urlparse(url).netloc != home
    }
    assert not elsewhere
    assert not errors
