"""What belongs together and must stay on one side of a split: copies, patients, slides."""

from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from core.datasets import near_duplicates
from core.datasets.intake.pictures import ReadPicture
from core.datasets.intake.tables import groups_of_pictures
from core.datasets.intake.tree import Tree

MIN_GROUPS: Final = 10
"""Groups a class needs, so that each part gets one: 0.1 of them must be at least one."""

MOST_FOR_ALTERED: Final = 20_000
"""Pictures among which turned and recoloured copies are sought; the time grows by the square."""


@dataclass(frozen=True)
class Groups:
    """Groups of pictures that a split must not cut; ``near`` near-duplicates are among them.

    ``names`` are what the groups are called: what a table or folder says, else their first picture.
    """

    numbers: list[int]
    by: str
    near: int
    names: list[str]

    def of(self, indices: Sequence[int]) -> "Groups":
        """The groups of some of the pictures."""
        numbers, names = [self.numbers[i] for i in indices], [self.names[i] for i in indices]
        return Groups(numbers, self.by, self.near, names)


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
    said = groups_of_pictures(tree, [picture.shown for picture in pictures])
    keys, columns = said.keys, said.columns
    notes += [note for note in said.notes if note not in notes]
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
