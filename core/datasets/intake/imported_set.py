"""What every intake does with pictures. A bad file is skipped and listed, and stops nothing."""

import csv
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Generic, TypeVar

import numpy as np

from core.datasets import near_duplicates
from core.datasets.catalogue import PICTURES
from core.datasets.skipped import DataRefused, Skipped
from core.imaging.read import ImageRefused, read_path
from core.settings import Settings

SHARES: Final = (0.7, 0.2, 0.1)
PARTS: Final = ("training", "validation", "test")
MIN_GROUPS: Final = 10
"""Groups a class needs, so that each part gets one: 0.1 of them must be at least one."""

GROUP_COLUMNS: Final = (
    "patient",
    "case",
    "person",
    "slide",
    "photo",
    "photo_group",
    "session_block",
    "group",
)
"""Columns of a table that say what must stay on one side of a split."""

FILE_COLUMNS: Final = ("file", "filename", "image", "picture", "name")

Item = TypeVar("Item")
Report = Callable[[int, int], None]


def silent(done: int, total: int) -> None:
    """Tells nobody."""


@dataclass(frozen=True)
class ReadPicture:
    """A picture that can be decoded, and what it is known by."""

    path: Path
    shown: str
    hash: near_duplicates.Bits
    sha256: str
    width_px: int
    height_px: int


@dataclass(frozen=True)
class Intake(Generic[Item]):
    """What a folder holds.

    ``items`` can be learnt from, each under its label; ``groups`` says which must stay together;
    ``parts`` are their indices for training, validation and test. ``unknown`` are names of the
    folder's own that need a meaning, ``problems`` the reasons why nothing can be trained, empty if
    it can. ``beside``: the public set whose pictures make up validation and test; the first two
    notes then say why.
    """

    root: Path
    items: tuple[Item, ...]
    labels: tuple[str, ...]
    groups: tuple[int, ...]
    parts: tuple[tuple[int, ...], ...]
    grouped_by: str
    skipped: tuple[Skipped, ...]
    duplicates: tuple[tuple[str, ...], ...]
    near_duplicates: int
    notes: tuple[str, ...]
    problems: tuple[str, ...]
    unknown: tuple[str, ...] = ()
    beside: str = ""

    def part(self, number: int) -> list[Item]:
        """Items of training (0), validation (1) or test (2)."""
        return [self.items[i] for i in self.parts[number]]

    def counts(self) -> dict[str, tuple[int, ...]]:
        """Label -> items in training, validation and test, in the order labels appear."""
        each = [Counter(self.labels[i] for i in part) for part in self.parts]
        return {name: tuple(count[name] for count in each) for name in dict.fromkeys(self.labels)}

    def sample(self, label: str) -> Item:
        """The first item of a label."""
        return self.items[self.labels.index(label)]


def check_folder(root: Path) -> None:
    """Raises DataRefused where there is no such folder or it cannot be opened."""
    try:
        there = root.is_dir()
    except OSError as error:  # a name that is too long, a drive that is gone
        raise DataRefused(f"{str(root)[:80]} cannot be opened: {error.strerror}") from error
    if not there:
        raise DataRefused(f"{root} is not a folder")


def picture_paths(root: Path, expected: str) -> list[Path]:
    """Every picture below ``root``, by name.

    Raises:
        DataRefused: if there is no such folder or no picture in it; ``expected`` ends the sentence.
    """
    check_folder(root)
    files = sorted(p for p in root.rglob("*") if p.suffix.lower() in PICTURES)
    # A link could lead to any file of this machine.
    files = [p for p in files if p.is_file() and not p.is_symlink()]
    if not files:
        raise DataRefused(f"no pictures in {root.name}; expected is {expected}")
    return files


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
    return ReadPicture(path, shown, hashed, field.sha256, width, height)


def without_copies(
    pictures: Sequence[ReadPicture], labels: Sequence[Hashable], skipped: list[Skipped]
) -> tuple[list[int], list[tuple[str, ...]]]:
    """Indices to keep, and the groups of equal files; ones under two labels are not kept."""
    same: dict[str, list[int]] = defaultdict(list)
    for index, picture in enumerate(pictures):
        same[picture.sha256].append(index)
    keep, duplicates = [], []
    for indices in same.values():
        shown = tuple(pictures[i].shown for i in indices)
        if len(indices) > 1:
            duplicates.append(shown)
        if len({labels[i] for i in indices}) > 1:
            others = "the same picture lies under more than one class"
            skipped += [Skipped(name, others) for name in shown]
            continue
        keep.append(indices[0])
        skipped += [Skipped(name, f"the same picture as {shown[0]}") for name in shown[1:]]
    return sorted(keep), duplicates


@dataclass(frozen=True)
class Locked:
    """A test set on which models are judged, by the hashes of its pictures, ``(N, bits)``."""

    title: str
    hashes: near_duplicates.Bits


def without_locked(
    pictures: Sequence[ReadPicture],
    keep: Sequence[int],
    locked: Locked | None,
    skipped: list[Skipped],
    notes: list[str],
) -> list[int]:
    """Indices to keep: no picture of the locked set and no near copy of one is learnt from.

    What is left out goes to ``skipped``, a sentence about it to ``notes``.
    """
    if locked is None or not keep:
        return list(keep)
    copies = near_duplicates.copies_of(locked.hashes, np.stack([pictures[i].hash for i in keep]))
    found = [i for i, copy in zip(keep, copies, strict=True) if copy]
    if found:
        why = f"a copy of a picture of the locked test set {locked.title}"
        skipped += [Skipped(pictures[i].shown, why) for i in found]
        notes.append(
            f"{len(found)} of the pictures {'is' if len(found) == 1 else 'are'} left out: copied "
            f"from the locked test set ({locked.title}) on which a new model is compared with the "
            "live one. Learnt from, they would flatter it."
        )
    return [i for i, copy in zip(keep, copies, strict=True) if not copy]


@dataclass(frozen=True)
class Groups:
    """Groups of pictures that a split must not cut; ``near`` near-duplicates are among them."""

    numbers: list[int]
    by: str
    near: int


def grouped(pictures: Sequence[ReadPicture], root: Path) -> Groups:
    """Pictures that are near copies, or that a table in ``root`` says belong together."""
    if not pictures:
        return Groups([], "near-duplicates", 0)
    near = near_duplicates.groups(np.stack([picture.hash for picture in pictures])).tolist()
    table, columns = _table_of_groups(root)
    said = [table.get(picture.path.name, ()) for picture in pictures]
    by = " and ".join([*columns, "near-duplicates"])
    return Groups(_joined(near, said), by, len(near) - len(set(near)))


def rows_of(root: Path, *wanted: Sequence[str]) -> list[dict[str, str]]:
    """Rows of the first table in ``root`` with a column of each kind, under the kind's first name.

    Other columns keep their name in small letters; none where there is no such table.
    """
    for file in sorted(root.glob("*.csv")):
        with file.open(newline="", encoding="utf-8-sig", errors="replace") as handle:
            reader = csv.DictReader(handle)
            names = {name: (name or "").strip().casefold() for name in reader.fieldnames or []}
            for kind in wanted:
                match = next((n for n in kind for k in names if names[k] == n), None)
                names = {k: kind[0] if n == match else n for k, n in names.items()}
            if all(kind[0] in names.values() for kind in wanted):
                return [
                    {names[k]: (v or "").strip() for k, v in row.items() if k in names}
                    for row in reader
                ]
    return []


def _table_of_groups(root: Path) -> tuple[dict[str, tuple[str, ...]], Sequence[str]]:
    """File name -> what it belongs to, and the columns that said so."""
    for column in GROUP_COLUMNS:
        rows = rows_of(root, FILE_COLUMNS, (column,))
        if rows:
            columns = [name for name in GROUP_COLUMNS if name in rows[0]]
            return {
                Path(row["file"]).name: tuple(f"{c} {row[c]}" for c in columns if row[c])
                for row in rows
                if row["file"]
            }, columns
    return {}, []


def _joined(near: Sequence[int], said: Sequence[Sequence[str]]) -> list[int]:
    """Groups that join what is near and what is said to belong together."""
    parent = list(range(len(near)))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    first: dict[Hashable, int] = {}
    for index, (group, keys) in enumerate(zip(near, said, strict=True)):
        for key in (group, *keys):
            parent[root(index)] = root(first.setdefault(key, index))
    return [root(i) for i in range(len(near))]


def too_few(labels: Sequence[str], groups: Sequence[int]) -> dict[str, str]:
    """Label -> why it cannot be learnt, of those with fewer groups than the parts need."""
    members: dict[str, set[int]] = defaultdict(set)
    for label, group in zip(labels, groups, strict=True):
        members[label].add(group)
    return {
        name: f"{len(found)} separate pictures, at least {MIN_GROUPS} are needed"
        for name, found in members.items()
        if len(found) < MIN_GROUPS
    }


def taken(
    root: Path,
    items: Sequence[Item],
    labels: Sequence[str],
    groups: Groups,
    parts: Sequence[Sequence[int]],
    skipped: Sequence[Skipped],
    duplicates: Sequence[tuple[str, ...]],
    notes: Sequence[str],
    problems: Sequence[str],
) -> Intake[Item]:
    """The intake of a folder of which every kept picture has its place in ``groups``."""
    return Intake(
        root=root,
        items=tuple(items),
        labels=tuple(labels),
        groups=tuple(groups.numbers),
        parts=tuple(tuple(part) for part in parts),
        grouped_by=groups.by,
        skipped=tuple(skipped),
        duplicates=tuple(duplicates),
        near_duplicates=groups.near,
        notes=tuple(notes),
        problems=tuple(problems),
    )
