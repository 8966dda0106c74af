"""The split that a set brings along: folders, or annotation files, called train, valid and test."""

from collections import Counter
from collections.abc import Sequence
from typing import Final

from core.datasets.intake.tree import folders_of, words_of

PARTS: Final = ("training", "validation", "test")

_PART_OF: Final = {
    **dict.fromkeys(("train", "training", "trainset", "trn", "traindata"), "training"),
    **dict.fromkeys(("val", "valid", "validation", "dev", "valset", "validate"), "validation"),
    **dict.fromkeys(("test", "testing", "testset", "tst", "testdata"), "test"),
}


def part_of_name(name: str) -> str:
    """The part that a folder's or file's name stands for: ``train2017``, ``TEST_SIMPLE``; or ""."""
    parts = {_PART_OF[word] for word in words_of(name) if word in _PART_OF}
    return parts.pop() if len(parts) == 1 else ""


def part_of_folders(file: str) -> str:
    """The part whose folder a file lies in; "" for none, or where two folders name two."""
    parts = {part for folder in folders_of(file) if (part := part_of_name(folder))}
    return parts.pop() if len(parts) == 1 else ""


def given_split(parts: Sequence[str]) -> bool:
    """Do these parts, one for each picture, make a split: training and one of the others."""
    counts = Counter(parts)
    return counts["training"] > 0 and counts["validation"] + counts["test"] > 0
