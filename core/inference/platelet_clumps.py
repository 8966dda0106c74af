"""Platelets that lie in a clump, where the count is a lower bound."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from core.records import Box

FEWEST: Final = 3
"""Platelets that touch one another from which on they are a clump."""

_GAP: Final = 0.25
"""Boxes nearer than this share of their mean side touch."""


def largest_clump(boxes: Sequence[Box]) -> int:
    """Number of platelets in the largest group whose boxes touch, ``(x0, y0, x1, y1)`` each."""
    if not boxes:
        return 0
    found = np.array(boxes, float)
    low, high = found[:, :2], found[:, 2:]
    sides = (high - low).mean(axis=1)
    reach = _GAP * (sides[:, None] + sides[None]) / 2
    # Distance of two boxes along each axis, negative where they overlap.
    apart = np.maximum(low[:, None] - high[None], low[None] - high[:, None]).max(axis=2)
    touching = apart <= reach
    left, largest = set(range(len(found))), 0
    while left:
        group = {left.pop()}
        edge = set(group)
        while edge:
            edge = {int(i) for one in edge for i in np.flatnonzero(touching[one])} & left
            left -= edge
            group |= edge
        largest = max(largest, len(group))
    return largest
