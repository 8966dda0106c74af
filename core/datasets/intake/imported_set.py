"""What every intake does with pictures. A bad file is skipped and listed, and stops nothing."""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from pathlib import Path
from typing import Final, Generic, TypeVar

import numpy as np

from core.datasets import near_duplicates
from core.datasets.intake.boxes.masks import masks_of
from core.datasets.intake.parts import PARTS, given_split, part_of_folders
from core.datasets.intake.tables import FILE_COLUMNS, groups_of_pictures
from core.datasets.intake.tree import Tree, check_folder, list_files
from core.datasets.skipped import DataRefused, Skipped
from core.datasets.splits import grouped_split
from core.imaging.read import ImageRefused, read_path
from core.settings import Settings

__all__ = ["FILE_COLUMNS", "PARTS", "check_folder"]

SHARES: Final = (0.7, 0.2, 0.1)
MIN_GROUPS: Final = 10
"""Groups a class needs, so that each part gets one: 0.1 of them must be at least one."""

MOST_FOR_ALTERED: Final = 20_000
"""Pictures among which turned and recoloured copies are sought; the time grows by the square."""

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
    thumbnail: near_duplicates.Thumbnails
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
    notes then say why. ``group_names`` are what the groups are called, one for each item.
    ``vanished`` are classes of the files of which nothing can be learnt, with the reason.
    ``box_names`` are the classes of a file's boxes as the set calls them.
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
    group_names: tuple[str, ...] = ()
    vanished: tuple[tuple[str, str], ...] = ()
    box_names: Mapping[str, tuple[str, ...]] = dataclass_field(default_factory=dict)

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


def without_copies(
    pictures: Sequence[ReadPicture],
    labels: Sequence[Hashable],
    skipped: list[Skipped],
    parts: Sequence[str] = (),
) -> tuple[list[int], list[tuple[str, ...]]]:
    """Indices to keep, and the groups of equal files; ones under two labels are not kept.

    Of copies in two ``parts`` of a given split the one that is judged on is kept.
    """
    same: dict[str, list[int]] = defaultdict(list)
    for index, picture in enumerate(pictures):
        same[picture.sha256].append(index)
    keep, duplicates = [], []
    for indices in same.values():
        if parts:
            indices.sort(key=lambda i: (-(PARTS.index(parts[i]) if parts[i] else 0), i))
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
    plain = near_duplicates.copies_of(locked.hashes, np.stack([pictures[i].hash for i in keep]))
    turned = near_duplicates.turned_copies_of(
        locked.hashes, np.stack([pictures[i].thumbnail for i in keep])
    )
    copies = plain | turned
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
    """Groups of pictures that a split must not cut; ``near`` near-duplicates are among them.

    ``names`` are what the groups are called: what a table or folder says, else their first picture.
    """

    numbers: list[int]
    by: str
    near: int
    names: list[str]


def grouped(
    pictures: Sequence[ReadPicture],
    tree: Tree,
    notes: list[str],
    folders: Sequence[Sequence[str]] = (),
) -> Groups:
    """Pictures that are copies, or that a table or their folders say belong together.

    Copies are near ones, and ones that were turned, mirrored or recoloured. ``folders`` are the
    slides or patients that the folders of each picture name.
    """
    if not pictures:
        return Groups([], "near-duplicates", 0, [])
    near = near_duplicates.groups(np.stack([picture.hash for picture in pictures])).tolist()
    keys, columns = groups_of_pictures(tree, [picture.shown for picture in pictures])
    if any(folders):
        keys = [(*key, *folder) for key, folder in zip(keys, folders, strict=True)]
        columns = [*columns, "folder"]
    if len(pictures) <= MOST_FOR_ALTERED:
        pairs = near_duplicates.altered_pairs(np.stack([p.thumbnail for p in pictures]))
        copies = _joined(near, [()] * len(near), pairs)
    else:
        copies = near
        notes.append(f"turned copies are not looked for among more than {MOST_FOR_ALTERED:,}")
    numbers = _joined(copies, keys)
    names: dict[int, dict[str, None]] = defaultdict(dict)
    for number, key in zip(numbers, keys, strict=True):
        names[number] |= dict.fromkeys(key)
    for number, picture in zip(numbers, pictures, strict=True):
        names[number] = names[number] or {picture.shown: None}
    called = {number: " + ".join([*said][:5]) for number, said in names.items()}
    by = " and ".join([*columns, "near-duplicates"])
    return Groups(
        numbers, by, len(copies) - len(set(copies)), [called[number] for number in numbers]
    )


def parts_of(pictures: Sequence[ReadPicture], annotated: Sequence[str] = ()) -> list[str]:
    """The part of the set's own split that each picture lies in; all "" where there is none.

    ``annotated`` are parts that annotation files stand for, where the folders do not say.
    """
    parts = [part_of_folders(picture.shown) for picture in pictures]
    if annotated and not given_split(parts):
        parts = list(annotated)
    return parts if given_split(parts) else [""] * len(parts)


@dataclass(frozen=True)
class Division:
    """Indices of the pictures that are used, of those the parts, and whether the set gave them."""

    chosen: list[int]
    parts: list[list[int]]
    given: bool


def divide(
    pictures: Sequence[ReadPicture],
    given: Sequence[str],
    groups: Groups,
    labels: Sequence[str],
    seed: int,
    skipped: list[Skipped],
    notes: list[str],
) -> Division:
    """Training, validation and test: the set's own where it has them, else cut by groups.

    In a given split a picture of training (or validation) that is a copy of a judged one is left
    out, and so is one that lies in no part. A missing validation or test part is cut out of
    training.
    """
    everything = list(range(len(pictures)))
    if not any(given):
        parts = grouped_split(groups.numbers, labels, SHARES, seed) if labels else [[], [], []]
        return Division(everything, _no_empty(parts, groups.numbers), False)
    rank = {part: number for number, part in enumerate(PARTS)}
    judged: dict[int, int] = {}
    for i in everything:
        if given[i]:
            group = groups.numbers[i]
            judged[group] = max(judged.get(group, 0), rank[given[i]])
    chosen, crossing = [], 0
    for i in everything:
        if not given[i]:
            skipped.append(Skipped(pictures[i].shown, "it lies in none of the set's own parts"))
        elif rank[given[i]] < judged[groups.numbers[i]]:
            part = PARTS[judged[groups.numbers[i]]]
            why = f"it belongs together with a picture of the {part} part ({groups.names[i]})"
            skipped.append(Skipped(pictures[i].shown, why))
            crossing += 1
        else:
            chosen.append(i)
    parts = [[n for n, i in enumerate(chosen) if given[i] == part] for part in PARTS]
    notes.insert(0, "the set's own split into folders or files is kept")
    if crossing:
        notes.insert(
            1,
            f"{crossing} pictures are left out of training or validation: copies of them, or the "
            "same slide or patient, lie in a part that is judged on",
        )
    missing = [number for number in (1, 2) if not parts[number]]
    if missing:
        train = parts[0]
        share = sum(SHARES[number] for number in missing)
        cut = grouped_split(
            [groups.numbers[chosen[n]] for n in train],
            [labels[chosen[n]] for n in train],
            (1 - share, *(SHARES[number] for number in missing)),
            seed,
        )
        parts[0] = [train[k] for k in cut[0]]
        for number, members in zip(missing, cut[1:], strict=True):
            parts[number] = [train[k] for k in members]
        words = " and ".join(PARTS[number] for number in missing)
        notes.insert(1, f"the set brings no {words} part: it is cut out of training")
    return Division(chosen, parts, True)


def _no_empty(parts: list[list[int]], groups: Sequence[int]) -> list[list[int]]:
    """With few large groups validation may get none: then it gets training's smallest."""
    members: dict[int, list[int]] = defaultdict(list)
    for i in parts[0]:
        members[groups[i]].append(i)
    if not parts[1] and len(members) > 1:
        moved = min(members.values(), key=len)
        parts[1] = sorted(moved)
        parts[0] = sorted(set(parts[0]) - set(moved))
    return parts


def _joined(
    near: Sequence[int], said: Sequence[Sequence[str]], pairs: Sequence[tuple[int, int]] = ()
) -> list[int]:
    """Groups that join what is near, what is said to belong together, and pairs of indices."""
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
    for one, other in pairs:
        parent[root(other)] = root(one)
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
