"""Random placement of cells such that no cell hides another.

Cells are transparent, so an overlapped cell stays visible. Even so, most of each cell is free of
others, and enough of it is inside the field to be counted.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from core.imaging.synthetic.patch import CellPatch
from core.taxonomy import CellKind

Mask = npt.NDArray[np.bool_]

MIN_VISIBLE_SHARE: Final = 0.10
"""A drawn cell has at least this share of its silhouette inside the field; others are not drawn."""

MAX_COVERED_SHARE: Final = 0.45
"""No cell is overlapped by others over more than this share of its visible part."""

_TRIES: Final = 600


@dataclass(frozen=True)
class PlacedCell:
    """A patch with the field coordinates ``(x, y)`` of its top left pixel, which may be < 0."""

    kind: CellKind
    label: str | None
    patch: CellPatch
    x: int
    y: int

    def windows(self, width: int, height: int) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
        """Rows and columns of the part inside a field: in the field, and in the patch."""
        size = self.patch.size_px
        x0, x1 = max(0, self.x), min(width, self.x + size)
        y0, y1 = max(0, self.y), min(height, self.y + size)
        x1, y1 = max(x0, x1), max(y0, y1)
        return (
            (slice(y0, y1), slice(x0, x1)),
            (slice(y0 - self.y, y1 - self.y), slice(x0 - self.x, x1 - self.x)),
        )

    def visible(self, width: int, height: int) -> Mask:
        """The silhouette inside the field, in the shape of the patch's window."""
        return self.patch.silhouette[self.windows(width, height)[1]]

    def box_xyxy_px(self, width: int, height: int) -> tuple[float, float, float, float]:
        """Bounds of the silhouette inside the field, exclusive at the right and bottom."""
        (rows, columns), _ = self.windows(width, height)
        seen = self.visible(width, height)
        ys, xs = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
        x0, y0 = columns.start, rows.start
        return (
            float(x0 + xs[0]),
            float(y0 + ys[0]),
            float(x0 + xs[-1] + 1),
            float(y0 + ys[-1] + 1),
        )


@dataclass
class Slide:
    """The field being filled: the cells placed so far and how much of each is covered."""

    width: int
    height: int
    cells: list[PlacedCell] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._depth = np.zeros((self.height, self.width), dtype=np.uint8)
        self._white = np.zeros((self.height, self.width), dtype=np.bool_)

    def add(self, cell: PlacedCell) -> None:
        """Lay a cell down without asking whether it fits."""
        window, _ = cell.windows(self.width, self.height)
        seen = cell.visible(self.width, self.height)
        self._depth[window] += seen
        if cell.kind == "wbc":
            self._white[window] |= seen
        self.cells.append(cell)

    def place(
        self,
        rng: np.random.Generator,
        kind: CellKind,
        label: str | None,
        patch: CellPatch,
        *,
        min_share: float = 0.13,
        near: float = 0.0,
    ) -> bool:
        """Find room for a cell and lay it down.

        Args:
            rng: source of the places tried.
            kind: kind of the cell.
            label: class of a white cell.
            patch: the drawn cell.
            min_share: share of it to keep inside the field, at least ``MIN_VISIBLE_SHARE``.
            near: chance that a place beside a red cell is tried first, as cells do cluster.

        Returns:
            False if no place was found; nothing is laid down then.
        """
        # Most cells lie free, some touch, few overlap clearly; crowded fields relax that.
        first = float(rng.choice([0.0, 0.06, 0.20, 0.33], p=[0.52, 0.18, 0.20, 0.10]))
        if kind != "rbc":
            first = 0.0
        for attempt in range(_TRIES):
            limit = first + (MAX_COVERED_SHARE - first) * max(0.0, attempt / _TRIES - 0.1) / 0.9
            x, y = self._proposal(rng, patch, near if attempt < 40 else 0.0)
            cell = PlacedCell(kind, label, patch, x, y)
            if self._fits(cell, limit, max(min_share, MIN_VISIBLE_SHARE)):
                self.add(cell)
                return True
        return False

    def _proposal(self, rng: np.random.Generator, patch: CellPatch, near: float) -> tuple[int, int]:
        half = patch.size_px / 2
        reds = [cell for cell in self.cells if cell.kind == "rbc"]
        if reds and rng.random() < near:
            other = reds[int(rng.integers(len(reds)))]
            angle = rng.uniform(0, 2 * np.pi)
            reach = rng.uniform(0.5, 0.95) * (patch.size_px + other.patch.size_px) / 2 / 1.2
            middle = other.patch.size_px / 2
            x = other.x + middle + reach * np.cos(angle)
            y = other.y + middle + reach * np.sin(angle)
        else:
            x = rng.uniform(-0.45 * half, self.width + 0.45 * half)
            y = rng.uniform(-0.45 * half, self.height + 0.45 * half)
        return round(x - half), round(y - half)

    def _fits(self, cell: PlacedCell, limit: float, min_share: float) -> bool:
        window, _ = cell.windows(self.width, self.height)
        seen = cell.visible(self.width, self.height)
        area = int(seen.sum())
        if area < min_share * cell.patch.silhouette.sum() or area < 6:
            return False
        depth = self._depth[window][seen]
        if np.count_nonzero(depth) > limit * area or (depth > 1).any():
            return False
        # White cells push red cells aside rather than lie on them.
        if np.count_nonzero(self._white[window][seen]) > min(limit, 0.14) * area:
            return False
        return all(self._stays_seen(other, cell, limit) for other in self.cells)

    def _stays_seen(self, other: PlacedCell, cell: PlacedCell, limit: float) -> bool:
        """Whether ``other`` keeps enough of itself uncovered once ``cell`` lies there too."""
        x0, x1 = (
            max(0, other.x, cell.x),
            min(self.width, other.x + other.patch.size_px, cell.x + cell.patch.size_px),
        )
        y0, y1 = (
            max(0, other.y, cell.y),
            min(self.height, other.y + other.patch.size_px, cell.y + cell.patch.size_px),
        )
        if x0 >= x1 or y0 >= y1:
            return True
        mine = cell.patch.silhouette[y0 - cell.y : y1 - cell.y, x0 - cell.x : x1 - cell.x]
        its = other.patch.silhouette[y0 - other.y : y1 - other.y, x0 - other.x : x1 - other.x]
        shared = int(np.count_nonzero(mine & its))
        if shared == 0:
            return True
        window, _ = other.windows(self.width, self.height)
        seen = other.visible(self.width, self.height)
        covered = int(np.count_nonzero(self._depth[window][seen] > 1)) + shared
        allowed = max(limit, 0.33) if other.kind == "rbc" else 0.12
        return covered <= min(allowed, MAX_COVERED_SHARE) * int(seen.sum())
