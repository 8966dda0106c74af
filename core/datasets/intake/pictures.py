"""Reading the pictures of a set. A bad file is skipped and listed, and stops nothing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from core.datasets import near_duplicates
from core.datasets.intake.boxes.masks import masks_of
from core.datasets.intake.imported_set import Report
from core.datasets.intake.tree import Tree, list_files
from core.datasets.skipped import DataRefused, Skipped
from core.imaging.read import ImageRefused, read_path
from core.settings import Settings

Label = TypeVar("Label")


class LeftOut(Exception):
    """A picture that is not used; the text is the reason."""


@dataclass(frozen=True)
class ReadPicture:
    """A picture that can be decoded, and what it is known by."""

    path: Path
    shown: str
    hash: near_duplicates.Bits
    thumbnail: near_duplicates.Thumbnails
    sha256: str
    width_px: int
    height_px: int


def picture_files(root: Path, expected: str, skipped: list[Skipped]) -> Tree:
    """The files below ``root``; masks among its pictures are left out and added to ``skipped``.

    Raises:
        DataRefused: if there is no such folder or no picture in it; ``expected`` ends the sentence.
    """
    tree = list_files(root)
    masks = masks_of(tree)
    skipped += [Skipped(file, why) for file, why in masks.items()]
    tree = Tree(root, tuple(file for file in tree.files if file not in masks))
    if not tree.pictures:
        raise DataRefused(f"no pictures in {root.name}; expected is {expected}")
    return tree


def read_picture(
    path: Path, root: Path, settings: Settings, min_side_px: int, skipped: list[Skipped]
) -> ReadPicture | None:
    """The picture, or None after its reason was added to ``skipped``."""
    shown = path.relative_to(root).as_posix()
    try:
        field = read_path(path, settings, min_side_px=min_side_px)
    except ImageRefused as refusal:
        skipped.append(Skipped(shown, refusal.message))
        return None
    height, width = field.pixels.shape[:2]
    hashed = near_duplicates.difference_hash(field.pixels)
    small = near_duplicates.thumbnail(field.pixels)
    return ReadPicture(path, shown, hashed, small, field.sha256, width, height)


def read_labelled(
    tree: Tree,
    files: Sequence[str],
    label_of: Callable[[str], Label],
    settings: Settings,
    min_side_px: int,
    skipped: list[Skipped],
    report: Report,
) -> list[tuple[ReadPicture, Label]]:
    """The pictures that have a label and can be read, each with its label.

    Args:
        tree: the set.
        files: the pictures below it.
        label_of: picture's path below the set -> its label; raises LeftOut where it has none.
        settings: limits of pictures.
        min_side_px: smallest side of a picture.
        skipped: what is left out is added here with its reason.
        report: told how many of how many files are done.
    """
    read = []
    for done, file in enumerate(files):
        report(done, len(files))
        try:
            label = label_of(file)
        except LeftOut as left_out:
            skipped.append(Skipped(file, str(left_out)))
            continue
        picture = read_picture(tree.path(file), tree.root, settings, min_side_px, skipped)
        if picture is not None:
            read.append((picture, label))
    report(len(files), len(files))
    return read
