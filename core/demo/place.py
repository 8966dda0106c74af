"""Where the demo lies and whether it is served: a folder below ``var`` and a process of its own.

The demo is another process than the server that starts it. Its settings name another folder and
another database, so that nothing of it can land among real cases, whatever anybody does in it.
"""

import os
import re
import shutil
import signal
import socket
import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from core.files import read_json_as, write_json
from core.jobs import folder_lock, processes
from core.settings import DEMO, settings

MARK: Final = "DEMO"
"""The file that says what a folder is: none without it is ever removed."""
_SERVED: Final = "served.json"
_LOG: Final = "demo.log"
_ADDRESS: Final = re.compile(r"Open (http://\S+) in a browser")
_PATIENCE_S: Final = 20.0


class DemoRefused(ValueError):
    """Something that cannot be done with the demo; the message says why."""


@dataclass(frozen=True)
class DemoState:
    """``is_running`` from the start of its process on, ``address`` once its screens answer.

    ``says`` is the last line of its log.
    """

    is_there: bool
    is_running: bool
    address: str | None
    says: str


@dataclass(frozen=True)
class _Served:
    """Where the demo's process serves."""

    port: int
    process: int


def folder() -> Path:
    """The demo's folder, of this installation or of the demo that asks."""
    site = settings()
    return site.var if site.is_demo else site.var / DEMO


def prepare() -> Path:
    """Make the folder and mark it.

    Raises:
        DemoRefused: if there is a folder of that name which is no demo.
    """
    place = folder()
    if place.is_dir() and any(place.iterdir()) and not (place / MARK).is_file():
        raise DemoRefused(f"{place} is not a demo and is left as it is; move it elsewhere")
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    (place / MARK).write_text("Invented cases, no patient's result. May be deleted.\n")
    return place


def start() -> None:
    """Fill and serve the demo in a process of its own; nothing happens if it runs already.

    Raises:
        DemoRefused: in a demo, or if its folder is something else.
    """
    if settings().is_demo:
        raise DemoRefused("this is the demo")
    place = prepare()
    try:
        lock = folder_lock.take(place)
    except BlockingIOError:
        return
    with lock:
        port = _free_port()
        (place / _LOG).unlink(missing_ok=True)
        process = processes.start(["core", "demo", "--port", str(port)], place / _LOG, lock=lock)
        write_json(place / _SERVED, {"port": port, "process": process.pid})


def state() -> DemoState:
    """How it is with the demo now."""
    place = folder()
    if not (place / MARK).is_file():
        return DemoState(False, False, None, "")
    running = folder_lock.is_held(place)
    log = processes.end_of(place / _LOG, 4000)
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    served = _served(place)
    address = _address(served.port, log) if running and served else None
    return DemoState(True, running, address, lines[-1] if lines else "")


def remove() -> None:
    """End the demo and delete everything that is in it.

    Raises:
        DemoRefused: if its process does not end, or the folder is no demo.
    """
    place = folder()
    if not place.is_dir():
        return
    if not (place / MARK).is_file():
        raise DemoRefused(f"{place} is not a demo and is left as it is")
    if not settings().is_demo and folder_lock.is_held(place):
        served = _served(place)
        if served is not None:
            os.kill(served.process, signal.SIGTERM)
        until = time.monotonic() + _PATIENCE_S
        while folder_lock.is_held(place):
            if time.monotonic() > until:
                raise DemoRefused("the demo's process does not end; end it and try again")
            time.sleep(0.1)
    shutil.rmtree(place, ignore_errors=settings().is_demo)


def _served(place: Path) -> _Served | None:
    try:
        return read_json_as(place / _SERVED, _Served)
    except ValueError:  # not written to its end
        return None


def end_soon(after_s: float = 2.0) -> None:
    """End this process, which serves a demo that was removed, once its last page is sent.

    Raises:
        DemoRefused: outside a demo.
    """
    if not settings().is_demo:
        raise DemoRefused("this is no demo")
    threading.Timer(after_s, os.kill, (os.getpid(), signal.SIGTERM)).start()


def _address(port: int, log: str) -> str | None:
    """Where it answers: with the one-time token that its log shows, where the site has these."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=10):
            pass
    except (urllib.error.URLError, OSError):
        return None
    shown = _ADDRESS.findall(log)
    return shown[-1] if shown else f"http://127.0.0.1:{port}"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
