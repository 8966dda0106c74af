"""Start processes of this installation that go on when their parent ends."""

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
    lock: IO[bytes] | None = None,
    after: Callable[["subprocess.Popen[bytes]"], object] = lambda process: process.wait(),
) -> "subprocess.Popen[bytes]":
    """Run ``python -m MODULE ARGUMENTS`` in a new session, which outlives the app.

    Args:
        module: name of the module and its arguments.
        log: file to which its output is appended.
        lock: open lock file that the process inherits, and so holds as long as it lives.
        after: called in a thread; must wait for the process, since an ended child that nobody
            waited for stays in the process table.
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


def end_of(log: Path, last_bytes: int) -> str:
    """The last bytes of a log as text; empty if there is no log."""
    if not log.is_file():
        return ""
    with log.open("rb") as handle:
        handle.seek(max(0, log.stat().st_size - last_bytes))
        return handle.read().decode("utf-8", "replace")


def _environment() -> dict[str, str]:
    """This process's environment, with its folders as absolute paths and its database."""
    site = settings()
    paths = {"DATA": site.data, "WEIGHTS": site.weights, "VAR": site.var}
    variables = {f"HEMADESK_{name}": str(path.resolve()) for name, path in paths.items()}
    return {**os.environ, **variables, "HEMADESK_DATABASE_URL": site.database_url}
