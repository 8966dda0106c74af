"""Synthetic blood-smear fields: a picture from a seed, with every cell in it exactly known."""

from core.imaging.synthetic.layout import MAX_COVERED_SHARE, MIN_VISIBLE_SHARE
from core.imaging.synthetic.scene import (
    DIAMETER_RANGE_PX,
    SIZE_RANGE_PX,
    SyntheticCell,
    SyntheticField,
    draw,
    draw_cell,
    png_bytes,
)
from core.imaging.synthetic.stain import STAINS

__all__ = [
    "DIAMETER_RANGE_PX",
    "MAX_COVERED_SHARE",
    "MIN_VISIBLE_SHARE",
    "SIZE_RANGE_PX",
    "STAINS",
    "SyntheticCell",
    "SyntheticField",
    "draw",
    "draw_cell",
    "png_bytes",
]
