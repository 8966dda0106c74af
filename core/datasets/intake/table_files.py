"""Opening the tables that people keep beside their pictures: CSV in its dialects, and .xlsx.

What comes out are lines of text cells; which of them is the line of column names is decided by
`core.datasets.intake.tables`.
"""

import csv
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from core.datasets.intake.reading import FileRefused

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet

MAX_ROWS: Final = 500_000
MAX_TABLE_BYTES: Final = 50_000_000
_MAX_UNPACKED: Final = 50_000_000
_MAX_MERGED_BYTES: Final = 10_000_000
"""Unpacked size up to which a workbook with merged cells is read: it must be held as a whole."""
_MAX_COLUMNS: Final = 500
_DELIMITERS: Final = ",;\t|"
_HEAD_BYTES: Final = 20_000
_HEAD_LINES: Final = 10
_OLE: Final = b"\xd0\xcf\x11\xe0"
"""Excel's old format, which an encrypted .xlsx has too."""

Lines = Iterator[tuple[int, list[str]]]
"""Number of a line, from 1, and its cells."""


def delimiters_of(text: str) -> list[str]:
    """Signs that may part the columns, the likeliest first."""
    if text[:4].casefold() == "sep=" and len(text) > 4:  # Excel's own first line
        return [text[4]]
    head = text[:_HEAD_BYTES].splitlines()[:_HEAD_LINES]
    # Spreadsheets of half the world write semicolons and a decimal comma.
    counts = {sign: max((line.count(sign) for line in head), default=0) for sign in _DELIMITERS}
    return sorted((sign for sign in counts if counts[sign]), key=lambda sign: -counts[sign])


def csv_lines(text: str, delimiter: str) -> Lines:
    """Lines of a CSV text.

    Raises:
        FileRefused: for a text with zero bytes, as UTF-16 without its mark has.
    """
    if "\0" in text:
        raise FileRefused("it holds bytes that no text has")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if text[:4].casefold() == "sep=":
        text = text[5:].lstrip("\n")
    reader = csv.reader(io.StringIO(text), delimiter=delimiter)
    for number, values in enumerate(reader, start=1):
        yield number, [value.strip() for value in values[:_MAX_COLUMNS]]


def sheets_of(path: Path, file: str, notes: list[str]) -> Iterator[tuple[str, Lines]]:
    """Title and lines of each sheet of a workbook; the title is "" where it is the only one.

    A formula has the value that the spreadsheet stored for it, or its own text where none is
    stored, which is no number. A merged cell has its value in every cell that it covers.

    Args:
        path: the workbook.
        file: its path below the set's folder, for messages.
        notes: sentences about hidden sheets and rows, which are read like the others, are added.

    Raises:
        FileRefused: if it is encrypted or too large.
    """
    with path.open("rb") as handle:
        if handle.read(4) == _OLE:
            raise FileRefused(
                f"{file} is protected by a password or in Excel's old format: save it as .xlsx "
                "without a password"
            )
    with zipfile.ZipFile(path) as packed:
        unpacked = sum(entry.file_size for entry in packed.infolist())
        if unpacked > _MAX_UNPACKED:
            raise FileRefused(f"{file} unpacks to more than {_MAX_UNPACKED / 1e6:.0f} MB")
        texts = [packed.read(e) for e in packed.infolist() if "worksheets/" in e.filename]
    merged = any(b"<mergeCell " in text for text in texts)
    formulas = any(b"<f" in text for text in texts)
    hidden = sum(text.count(b' hidden="1"') for text in texts if b"<row" in text)
    if merged and unpacked > _MAX_MERGED_BYTES:
        raise FileRefused(f"{file} is large and has merged cells: unmerge them, or save it as CSV")
    # A heavy library, needed by few.
    from openpyxl import load_workbook

    book = load_workbook(path, read_only=not merged, data_only=True)
    texts_of = load_workbook(path, read_only=True) if formulas else None
    try:
        for number, sheet in enumerate(book.worksheets):
            if sheet.sheet_state != "visible":
                notes.append(f"{file}: the hidden sheet {sheet.title} is read like the others")
            own = texts_of.worksheets[number] if texts_of else None
            title = sheet.title if len(book.sheetnames) > 1 else ""
            yield title, _lines_of_sheet(sheet, own)
        if hidden:
            notes.append(
                f"{file}: rows or columns that are hidden are read like the others; delete them if "
                "they should not count"
            )
    finally:
        book.close()
        if texts_of is not None:
            texts_of.close()


def _lines_of_sheet(sheet: "Worksheet", formulas: "Worksheet | None") -> Lines:
    covering = _covering_cells(sheet)
    texts = _values_of(formulas) if formulas is not None else iter(())
    for number, row in enumerate(_values_of(sheet), start=1):
        values = list(row)
        for column, text in enumerate(next(texts, ())):
            if column < len(values) and values[column] is None:
                values[column] = text
        cells = [_text(value) for value in values]
        for column, first in covering.get(number, {}).items():
            if column <= len(cells):
                cells[column - 1] = _text(first)
        yield number, cells


def _values_of(sheet: "Worksheet") -> Iterator[tuple[object, ...]]:
    # A sheet that is held as a whole would be filled up with empty cells to these bounds.
    rows, columns = (sheet.max_row, sheet.max_column) if hasattr(sheet, "merged_cells") else (
        MAX_ROWS + 1, _MAX_COLUMNS
    )  # fmt: skip
    return sheet.iter_rows(
        max_row=min(rows, MAX_ROWS + 1), max_col=min(columns, _MAX_COLUMNS), values_only=True
    )


def _covering_cells(sheet: "Worksheet") -> dict[int, dict[int, object]]:
    """Row -> column -> value of the merged cell that covers it, counted from 1."""
    covering: dict[int, dict[int, object]] = {}
    # A sheet of a workbook that is only read through has no list of them: none has merged cells.
    for merged in getattr(sheet, "merged_cells", None) or ():
        value = sheet.cell(merged.min_row, merged.min_col).value
        for row in range(merged.min_row, min(merged.max_row, MAX_ROWS) + 1):
            for column in range(merged.min_col, min(merged.max_col, _MAX_COLUMNS) + 1):
                covering.setdefault(row, {})[column] = value
    return covering


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))  # a picture called 7 is no 7.0
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
