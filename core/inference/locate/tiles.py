"""Overlapping tiles of a large picture: memory stays flat, and no cell is cut by a seam."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

Span = tuple[slice, slice]


@dataclass(frozen=True)
class Tile:
    """``read`` are the rows and columns to look at, with margins; ``inner`` those that count."""

    read: Span
    inner: Span

    def place(self, stride: int) -> Span:
        """Where the answer belongs in a map of the picture that is ``stride`` times smaller."""
        rows, columns = self.inner
        return _divided(rows, 0, stride), _divided(columns, 0, stride)

    def kept(self, stride: int) -> Span:
        """Which part of the answer for ``read`` that is."""
        (rows, columns), (first_row, first_column) = self.inner, self.read
        return _divided(rows, first_row.start, stride), _divided(
            columns, first_column.start, stride
        )


def tiles(height: int, width: int, *, multiple: int, margin: int, longest: int) -> Iterator[Tile]:
    """Tiles that cover a picture, row by row; one tile where the picture is small enough.

    Args:
        height: of the picture, in pixels, as ``width`` a multiple of ``multiple``.
        width: of the picture.
        multiple: every border lies at a multiple of it.
        margin: pixels beyond the part that counts, a multiple of ``multiple``; what a network
            answers near a border depends on what lies beyond.
        longest: pixels a side that are read at once, margins apart. Smaller tiles spend more on
            margins; larger ones take more memory and leave the processor's cache.
    """
    for rows, read_rows in _spans(height, multiple, margin, longest):
        for columns, read_columns in _spans(width, multiple, margin, longest):
            yield Tile((read_rows, read_columns), (rows, columns))


def _spans(length: int, multiple: int, margin: int, longest: int) -> list[tuple[slice, slice]]:
    """Equal spans along one side: what counts, and the same with margins."""
    number = 1 if length <= longest + 2 * margin else math.ceil(length / longest)
    step = math.ceil(length / number / multiple) * multiple
    spans = []
    for start in range(0, length, step):
        end = min(start + step, length)
        spans.append((slice(start, end), slice(max(0, start - margin), min(length, end + margin))))
    return spans


def _divided(span: slice, start: int, stride: int) -> slice:
    return slice((span.start - start) // stride, (span.stop - start) // stride)
