"""The cells and fields in which the laboratory and the program differ most, as pictures."""

import hashlib
from collections.abc import Mapping
from math import sqrt
from typing import Final

import cv2
import numpy as np

from core.imaging.view import png, shrink
from core.records import Cell, Field, RgbImage, SmearFinding
from core.review.acceptance.measured import DiscordantCell, DiscordantField
from core.review.exchange.contents import cut
from core.taxonomy import CellKind, critical_labels

MOST_CELLS: Final = 48
MOST_FIELDS: Final = 6
"""More are counted, and not shown: nobody looks at a hundred pictures."""

_CELL_PX: Final = 160
_FIELD_PX: Final = 900
_MARGIN: Final = 0.3
_COLOURS: Final[dict[CellKind, tuple[int, int, int]]] = {
    "rbc": (0, 114, 178),
    "wbc": (204, 51, 17),
    "platelet": (0, 120, 90),
}


class Discordance:
    """Collects discordant cells and fields while the pictures are at hand, the gravest first.

    Only the pictures of those that would be shown are kept in memory.
    """

    def __init__(self) -> None:
        self._cells: list[tuple[DiscordantCell, bytes]] = []
        self._fields: list[tuple[DiscordantField, bytes]] = []

    def add_cell(self, field: Field, cell: Cell, laboratory: str, program: str) -> None:
        """A white cell of known class, with both labels on the same level of the taxonomy."""
        if laboratory == program or cell.wbc is None:
            return
        box = cell.box_xyxy_px
        data = png(shrink(cut(field.pixels, box, _MARGIN), _CELL_PX))
        row = DiscordantCell(
            field.name, box, laboratory, program, round(cell.wbc.probability, 4), _name(data)
        )
        self._cells.append((row, data))
        self._cells.sort(key=lambda one: _gravity(one[0]))
        del self._cells[MOST_CELLS:]

    def add_field(
        self, field: Field, finding: SmearFinding, known: Mapping[CellKind, float]
    ) -> None:
        """A field with the laboratory's counts of some kinds."""
        counts: dict[CellKind, tuple[float, float]] = {
            kind: (n, float(finding.counts.of(kind).value)) for kind, n in known.items()
        }
        apart = [abs(n - other) >= 1 for n, other in counts.values()]
        if not any(apart):
            return
        row = DiscordantField(field.name, counts, "")
        worst = self._fields[-1][0] if len(self._fields) == MOST_FIELDS else None
        if worst is not None and distance(row) <= distance(worst):
            return  # would not be shown, so it need not be drawn
        data = png(_drawn(field.pixels, finding))
        self._fields.append((DiscordantField(field.name, counts, _name(data)), data))
        self._fields.sort(key=lambda one: -distance(one[0]))
        del self._fields[MOST_FIELDS:]

    @property
    def cells(self) -> tuple[DiscordantCell, ...]:
        return tuple(row for row, _ in self._cells)

    @property
    def fields(self) -> tuple[DiscordantField, ...]:
        return tuple(row for row, _ in self._fields)

    @property
    def pictures(self) -> dict[str, bytes]:
        """PNG files by their names."""
        cells = {row.picture: data for row, data in self._cells}
        return cells | {row.picture: data for row, data in self._fields}


def distance(row: DiscordantField) -> float:
    """How far apart the counts of a field are, in spreads of the laboratory's count.

    A count of n varies by about sqrt(n) between two looks at it, so one white cell of two weighs
    more than one red cell of twenty.
    """
    return max(abs(one - other) / sqrt(one + 1) for one, other in row.counts.values())


def _gravity(row: DiscordantCell) -> tuple[bool, float, str]:
    """Sort key: critical classes first, then the answers that were surest."""
    critical = {row.laboratory, row.program} & critical_labels()
    return not critical, -row.probability, row.picture


def _drawn(pixels: RgbImage, finding: SmearFinding) -> RgbImage:
    """The field, small, with a box round every located cell in the colour of its kind."""
    small = np.ascontiguousarray(shrink(pixels, _FIELD_PX)).copy()
    scale = max(small.shape[:2]) / max(pixels.shape[:2])
    for cell in finding.cells:
        x0, y0, x1, y1 = (round(scale * side) for side in cell.box_xyxy_px)
        cv2.rectangle(small, (x0, y0), (x1, y1), _COLOURS[cell.kind], 1, cv2.LINE_AA)
    return small


def _name(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
