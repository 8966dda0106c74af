"""The split that a set brings along: folders, lists and columns called train, valid and test."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field

from core.datasets.intake.split.part_names import PARTS, part_of_name
from core.datasets.intake.split.split_lists import listed_parts
from core.datasets.intake.tree import Tree, folders_of

__all__ = ["PARTS", "GivenParts", "given_parts", "part_of_name"]


@dataclass(frozen=True)
class GivenParts:
    """The part of the set's own split that each picture lies in.

    ``names`` are all "" where the set has no split. ``contradicted``: index -> why a picture of a
    divided set has no part.
    """

    names: list[str]
    contradicted: Mapping[int, str] = dataclass_field(default_factory=dict)

    def of(self, indices: Sequence[int]) -> "GivenParts":
        """The parts of some of the pictures."""
        why = {n: self.contradicted[i] for n, i in enumerate(indices) if i in self.contradicted}
        return GivenParts([self.names[i] for i in indices], why)


def given_parts(
    tree: Tree, pictures: Sequence[str], notes: list[str], annotated: Sequence[str] = ()
) -> GivenParts:
    """The set's own split by all that can name one: folders, lists, tables, annotation files.

    What names no split by itself (only a folder ``train``, say) is not listened to. Where two
    disagree on a picture, it gets no part.

    Args:
        tree: the set.
        pictures: paths below it.
        notes: sentences about lists that do not fit are added here.
        annotated: the part that an annotation file stands for, of each picture.
    """
    folders = [part_of_folders(picture) for picture in pictures]
    listed, contradicted = listed_parts(tree, pictures, notes)
    sources = {
        "its folder": folders,
        "a list or table of the set": listed,
        "its annotation file": list(annotated) or [""] * len(pictures),
    }
    used = {source: parts for source, parts in sources.items() if given_split(parts)}
    names = [""] * len(pictures)
    why = dict(contradicted) if "a list or table of the set" in used else {}
    for source, parts in used.items():
        for i, part in enumerate(parts):
            if i in why or not part or part == names[i]:
                continue
            if names[i]:
                other = next(s for s, them in used.items() if them[i] == names[i])
                why[i] = f"{other} says {names[i]}, {source} says {part}"
            names[i] = part
    return GivenParts(["" if i in why else name for i, name in enumerate(names)], why)


def part_of_folders(file: str) -> str:
    """The part whose folder a file lies in; "" for none, or where two folders name two."""
    parts = {part for folder in folders_of(file) if (part := part_of_name(folder))}
    return parts.pop() if len(parts) == 1 else ""


def given_split(parts: Sequence[str]) -> bool:
    """Do these parts, one for each picture, make a split: training and one of the others."""
    counts = Counter(parts)
    return counts["training"] > 0 and counts["validation"] + counts["test"] > 0
