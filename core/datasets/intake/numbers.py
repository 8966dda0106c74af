"""Numbers as people and spreadsheets write them."""

import math
import re
from typing import Final

MOST_CELLS: Final = 100_000
"""Cells of a kind that a field can hold; more is a slip of the pen."""


def decimal(text: str) -> float:
    """A finite number with a point or a comma before its decimals.

    Raises:
        ValueError: for anything else.
    """
    plain = text.strip()
    if len(plain) > 40:
        raise ValueError(f"{plain[:12]}... is too long for a number")
    if "." not in plain and plain.count(",") == 1:
        plain = plain.replace(",", ".")
    try:
        value = float(plain)
    except ValueError:
        raise ValueError(f"{text.strip()[:30]!r} is not a number") from None
    if not math.isfinite(value):
        raise ValueError(f"{text.strip()!r} is not a number")
    return value


def whole(text: str) -> int:
    """A number of cells: ``12``, and ``12.0`` or ``12,0`` as spreadsheets write it.

    ``12.000`` is refused: it is twelve thousand in half of Europe.

    Raises:
        ValueError: with the reason, without the column's name.
    """
    plain = text.strip()
    match = re.fullmatch(r"(\d{1,12})(?:[.,](0+))?", plain)
    if match is None or (match[2] is not None and len(match[2]) == 3):
        raise ValueError(repr(plain if len(plain) <= 30 else f"{plain[:27]}..."))
    number = int(match[1])
    if number > MOST_CELLS:
        raise ValueError(f"{plain!r}, more than {MOST_CELLS:,}")
    return number
