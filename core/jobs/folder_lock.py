"""A folder that one process works in, held by a lock that the system lets go of when it dies."""

import fcntl
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, Final

_LOCK: Final = ".lock"


def take(folder: Path) -> IO[str]:
    """The folder's lock, held as long as the file is open, also by a process it is passed to.

    Raises:
        BlockingIOError: if another process holds it.
    """
    lock = (folder / _LOCK).open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise
    return lock


def is_held(folder: Path) -> bool:
    """Is a process of this machine working in it."""
    if not (folder / _LOCK).is_file():
        return False
    with (folder / _LOCK).open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


def write(file: Path, said: Mapping[str, Any]) -> None:
    """Write JSON under a temporary name and rename it: it is whole or absent."""
    temporary = file.with_suffix(".writing")
    with temporary.open("w") as handle:
        json.dump(said, handle)
        handle.flush()
        os.fsync(handle.fileno())
    temporary.replace(file)


def read(file: Path) -> dict[str, Any] | None:
    """What :func:`write` wrote; None where there is no such file."""
    try:
        return dict(json.loads(file.read_text()))
    except FileNotFoundError:
        return None
