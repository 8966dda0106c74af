"""Processes of this installation that outlive whoever starts them."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

from core.settings import ROOT, settings


def start(
    module: Sequence[str],
    log: Path,
    lock: IO[str] | None = None,
    after: Callable[["subprocess.Popen[bytes]"], object] = lambda process: process.wait(),
) -> "subprocess.Popen[bytes]":
    """``python -m`` with these words in a session of its own: stopping the app does not reach it.

    Args:
        module: name of the module and its arguments.
        log: file to which everything it prints is added.
        lock: held from its first moment to its last, so that everybody sees that it lives.
        after: waits for it in a thread; who is not waited for stays in the process table.
    """
    with log.open("ab") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", *module],
            cwd=ROOT,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=() if lock is None else (lock.fileno(),),
        )
    threading.Thread(target=after, args=(process,), daemon=True).start()
    return process


def _environment() -> dict[str, str]:
    """What a process of this installation is told of it."""
    site = settings()
    paths = {"DATA": site.data, "WEIGHTS": site.weights, "VAR": site.var}
    told = {f"HEMADESK_{name}": str(path.resolve()) for name, path in paths.items()}
    return {**os.environ, **told, "HEMADESK_DATABASE_URL": site.database_url}
