"""Sets of cells that were sent as a ZIP: unpacked once, found again by their content."""

import hashlib
import re
from pathlib import Path
from typing import BinaryIO, Final

from core.datasets.archive import unpack
from core.settings import settings

_SETS: Final = "sets"


def title_of(folder: Path) -> str:
    """Title of a folder of pictures: a ZIP's own name, without the hash added to it here."""
    if folder.parent == settings().var / _SETS:
        return folder.name.rpartition("-")[0]
    return folder.name


def keep_archive(name: str, archive: BinaryIO) -> Path:
    """The folder of an archive's files; unpacked now, unless the same was sent before.

    Raises:
        ArchiveRefused: for an archive that could do harm or is none.
    """
    digest = hashlib.file_digest(archive, "sha256")  # type: ignore[arg-type]  # any binary file
    archive.seek(0)
    plain = re.sub(r"[^A-Za-z0-9_-]+", "-", Path(name).stem).strip("-")[:40] or "cells"
    folder = settings().var / _SETS / f"{plain}-{digest.hexdigest()[:8]}"
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        unpack(archive, folder)
    return folder
