"""Copies among the pictures of a set, and copies of what models are judged on."""

from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from core.datasets import near_duplicates
from core.datasets.intake.pictures import ReadPicture
from core.datasets.intake.split.parts import PARTS, GivenParts, given_parts
from core.datasets.intake.tree import Tree
from core.datasets.skipped import Skipped


@dataclass(frozen=True)
class Sifted:
    """What is left of the pictures of a set without copies.

    ``indices`` are those of the pictures that are kept, ``parts`` the set's own split of them.
    """

    indices: list[int]
    pictures: list[ReadPicture]
    parts: GivenParts
    duplicates: list[tuple[str, ...]]


def sifted(
    tree: Tree,
    pictures: Sequence[ReadPicture],
    labels: Sequence[Hashable],
    skipped: list[Skipped],
    notes: list[str],
    locked: "Locked | None" = None,
    annotated: Sequence[str] = (),
) -> Sifted:
    """Pictures without equal files, and without copies of the ``locked`` test set.

    Args:
        tree: the set.
        pictures: what could be read.
        labels: of each; equal files under two labels are left out.
        skipped: what is left out is added here with its reason.
        notes: sentences about the whole set are added here.
        locked: a test set whose pictures and copies are left out.
        annotated: the part that an annotation file stands for, of each picture.
    """
    given = given_parts(tree, [picture.shown for picture in pictures], notes, annotated)
    keep, duplicates = without_copies(pictures, labels, skipped, given.names)
    keep = without_locked(pictures, keep, locked, skipped, notes)
    return Sifted(keep, [pictures[i] for i in keep], given.of(keep), duplicates)


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
