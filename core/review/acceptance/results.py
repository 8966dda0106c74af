"""The laboratory's own results as it brings them: CSV files, told apart by their columns.

- counts of a field: ``file`` and any of ``rbc``, ``wbc``, ``platelet``; ``slide`` where known
- class of a cell: ``file``, ``class``; ``x0 y0 x1 y1`` in pixels where a field has several cells
- differential of a slide: ``slide`` and a column for each class, in percent or in cells
"""

import csv
import io
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from core.datasets.intake.cell_names import UNDIVIDED, class_of_folder
from core.records import Box
from core.taxonomy import KINDS, CellKind, is_leukocyte

MAX_BYTES: Final = 5_000_000
MAX_ROWS: Final = 50_000
_FILE: Final = ("file", "filename", "image", "picture", "field")
_SLIDE: Final = ("slide", "sample", "case", "smear")
_CLASS: Final = ("class", "label", "cell_type")
_BOX: Final = ("x0", "y0", "x1", "y1")
_KIND_NAMES: Final[dict[str, CellKind]] = {
    "rbc": "rbc",
    "red_cells": "rbc",
    "wbc": "wbc",
    "white_cells": "wbc",
    "platelet": "platelet",
    "platelets": "platelet",
    "plt": "platelet",
}


class ResultsRefused(ValueError):
    """A file of results that cannot be used; one sentence says which, why and what is expected."""


@dataclass(frozen=True)
class CellResult:
    """What the laboratory called one white cell; without a box it is the field's only one."""

    label: str
    box_xyxy_px: Box | None


@dataclass(frozen=True)
class LocalResults:
    """All results together.

    ``counts``: file -> kind -> cells. ``cells``: file -> its cells. ``shares``: slide -> class ->
    percent of the leukocytes. ``slides``: file -> slide.
    """

    counts: dict[str, dict[CellKind, float]] = field(default_factory=dict)
    cells: dict[str, tuple[CellResult, ...]] = field(default_factory=dict)
    shares: dict[str, dict[str, float]] = field(default_factory=dict)
    slides: dict[str, str] = field(default_factory=dict)

    def slide_of(self, file: str) -> str:
        """As the results say it; otherwise the name up to its last ``_`` or ``-``."""
        if file in self.slides:
            return self.slides[file]
        stem = file.rsplit(".", 1)[0]
        cut = max(stem.rfind("_"), stem.rfind("-"))
        return stem[:cut] if cut > 0 else stem


def read_results(files: Iterable[tuple[str, bytes]]) -> LocalResults:
    """Every file of results, put together.

    Raises:
        ResultsRefused: for the first file or line that cannot be used.
    """
    found = LocalResults()
    cells: dict[str, list[CellResult]] = {}
    for name, data in files:
        rows, columns = _rows(name, data)
        file, slide = _column(columns, _FILE), _column(columns, _SLIDE)
        label = _column(columns, _CLASS)
        kinds = {column: _KIND_NAMES[column] for column in columns if column in _KIND_NAMES}
        if file and label:
            _take_cells(name, rows, file, label, cells)
        elif file and kinds:
            _take_counts(name, rows, file, kinds, found)
        elif slide and not file:
            _take_shares(name, rows, slide, columns, found)
        else:
            raise ResultsRefused(
                f"{name} has the columns {', '.join(columns)}; expected are file with rbc, wbc or "
                "platelet, file with class, or slide with a column for each class."
            )
        if file and slide:
            found.slides.update({_base(row[file]): row[slide] for row in rows if row[slide]})
    found.cells.update({name: tuple(here) for name, here in cells.items()})
    if not (found.counts or found.cells or found.shares):
        raise ResultsRefused("The files of results hold no results.")
    return found


def _rows(name: str, data: bytes) -> tuple[list[dict[str, str]], list[str]]:
    if len(data) > MAX_BYTES:
        raise ResultsRefused(f"{name} is larger than {MAX_BYTES / 1e6:.0f} MB.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    if "\0" in text:
        raise ResultsRefused(f"{name} is no CSV file.")
    head = text.split("\n", 1)[0]
    # Spreadsheets of half the world write semicolons and a decimal comma.
    delimiter = max(",;\t", key=head.count)
    reader = csv.DictReader(io.StringIO(text), delimiter=delimiter)
    try:
        head_row = reader.fieldnames or ()
    except csv.Error as error:
        raise ResultsRefused(f"{name} is no CSV file: {error}.") from error
    columns = [(c or "").strip().casefold().replace(" ", "_") for c in head_row]
    if len(columns) < 2:
        raise ResultsRefused(f"{name} is no CSV file with a line of column names.")
    if len(set(columns)) < len(columns):
        raise ResultsRefused(f"{name} has a column twice.")
    rows = []
    for number, row in enumerate(_lines(name, reader), start=2):
        if number > MAX_ROWS:
            raise ResultsRefused(f"{name} has more than {MAX_ROWS} lines.")
        values = [(value or "").strip() for key, value in row.items() if key is not None]
        if any(values):
            rows.append(dict(zip(columns, values, strict=True)) | {"": str(number)})
    if not rows:
        raise ResultsRefused(f"{name} has no lines under its column names.")
    return rows, columns


def _lines(
    name: str, reader: Iterable[dict[str | Any, str | Any]]
) -> Iterator[dict[str | Any, str | Any]]:
    """The rows of a table; what is no CSV in the middle of one is a refusal too."""
    try:
        yield from reader
    except csv.Error as error:
        raise ResultsRefused(f"{name} is no CSV file: {error}.") from error


def _column(columns: Iterable[str], names: tuple[str, ...]) -> str | None:
    return next((column for column in columns if column in names), None)


def _take_counts(
    name: str,
    rows: list[dict[str, str]],
    file: str,
    kinds: Mapping[str, CellKind],
    found: LocalResults,
) -> None:
    for row in rows:
        key = _named(name, row, file)
        if key in found.counts:
            raise ResultsRefused(f"{name}, line {row['']}: {key} has counts already.")
        numbers = {
            kind: _number(name, row, column) for column, kind in kinds.items() if row[column] != ""
        }
        if numbers:
            found.counts[key] = numbers


def _take_cells(
    name: str, rows: list[dict[str, str]], file: str, label: str, cells: dict[str, list[CellResult]]
) -> None:
    for row in rows:
        key = _named(name, row, file)
        known = class_of_folder(row[label])
        if known is None:
            raise ResultsRefused(
                f"{name}, line {row['']}: {row[label]!r} is no class of white cell known here."
            )
        box: Box | None = None
        if all(row.get(side) for side in _BOX):
            x0, y0, x1, y1 = (_number(name, row, side) for side in _BOX)
            if not (x0 < x1 and y0 < y1):
                raise ResultsRefused(f"{name}, line {row['']}: the box has no area.")
            box = (x0, y0, x1, y1)
        here = cells.setdefault(key, [])
        if here and (box is None or here[0].box_xyxy_px is None):
            raise ResultsRefused(
                f"{name}, line {row['']}: {key} has several cells, so each needs x0, y0, x1, y1."
            )
        here.append(CellResult(known, box))


def _take_shares(
    name: str, rows: list[dict[str, str]], slide: str, columns: list[str], found: LocalResults
) -> None:
    classes = {c: class_of_folder(c) for c in columns if c != slide}
    strange = sorted(c for c, known in classes.items() if known is None)
    leukocytes = {c: k for c, k in classes.items() if k and is_leukocyte(k)}
    if len(leukocytes) < 2:
        raise ResultsRefused(
            f"{name} has no two columns of white-cell classes; unknown are {', '.join(strange)}."
        )
    for row in rows:
        key = row[slide]
        if not key or key in found.shares:
            what = "no slide" if not key else f"{key} has a differential already"
            raise ResultsRefused(f"{name}, line {row['']}: {what}.")
        given: dict[str, float] = {}
        for column, known in leukocytes.items():
            if row[column] != "":
                given[str(known)] = given.get(str(known), 0.0) + _number(name, row, column)
        total = sum(given.values())
        if not total:
            raise ResultsRefused(f"{name}, line {row['']}: the differential of {key} is empty.")
        # Percent and cells counted come to the same once divided by their sum.
        found.shares[key] = _with_total(
            {known: 100 * value / total for known, value in given.items()}
        )


def _with_total(shares: dict[str, float]) -> dict[str, float]:
    parts = ("segmented_neutrophil", "band_neutrophil", UNDIVIDED)
    known = [shares[part] for part in parts if part in shares]
    return {**shares, UNDIVIDED: sum(known)} if known else shares


def _named(name: str, row: Mapping[str, str], file: str) -> str:
    if not row[file]:
        raise ResultsRefused(f"{name}, line {row['']}: the name of the picture is missing.")
    return _base(row[file])


def _base(path: str) -> str:
    return path.replace("\\", "/").rsplit("/", 1)[-1]


def _number(name: str, row: Mapping[str, str], column: str) -> float:
    text = row[column].replace("%", "").strip()
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or value < 0:
        raise ResultsRefused(f"{name}, line {row['']}: {column} is {text!r}, not a number from 0.")
    return value


def kinds_of(results: LocalResults) -> tuple[CellKind, ...]:
    """Kinds that at least one field has a count of."""
    return tuple(k for k in KINDS if any(k in numbers for numbers in results.counts.values()))
