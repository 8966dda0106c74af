"""Which words stand for training, validation and test."""

from typing import Final

from core.datasets.intake.tree import words_of

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
