"""Tables that people keep beside their pictures: CSV in its dialects, TSV, and Excel's .xlsx."""

import csv
import io
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from core.datasets.intake.matching import assign
from core.datasets.intake.reading import FileRefused, reading
from core.datasets.intake.tree import Tree, stem_of

FILE_COLUMNS: Final = (
    "file", "filename", "image", "picture", "name", "imagename", "imageid", "imagefile", "path",
    "filepath", "imagepath", "photo", "datei", "dateiname", "bild", "field",
)  # fmt: skip
GROUP_COLUMNS: Final = (
    "patient",
    "case",
    "person",
    "slide",
    "photo",
    "photo_group",
    "session_block",
    "group",
)
"""Columns that say what must stay on one side of a split."""

_ENDINGS: Final = (".csv", ".tsv", ".xlsx", ".xlsm")
_OLD_ENDINGS: Final = (".xls", ".ods", ".numbers")
_MAX_BYTES: Final = 50_000_000
_MAX_UNPACKED: Final = 50_000_000
_MAX_ROWS: Final = 500_000
_MAX_COLUMNS: Final = 500
_MAX_TABLES: Final = 500
_MAX_TEXTS: Final = 50
"""Texts that may be tables: Excel's "Unicode text" ends in .txt, but so do labels of YOLO."""
_DELIMITERS: Final = ",;\t|"
_FILLERS: Final = frozenset({"n", "no", "count", "counts", "number", "of", "id"})
_HEAD_ROWS: Final = 10
"""Lines above the column names (a title, a date) that are passed over."""


@dataclass(frozen=True)
class Row:
    """A line of a table, by column: names in small letters, known ones as the caller calls them.

    ``header`` is what the last kind of column asked for is called in the table itself.
    """

    table: str
    line: int
    cells: Mapping[str, str]
    header: str = ""


@dataclass(frozen=True)
class Tables:
    """Every table below a folder that has the columns asked for.

    ``refused`` are sentences about tables that could not be read or lack a column, ``columns`` the
    names of all columns that were found.
    """

    rows: tuple[Row, ...]
    refused: tuple[str, ...]
    columns: frozenset[str]


def read_tables(tree: Tree, *wanted: Sequence[str]) -> Tables:
    """Rows of the tables below a folder that have a column of each kind.

    Args:
        tree: the files.
        wanted: the names of each kind of column; the first is what rows call it.
    """
    rows: list[Row] = []
    refused: list[str] = []
    columns: set[str] = set()
    files = (*tree.ending(*_ENDINGS), *_texts(tree))
    for file in files[:_MAX_TABLES]:
        try:
            found = _read_table(tree.path(file), file, wanted)
        except FileRefused as refusal:
            if not file.lower().endswith(".txt"):  # most texts are no tables
                refused.append(str(refusal))
            continue
        rows += found
        columns |= {name for row in found[:1] for name in row.cells}
    if len(files) > _MAX_TABLES:
        refused.append(f"of {len(files)} tables the first {_MAX_TABLES} were read")
    refused += [
        f"{file} is not read: save it as .xlsx or CSV" for file in tree.ending(*_OLD_ENDINGS)
    ]
    return Tables(tuple(rows), tuple(refused), frozenset(columns))


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


def rows_of_pictures(
    rows: Sequence[Row], pictures: Sequence[str], values: Sequence[str]
) -> PictureRows:
    """The one row of each picture; rows that differ in ``values`` refuse it.

    Args:
        rows: with the column ``file``.
        pictures: paths below the set's folder.
        values: columns in which two rows of one picture must agree.
    """
    claims: dict[str, list[Row]] = {}
    unmatched: list[tuple[str, str]] = []
    contradicted: dict[str, str] = {}
    for table in dict.fromkeys(row.table for row in rows):
        mine = [row for row in rows if row.table == table and row.cells["file"]]
        found = assign([row.cells["file"] for row in mine], table.partition("#")[0], pictures)
        for picture, numbers in found.of_picture.items():
            claims.setdefault(picture, []).extend(mine[number] for number in numbers)
        for number, why in found.unmatched.items():
            unmatched.append(
                (mine[number].cells["file"], f"{table}, line {mine[number].line}: {why}")
            )
    of_picture = {}
    for picture, claimed in claims.items():
        if len({tuple(row.cells.get(value, "") for value in values) for row in claimed}) > 1:
            places = " and ".join(f"{row.table}, line {row.line}" for row in claimed[:2])
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


def groups_of_pictures(
    tree: Tree, pictures: Sequence[str]
) -> tuple[list[tuple[str, ...]], list[str]]:
    """What tables say each picture belongs to (``patient 7``), and the columns that said so."""
    rows = read_tables(tree, FILE_COLUMNS).rows
    bare: dict[str, str] = {_bare(column): column for column in GROUP_COLUMNS}
    keys: dict[str, dict[str, None]] = {}
    columns: set[str] = set()
    for table in dict.fromkeys(row.table for row in rows):
        mine = [row for row in rows if row.table == table and row.cells["file"]]
        own = {
            name: bare[_bare(name)] for row in mine[:1] for name in row.cells if _bare(name) in bare
        }
        if not own:
            continue
        found = assign([row.cells["file"] for row in mine], table.partition("#")[0], pictures)
        for picture, numbers in found.of_picture.items():
            for number in numbers:
                for name, column in own.items():
                    if value := mine[number].cells.get(name, ""):
                        keys.setdefault(picture, {})[f"{column} {value}"] = None
                        columns.add(column)
    ordered: list[str] = [column for column in GROUP_COLUMNS if column in columns]
    return [tuple(keys.get(picture, ())) for picture in pictures], ordered


# ---- one table -------------------------------------------------------------------------------


def _read_table(path: Path, file: str, wanted: Sequence[Sequence[str]]) -> list[Row]:
    with reading(file):
        if path.stat().st_size > _MAX_BYTES:
            raise FileRefused(f"{file} is larger than {_MAX_BYTES / 1e6:.0f} MB")
        found: list[Row] = []
        if file.lower().endswith((".xlsx", ".xlsm")):
            for sheet, lines in _sheets(path, file):
                found += _rows(f"{file}#{sheet}" if sheet else file, lines, wanted)
            return found
        refused: FileRefused | None = None
        text = text_of(path, _MAX_BYTES)
        for delimiter in _delimiters(text):
            try:
                found = _rows(file, _csv_lines(text, delimiter), wanted)
            except FileRefused as refusal:
                refused = refused or refusal
            if found:
                return found
        if refused:
            raise refused
        return []


def _rows(
    table: str, lines: Iterator[tuple[int, list[str]]], wanted: Sequence[Sequence[str]]
) -> list[Row]:
    names: list[str] = []
    header = ""
    rows: list[Row] = []
    for line, values in lines:
        if not names:
            names, header = _columns(table, values, wanted)
            if not names and line > _HEAD_ROWS:
                return []
            continue
        if line > _MAX_ROWS:
            raise FileRefused(f"{table} has more than {_MAX_ROWS:,} lines")
        if any(values):
            cells = dict(zip(names, values, strict=False)) | _absent(names, values)
            rows.append(Row(table, line, cells, header))
    return rows


def _absent(names: Sequence[str], values: Sequence[str]) -> dict[str, str]:
    return dict.fromkeys(names[len(values) :], "")


def _columns(
    table: str, values: Sequence[str], wanted: Sequence[Sequence[str]]
) -> tuple[list[str], str]:
    """Names of the columns if this is the line of them, with a column of each kind; else none.

    With them the name that the last kind of column has in the table.
    """
    header = ""
    names = [value.casefold() for value in values]
    plain = [_bare(value) for value in values]
    for kind in wanted:
        of_kind = [i for i, name in enumerate(plain) if name in {_bare(word) for word in kind}]
        if not of_kind:
            return [], ""
        first = min(of_kind, key=lambda i: [_bare(word) for word in kind].index(plain[i]))
        if plain.count(plain[first]) > 1:
            raise FileRefused(f"{table} has the column {values[first]} twice")
        names[first], header = kind[0], values[first]
    return names, header


def _bare(name: str) -> str:
    """A column's name in small letters, without signs and the words for a number."""
    words = re.findall(r"[^\W\d_]+", name.casefold())
    kept = [word for word in words if word not in _FILLERS]
    return "".join(kept or words)


def _delimiters(text: str) -> list[str]:
    """Signs that may part the columns, the likeliest first."""
    if text[:4].casefold() == "sep=" and len(text) > 4:  # Excel's own first line
        return [text[4]]
    head = text[:20_000].splitlines()[:_HEAD_ROWS]
    # Spreadsheets of half the world write semicolons and a decimal comma.
    counts = {sign: max((line.count(sign) for line in head), default=0) for sign in _DELIMITERS}
    return sorted((sign for sign in counts if counts[sign]), key=lambda sign: -counts[sign])


def _csv_lines(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    if "\0" in text:
        raise FileRefused("it holds bytes that no text has")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if text[:4].casefold() == "sep=":
        text = text[5:].lstrip("\n")
    reader = csv.reader(io.StringIO(text), delimiter=delimiter)
    for number, values in enumerate(reader, start=1):
        yield number, [value.strip() for value in values[:_MAX_COLUMNS]]


def _sheets(path: Path, file: str) -> Iterator[tuple[str, Iterator[tuple[int, list[str]]]]]:
    with zipfile.ZipFile(path) as packed:
        if sum(entry.file_size for entry in packed.infolist()) > _MAX_UNPACKED:
            raise FileRefused(f"{file} unpacks to more than {_MAX_UNPACKED / 1e6:.0f} MB")
    # A heavy library, needed by few.
    from openpyxl import load_workbook

    book = load_workbook(path, read_only=True, data_only=True)
    try:
        titles = book.sheetnames
        for sheet in book.worksheets:
            lines = sheet.iter_rows(max_row=_MAX_ROWS + 1, max_col=_MAX_COLUMNS, values_only=True)
            numbered = ((n, [_text(v) for v in row]) for n, row in enumerate(lines, start=1))
            yield (sheet.title if len(titles) > 1 else ""), numbered
    finally:
        book.close()


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    return str(value).strip()


def text_of(path: Path, most: int) -> str:
    """A text file in UTF-8, UTF-16 with its mark, or Windows-1252.

    Raises:
        FileRefused: for one larger than ``most`` bytes.
    """
    if path.stat().st_size > most:
        raise FileRefused(f"{path.name} is larger than {most / 1e6:.0f} MB")
    data = path.read_bytes()
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", errors="replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")
