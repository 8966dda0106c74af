"""A folder that one process works in, held by a lock that the system lets go of when it dies.

Linux's locks of open file descriptions (``F_OFD_SETLK``) are held by every process that inherits
the open file, as those of ``flock`` are, and can be asked about without being taken
(``F_OFD_GETLK``): whoever looks never stands in the way of whoever takes. Systems without them use
``flock``; decision 016 says how.
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
"""Longest pause before a taker tries again where it met nobody but those who look."""


def take(folder: Path, *, wait: bool = False) -> IO[bytes]:
    """The folder's lock, held as long as the file is open, also by a process it is passed to.

    Args:
        folder: must exist.
        wait: wait until whoever holds it lets go.

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
    """Is a process of this machine working in it. Looking never refuses anybody the lock."""
    try:
        file = (folder / _LOCK).open("rb")
    except FileNotFoundError:
        return False
    with file:
        if _OFD:
            answer = fcntl.fcntl(file, fcntl.F_OFD_GETLK, _request())
            # The system answers with the lock that stands in the way, or with "unlocked".
            return bool(struct.unpack_from("h", answer)[0] != fcntl.F_UNLCK)
        return not _flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)


def _request() -> bytes:
    """Exclusive, over the whole file whatever its length; the process must be 0."""
    return struct.pack(_FLOCK_STRUCT, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)


def _take_ofd(lock: IO[bytes], wait: bool) -> None:
    command = fcntl.F_OFD_SETLKW if wait else fcntl.F_OFD_SETLK
    try:
        fcntl.fcntl(lock, command, _request())
    except PermissionError as error:  # POSIX lets a system say either
        raise BlockingIOError(errno.EAGAIN, "the lock is held") from error


def _take_flock(lock: IO[bytes], wait: bool) -> None:
    if wait:
        _flock(lock, fcntl.LOCK_EX)
        return
    while not _flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB):
        # Those who look share the lock for a moment. If it can be shared, nobody works here.
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
