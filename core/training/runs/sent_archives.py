"""Sets of cells that were sent as a ZIP: unpacked once, found again by their content."""

import hashlib
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Final

from core.access.people import Person
from core.access.rights import require
from core.datasets.archive import unpack
from core.datasets.intake import corrections
from core.settings import settings
from core.taxonomy import trainable_classes
from core.training.runs import lifecycle

_SETS: Final = "sets"


@dataclass(frozen=True)
class SentSet:
    """A set that was sent. ``version`` are the first digits of its hash, ``corrected`` how many of
    its pictures have another class than they came with or are left out.
    """

    folder: Path
    title: str
    version: str
    at: datetime
    files: int
    megabytes: float
    corrected: int


class SetInUse(ValueError):
    """A set that a run still needs; the message names the run."""


def sent_sets() -> list[SentSet]:
    """The sets on this computer, the newest first."""
    root = settings().var / _SETS
    found = []
    for folder in root.iterdir() if root.is_dir() else ():
        title, _, version = folder.name.rpartition("-")
        if not folder.is_dir() or not re.fullmatch("[0-9a-f]{8}", version):
            continue
        sizes = [file.stat().st_size for file in folder.rglob("*") if file.is_file()]
        at = datetime.fromtimestamp(folder.stat().st_mtime, UTC)
        fixed = len(corrections.standing(folder))
        found.append(SentSet(folder, title, version, at, len(sizes), sum(sizes) / 1e6, fixed))
    return sorted(found, key=lambda one: one.at, reverse=True)


def is_sent(folder: Path) -> bool:
    """Is this the folder of a set that was sent, whose pictures may be corrected here."""
    return folder.parent == settings().var / _SETS


def correct(folder: Path, files: Sequence[str], label: str | None, who: Person) -> None:
    """Give pictures another class, leave them out (``""``), or take corrections back (None).

    Args:
        folder: the set's.
        files: paths below it.
        label: a class that a training can learn.
        who: who says so; it is kept.

    Raises:
        ValueError: for a folder that was not sent, a picture it lacks, or an unknown class.
        NotAllowed: if ``who`` may not train.
    """
    require(who, "train")
    if not is_sent(folder):
        raise ValueError(f"{folder.name} was not sent as a ZIP: correct the folder itself")
    if label and label not in trainable_classes():
        raise ValueError(f"{label!r} is no class that can be learnt")
    lacking = [file for file in files if not _below(folder, file)]
    if lacking:
        raise ValueError(f"there is no {lacking[0]} in {title_of(folder)}")
    corrections.correct(folder, files, label, who.name)


def _below(folder: Path, file: str) -> bool:
    path = (folder / file).resolve()
    return path.is_relative_to(folder.resolve()) and path.is_file()


def delete_set(folder: Path, who: Person) -> None:
    """Remove a set's pictures and corrections for good.

    Raises:
        SetInUse: if a run that has not ended learns from it.
        ValueError: for a folder that was not sent.
        NotAllowed: if ``who`` may not train.
    """
    require(who, "train")
    if not is_sent(folder):
        raise ValueError(f"{folder.name} was not sent as a ZIP")
    for run in lifecycle.book().all():
        # A finished run's locked test set lies in it too, and a comparison reads that.
        if Path(run.data) == folder.resolve() and run.state != "discarded":
            raise SetInUse(f"the run {run.label} ({run.state}) needs it; delete that first")
    shutil.rmtree(folder)
    corrections.file_of(folder).unlink(missing_ok=True)


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
