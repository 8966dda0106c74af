"""Tables that people keep beside their pictures: CSV in its dialects, TSV, and Excel's .xlsx."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from core.datasets.intake.columns import (
    FILE,
    GROUP_COLUMNS,
    Column,
    column_names,
    group_column,
    says_nothing,
)
from core.datasets.intake.matching import assign
from core.datasets.intake.reading import FileRefused, reading
from core.datasets.intake.table_files import (
    MAX_ROWS,
    MAX_TABLE_BYTES,
    Lines,
    csv_lines,
    delimiters_of,
    sheets_of,
    text_of,
)
from core.datasets.intake.tree import Tree, stem_of

_ENDINGS: Final = (".csv", ".tsv", ".xlsx", ".xlsm")
_OLD_ENDINGS: Final = (".xls", ".ods", ".numbers")
_MAX_TABLES: Final = 500
_MAX_TEXTS: Final = 50
"""Texts that may be tables: Excel's "Unicode text" ends in .txt, but so do labels of YOLO."""
_HEAD_ROWS: Final = 10
"""Lines above the column names (a title, a date) that are passed over."""


@dataclass(frozen=True)
class Row:
    """A line of a table, by column: names in small letters, known ones as the caller calls them.

    ``header`` is what the last kind of column asked for is called in the table itself. ``odd`` says
    why the line cannot be used; then its cells may stand in the wrong columns.
    """

    table: str
    line: int
    cells: Mapping[str, str]
    header: str = ""
    odd: str = ""

    @property
    def place(self) -> str:
        """Table and line in words."""
        return f"{self.table}, line {self.line}"


@dataclass(frozen=True)
class Tables:
    """Every table below a folder that has the columns asked for.

    ``refused`` are sentences about tables that could not be read or lack a column, ``notes`` about
    what is unusual in those that were read.
    """

    rows: tuple[Row, ...]
    refused: tuple[str, ...]
    notes: tuple[str, ...]

    def by_table(self) -> dict[str, list[Row]]:
        """The rows of each table that name a picture."""
        rows: dict[str, list[Row]] = {}
        for row in self.rows:
            if row.cells["file"]:
                rows.setdefault(row.table, []).append(row)
        return rows


def read_tables(tree: Tree, *wanted: Column) -> Tables:
    """Rows of the tables below a folder that have a column of each kind."""
    rows: list[Row] = []
    refused: list[str] = []
    notes: list[str] = []
    files = (*tree.ending(*_ENDINGS), *_texts(tree))
    for file in files[:_MAX_TABLES]:
        try:
            found, remarks = _read_table(tree.path(file), file, wanted)
        except FileRefused as refusal:
            if not file.lower().endswith(".txt"):  # most texts are no tables
                refused.append(str(refusal))
            continue
        rows += found
        notes += remarks if found else []
    if len(files) > _MAX_TABLES:
        refused.append(f"of {len(files)} tables the first {_MAX_TABLES} were read")
    refused += [
        f"{file} is not read: save it as .xlsx or CSV" for file in tree.ending(*_OLD_ENDINGS)
    ]
    return Tables(tuple(rows), tuple(refused), tuple(notes))


def _texts(tree: Tree) -> list[str]:
    stems = {stem_of(picture) for picture in tree.pictures}
    texts = [file for file in tree.ending(".txt") if stem_of(file) not in stems]
    return texts if len(texts) <= _MAX_TEXTS else []


@dataclass(frozen=True)
class PictureRows:
    """Rows by the picture they are about; ``contradicted`` says why a picture has none."""

    of_picture: dict[str, Row]
    contradicted: dict[str, str]
    unmatched: tuple[tuple[str, str], ...]

    @property
    def ambiguous(self) -> list[str]:
        """What was said of rows that fit several pictures, the first of them."""
        return [why for _, why in self.unmatched if "equally well" in why][:100]


def rows_of_pictures(tables: Tables, pictures: Sequence[str], values: Sequence[str]) -> PictureRows:
    """The one row of each picture; rows that differ in ``values`` refuse it.

    Args:
        tables: with the column ``file``.
        pictures: paths below the set's folder.
        values: columns in which two rows of one picture must agree.
    """
    claims: dict[str, list[Row]] = {}
    unmatched: list[tuple[str, str]] = []
    contradicted: dict[str, str] = {}
    for table, rows in tables.by_table().items():
        found = assign([row.cells["file"] for row in rows], table.partition("#")[0], pictures)
        for picture, numbers in found.of_picture.items():
            claims.setdefault(picture, []).extend(rows[number] for number in numbers)
        for number, why in found.unmatched.items():
            unmatched.append((rows[number].cells["file"], f"{rows[number].place}: {why}"))
    of_picture = {}
    for picture, claimed in claims.items():
        odd = next((row for row in claimed if row.odd), None)
        if odd is not None:
            contradicted[picture] = f"{odd.place} {odd.odd}"
        elif len({tuple(row.cells.get(value, "") for value in values) for row in claimed}) > 1:
            places = " and ".join(row.place for row in claimed[:2])
            contradicted[picture] = f"two rows fit it and differ: {places}"
        else:
            of_picture[picture] = claimed[0]
    return PictureRows(of_picture, contradicted, tuple(unmatched))


def no_row(rows: PictureRows, picture: str) -> str:
    """Why a picture has no row, naming a row that fits it and another."""
    if picture in rows.contradicted:
        return rows.contradicted[picture]
    for why in rows.ambiguous:
        if picture in why:
            return f"the table has no row for it alone ({why})"
    return "the table has no row for it"


@dataclass
class PictureGroups:
    """What tables say each picture belongs to, and which columns say so.

    ``keys`` are one for each picture (``patient 7``), ``columns`` in the order of
    `GROUP_COLUMNS`, ``notes`` sentences about lines that name no group.
    """

    keys: list[tuple[str, ...]]
    columns: list[str]
    notes: list[str] = field(default_factory=list)


def groups_of_pictures(tree: Tree, pictures: Sequence[str]) -> PictureGroups:
    """The patients, slides and the like that tables name for pictures."""
    tables = read_tables(tree, FILE)
    keys: dict[str, dict[str, None]] = {}
    columns: set[str] = set()
    notes = [*tables.refused, *tables.notes]
    for table, rows in tables.by_table().items():
        own = {
            name: column
            for name in rows[0].cells
            if (column := group_column(name))
            and not says_nothing(column, [row.cells.get(name, "") for row in rows])
        }
        if not own:
            continue
        found = assign([row.cells["file"] for row in rows], table.partition("#")[0], pictures)
        without: dict[str, list[Row]] = {column: [] for column in own.values()}
        for picture, numbers in found.of_picture.items():
            for row in (rows[number] for number in numbers):
                for name, column in own.items():
                    if row.odd or not row.cells.get(name, ""):
                        without[column].append(row)
                        continue
                    keys.setdefault(picture, {})[f"{column} {row.cells[name]}"] = None
                    columns.add(column)
        notes += _rows_without_group(without, columns)
    ordered: list[str] = [column for column in GROUP_COLUMNS if column in columns]
    return PictureGroups([tuple(keys.get(picture, ())) for picture in pictures], ordered, notes)


def _rows_without_group(without: Mapping[str, Sequence[Row]], used: set[str]) -> list[str]:
    """A sentence for each column that groups some of the pictures of a table and not others."""
    return [
        f"{rows[0].place}{_and_more(rows)} names no {column} (or not in its column): such a "
        f"picture counts as a {column} of its own"
        for column, rows in without.items()
        if rows and column in used
    ]


def _and_more(rows: Sequence[Row]) -> str:
    return f" and {len(rows) - 1} more" if len(rows) > 1 else ""


# ---- one table -------------------------------------------------------------------------------


def _read_table(path: Path, file: str, wanted: Sequence[Column]) -> tuple[list[Row], list[str]]:
    """Rows of one file, and remarks about it."""
    with reading(file):
        if path.stat().st_size > MAX_TABLE_BYTES:
            raise FileRefused(f"{file} is larger than {MAX_TABLE_BYTES / 1e6:.0f} MB")
        notes: list[str] = []
        found: list[Row] = []
        if file.lower().endswith((".xlsx", ".xlsm")):
            for sheet, lines in sheets_of(path, file, notes):
                found += _rows(f"{file}#{sheet}" if sheet else file, lines, wanted)
            return found, notes
        refused: FileRefused | None = None
        text = text_of(path, MAX_TABLE_BYTES)
        for delimiter in delimiters_of(text):
            try:
                found = _rows(file, csv_lines(text, delimiter), wanted)
            except FileRefused as refusal:
                refused = refused or refusal
            if found:
                return found, notes
        if refused:
            raise refused
        return [], notes


def _rows(table: str, lines: Lines, wanted: Sequence[Column]) -> list[Row]:
    names: list[str] = []
    header = ""
    rows: list[Row] = []
    for line, values in lines:
        if not names:
            names, header = column_names(table, values, wanted)
            if not names and line > _HEAD_ROWS:
                return []
            continue
        if line > MAX_ROWS:
            raise FileRefused(f"{table} has more than {MAX_ROWS:,} lines")
        if any(values):
            cells = dict.fromkeys(names, "") | dict(zip(names, values, strict=False))
            rows.append(Row(table, line, cells, header, _odd(names, values)))
    return rows


def _odd(names: Sequence[str], values: Sequence[str]) -> str:
    """Why a line cannot be used: 12,5 without quotes moves all that follows by one column."""
    if not any(values[len(names) :]):
        return ""
    return (
        f"has {len(values)} values for {len(names)} columns: put a value that holds a comma in "
        "quotes"
    )
