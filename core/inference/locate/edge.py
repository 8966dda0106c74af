"""Is a cell cut by the edge of the field."""

from typing import Final

from core.records import Box

EDGE_SHARE: Final = 0.02
"""A box within this share of the shorter side from an edge touches it."""


def touches_edge(box: Box, width: int, height: int) -> bool:
    """Is the cell cut by any edge of the field."""
    reach = EDGE_SHARE * min(width, height)
    x0, y0, x1, y1 = box
    return x0 <= reach or y0 <= reach or x1 >= width - reach or y1 >= height - reach
