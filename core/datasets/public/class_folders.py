"""Published sets that are a folder for each class: read, with what could not be used listed."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.datasets.catalogue import PICTURES
from core.datasets.public.pbc import LabelledCell
from core.datasets.skipped import Skipped
from core.imaging.read import ImageRefused, read_path
from core.settings import Settings

_MIN_SIDE_PX = 32


@dataclass(frozen=True)
class ClassFolders:
    """Cells that can be read, in order of folder and name, and the files that were left out."""

    cells: tuple[LabelledCell, ...]
    skipped: tuple[Skipped, ...]


def read_class_folders(
    root: Path, class_of: Mapping[str, str], settings: Settings, *, expected: str
) -> ClassFolders:
    """Every picture below a folder that names a class, opened once to see that it is whole.

    Args:
        root: the set's folder; class folders may lie at any depth, as in ``Train/Basophil``.
        class_of: folder's name -> class or parent. Case, spaces and signs in it do not matter.
        settings: limits of pictures.
        expected: the set's layout in words, for the message.

    Raises:
        FileNotFoundError: if no such folder holds a picture.
    """
    known = {bare(name): label for name, label in class_of.items()}
    cells: list[LabelledCell] = []
    skipped: list[Skipped] = []
    for path in sorted(root.rglob("*")) if root.is_dir() else ():
        if path.suffix.lower() not in PICTURES or path.is_symlink() or not path.is_file():
            continue
        label = _nearest_label(path.relative_to(root).parts[:-1], known)
        shown = path.relative_to(root).as_posix()
        if label is None:
            skipped.append(Skipped(shown, f"unknown class: {path.parent.name}"))
            continue
        try:
            read_path(path, settings, min_side_px=_MIN_SIDE_PX)
        except ImageRefused as refusal:
            skipped.append(Skipped(shown, refusal.message))
            continue
        cells.append(LabelledCell(path, label))
    if not cells:
        raise FileNotFoundError(f"no readable pictures in {root}; expected is {expected}")
    return ClassFolders(tuple(cells), tuple(skipped))


def bare(name: str) -> str:
    """A folder's name in small letters, without spaces, signs, numbers and a plural's s."""
    return re.sub(r"[^a-z]", "", name.casefold()).removesuffix("s")


def _nearest_label(folders: Sequence[str], known: Mapping[str, str]) -> str | None:
    """The class of the innermost folder that names one."""
    return next((known[bare(name)] for name in reversed(folders) if bare(name) in known), None)
