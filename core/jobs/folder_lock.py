"""A folder that one process works in, held by a lock that the system lets go of when it dies."""

import fcntl
from pathlib import Path
from typing import IO, Final

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
