"""A lock on a folder: one process works in it, and the system releases the lock when it dies.

Linux's open file description locks (``F_OFD_SETLK``) belong to every process that inherits the open
file, as those of ``flock`` do, and can be queried without being taken (``F_OFD_GETLK``): a query
never makes a take fail. Systems without them use ``flock``; see docs/decisions/016.
"""

import errno
import fcntl
import os
import random
import struct
import time
from pathlib import Path
from typing import IO, Final

_LOCK: Final = ".lock"
_OFD: Final = hasattr(fcntl, "F_OFD_SETLK")

_FLOCK_STRUCT: Final = "hhqqi0q"
"""C's ``struct flock`` on Linux: type, whence, start, length, process; padded to its alignment."""

_LOOK_S: Final = 0.001
"""Longest pause, in seconds, before retrying where only a query was in the way."""


def take(folder: Path, *, wait: bool = False) -> IO[bytes]:
    """Take the folder's lock; it is held while the file is open, also in a child that inherits it.

    Args:
        folder: must exist.
        wait: wait until the holder releases it, instead of raising.

    Raises:
        BlockingIOError: if another process, or another part of this one, holds it.
    """
    lock = (folder / _LOCK).open("ab")
    try:
        (_take_ofd if _OFD else _take_flock)(lock, wait)
    except BaseException:
        lock.close()
        raise
    return lock


def is_held(folder: Path) -> bool:
    """Whether a process of this machine holds the lock. The query itself never blocks a take."""
    try:
        file = (folder / _LOCK).open("rb")
    except FileNotFoundError:
        return False
    with file:
        if _OFD:
            answer = fcntl.fcntl(file, fcntl.F_OFD_GETLK, _request())
            # The answer is the lock that would prevent ours, or "unlocked".
            return bool(struct.unpack_from("h", answer)[0] != fcntl.F_UNLCK)
        return not _flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)


def _request() -> bytes:
    """An exclusive lock over the whole file, whatever its length; the process field must be 0."""
    return struct.pack(_FLOCK_STRUCT, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)


def _take_ofd(lock: IO[bytes], wait: bool) -> None:
    command = fcntl.F_OFD_SETLKW if wait else fcntl.F_OFD_SETLK
    try:
        fcntl.fcntl(lock, command, _request())
    except PermissionError as error:  # POSIX allows either error
        raise BlockingIOError(errno.EAGAIN, "the lock is held") from error


def _take_flock(lock: IO[bytes], wait: bool) -> None:
    if wait:
        _flock(lock, fcntl.LOCK_EX)
        return
    while not _flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB):
        # A query shares the lock for a moment. If we can share it too, nobody works here: retry.
        if not _flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB):
            raise BlockingIOError(errno.EAGAIN, "the lock is held")
        fcntl.flock(lock, fcntl.LOCK_UN)
        time.sleep(random.uniform(0, _LOOK_S))


def _flock(file: IO[bytes], operation: int) -> bool:
    try:
        fcntl.flock(file, operation)
    except BlockingIOError:
        return False
    return True
