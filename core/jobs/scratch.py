"""Folders for what is needed only while a process lives, and what dead processes left behind."""

import shutil
import tempfile
import time
from pathlib import Path
from typing import Final

from core.files import UNFINISHED, make_private
from core.jobs import folder_lock

FOLDER: Final = "scratch"
_YOUNG_S: Final = 60.0
"""A folder is made before it is locked: one this young may be about to be."""
_OLD_S: Final = 24 * 3600.0
"""Nothing writes one file for as long as this."""


class ScratchFolder:
    """A folder in ``var`` that goes with this object, or at the next start if the process dies."""

    def __init__(self, var: Path) -> None:
        root = var / FOLDER
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = tempfile.TemporaryDirectory(dir=root, ignore_cleanup_errors=True)
        self.path = Path(self._folder.name)
        self._lock = folder_lock.take(self.path)


def prepare(var: Path) -> None:
    """Make the folder of the installation ready when a server starts.

    It is closed to other users of the machine, pictures that a killed process put aside are
    removed, and so are files that were never finished.
    """
    var.mkdir(mode=0o700, parents=True, exist_ok=True)
    make_private(var)
    now = time.time()
    for folder in (var / FOLDER).glob("*"):
        if folder.is_dir() and _age(folder, now) > _YOUNG_S and not folder_lock.is_held(folder):
            shutil.rmtree(folder, ignore_errors=True)
    for file in var.rglob(f"*{UNFINISHED}"):
        if _age(file, now) > _OLD_S:
            file.unlink(missing_ok=True)


def _age(path: Path, now: float) -> float:
    try:
        return now - path.stat().st_mtime
    except OSError:  # gone in the meantime
        return 0.0
