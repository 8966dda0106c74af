"""The files below a folder, listed once: pictures, tables and annotations by their ending."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from core.datasets.skipped import DataRefused
from core.imaging.folders import DICOM_ENDINGS, PICTURE_ENDINGS

_OTHER_PICTURES: Final = (
    ".heic", ".heif", ".avif", ".gif", ".jp2", ".j2k", ".jpx", ".jxl", ".jls", ".psd", ".svg",
    ".ppm", ".pgm", ".pnm", ".webm", ".mp4", ".mov", ".dng", ".cr2", ".cr3", ".nef", ".arw",
    ".orf", ".rw2", ".raf", ".svs", ".ndpi", ".scn", ".mrxs", ".czi", ".lif", ".nd2", ".vsi",
)  # fmt: skip
"""Pictures that are not read: they are listed so that each gets its refusal and its way out."""

_IGNORED: Final = frozenset({"__MACOSX", ".DS_Store", "Thumbs.db", "desktop.ini"})


@dataclass(frozen=True)
class Tree:
    """A folder and its files, as paths below it with slashes, in order. Links are left alone."""

    root: Path
    files: tuple[str, ...]

    @property
    def pictures(self) -> tuple[str, ...]:
        """Files whose ending is a picture's, of kinds that are not read too."""
        return self.ending(*PICTURE_ENDINGS, *DICOM_ENDINGS, *_OTHER_PICTURES)

    def ending(self, *endings: str) -> tuple[str, ...]:
        """Files with one of these endings, in any case."""
        return tuple(file for file in self.files if file.lower().endswith(endings))

    def path(self, file: str) -> Path:
        """Where a file lies."""
        return self.root / file


def check_folder(root: Path) -> None:
    """Raises DataRefused where there is no such folder or it cannot be opened."""
    try:
        there = root.is_dir()
    except (OSError, ValueError) as error:  # a name that is too long, a drive that is gone, a NUL
        raise DataRefused(f"{str(root)[:80]} cannot be opened: {error}") from error
    if not there:
        raise DataRefused(f"{root} is not a folder")


def list_files(root: Path) -> Tree:
    """Every file below ``root``.

    Raises:
        DataRefused: if there is no such folder.
    """
    check_folder(root)
    found = []
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name not in _IGNORED]
        below = Path(folder).relative_to(root).as_posix()
        for name in names:
            # A link could lead to any file of this machine. macOS keeps a "._" file beside each.
            if name in _IGNORED or name.startswith("._") or os.path.islink(f"{folder}/{name}"):
                continue
            found.append(name if below == "." else f"{below}/{name}")
    return Tree(root, tuple(sorted(found, key=lambda file: file.split("/"))))


def folders_of(file: str) -> tuple[str, ...]:
    """The folders a file lies in, outermost first."""
    return PurePosixPath(file).parts[:-1]


def folder_of(file: str) -> str:
    """The folder a file lies in, "" for the root."""
    return file.rpartition("/")[0]


def stem_of(file: str) -> str:
    """A file's name without its folders and its last ending."""
    return PurePosixPath(file).stem


def common_folders(files: Sequence[str]) -> tuple[str, ...]:
    """The folders that all files share, outermost first."""
    if not files:
        return ()
    shared = folders_of(files[0])
    for file in files[1:]:
        folders = folders_of(file)
        length = 0
        for ours, theirs in zip(shared, folders, strict=False):
            if ours != theirs:
                break
            length += 1
        shared = shared[:length]
    return shared


def words_of(name: str) -> list[str]:
    """A folder's name in small words: ``TestA_images2`` is test, a, images."""
    parted = re.sub(r"([a-z])([A-Z])|([A-Z]+)(?=[A-Z][a-z])", r"\1\3 \2", name)
    return re.findall(r"[^\W\d_]+", parted.casefold())
