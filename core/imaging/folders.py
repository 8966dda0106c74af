"""The pictures of a folder: which endings count, what lies below, and what is passed over."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PICTURE_ENDINGS: Final = (
    ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".tif", ".tiff", ".webp",
)  # fmt: skip
"""Endings of pictures in small letters; a file's content decides what it is, not its ending."""

DICOM_ENDINGS: Final = (".dcm", ".dicom")

_SHOWN: Final = 3


@dataclass(frozen=True)
class PassedOver:
    """A file of a folder that is not read: its path below the folder with ``/``, and why."""

    file: str
    reason: str


@dataclass(frozen=True)
class PictureFolder:
    """What a folder holds: pictures in order of their path, and everything that is left out."""

    pictures: tuple[Path, ...]
    passed_over: tuple[PassedOver, ...]

    def summary(self) -> str:
        """What was passed over in a sentence; empty where nothing was."""
        if not self.passed_over:
            return ""
        reasons = Counter(one.reason for one in self.passed_over)
        parts = []
        for reason, count in reasons.most_common():
            names = [one.file for one in self.passed_over if one.reason == reason]
            listed = ", ".join(names[:_SHOWN]) + (", ..." if count > _SHOWN else "")
            parts.append(f"{count} {reason} ({listed})")
        count = len(self.passed_over)
        files = "1 file was" if count == 1 else f"{count} files were"
        return f"{files} passed over: {'; '.join(parts)}."


def list_pictures(folder: Path, *, dicom: bool = True) -> PictureFolder:
    """Every picture in a folder and the folders below it, by name.

    Hidden files and folders, and what archives of macOS add, are no pictures and are not listed
    at all. Links are not followed: they could lead to any file of this computer.

    Args:
        folder: where to look.
        dicom: also DICOM files, which have the endings ``.dcm`` and ``.dicom``.
    """
    endings = PICTURE_ENDINGS + (DICOM_ENDINGS if dicom else ())
    pictures: list[Path] = []
    passed: list[PassedOver] = []

    def unreadable(error: OSError) -> None:
        shown = Path(error.filename or folder)
        shown = shown.relative_to(folder) if shown.is_relative_to(folder) else shown
        passed.append(PassedOver(shown.as_posix(), "cannot be opened"))

    for place, folders, files in os.walk(folder, onerror=unreadable):
        folders[:] = sorted(name for name in folders if not _is_hidden(name))
        for name in sorted(files):
            path = Path(place, name)
            if _is_hidden(name):
                continue
            shown = path.relative_to(folder).as_posix()
            if path.suffix.lower() not in endings:
                passed.append(PassedOver(shown, "not a picture by its ending"))
            elif path.is_symlink():
                passed.append(PassedOver(shown, "a link"))
            elif not path.is_file():
                passed.append(PassedOver(shown, "not a regular file"))
            else:
                pictures.append(path)
    return PictureFolder(tuple(sorted(pictures)), tuple(passed))


def with_folders_opened(
    paths: Iterable[Path], *, dicom: bool = True
) -> tuple[list[Path], list[str]]:
    """Folders replaced by their pictures; everything else, and folders without any, as given.

    Returns:
        The files, and a sentence for each folder in which something was passed over.
    """
    files: list[Path] = []
    sentences: list[str] = []
    for path in paths:
        if not path.is_dir():
            files.append(path)
            continue
        found = list_pictures(path, dicom=dicom)
        files += found.pictures or (path,)
        if found.passed_over:
            sentences.append(f"{path}: {found.summary()}")
    return files, sentences


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name in ("__MACOSX", "Thumbs.db", "desktop.ini")
