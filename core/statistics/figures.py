"""Rows in which measured figures are handed on and written: dictionaries with fixed keys.

Their keys are those of the JSON that commands print and cards hold.
"""

from typing_extensions import TypedDict


class Measured(TypedDict):
    """A share or a score with its 95 % interval; ``value`` is None where ``n`` is 0."""

    value: float | None
    low: float
    high: float
    n: int


class ClassRow(TypedDict):
    """Precision, recall and F1 of one class, None where undefined, and how many cells it has."""

    precision: float | None
    recall: float | None
    f1: float | None
    n: int | None
