"""Every row of the database as lines of JSON, readable by either kind of database.

One read transaction sees one moment, however long it takes and whatever people write meanwhile.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Table, delete, func, insert, select, text

from core.store.columns import UtcTime
from core.store.database import Database
from core.store.schema import metadata

SUFFIX: Final = ".jsonl"
_ROWS: Final = 500
"""Rows that are written to the database at once."""


def schema_revision(connection: Connection) -> str:
    """The migration that a database stands at."""
    return str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one())


def write_tables(database: Database, folder: Path) -> tuple[dict[str, int], str]:
    """Write every table of one moment into a file of its own.

    Returns:
        Table -> number of rows, and the revision of the schema.
    """
    counts = {}
    with database.read() as connection:
        if not database.is_sqlite:  # SQLite's reading transactions always see one moment
            connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
        revision = schema_revision(connection)
        for table in metadata.sorted_tables:
            with (folder / f"{table.name}{SUFFIX}").open("w", encoding="utf-8") as file:
                counts[table.name] = 0
                query = select(table).execution_options(yield_per=_ROWS)
                for row in connection.execute(query.order_by(*table.primary_key)):
                    values = {
                        name: value.isoformat() if isinstance(value, datetime) else value
                        for name, value in row._mapping.items()
                    }
                    file.write(json.dumps(values, ensure_ascii=False) + "\n")
                    counts[table.name] += 1
    return counts, revision


def read_tables(
    database: Database, folder: Path, given: Mapping[str, int] | None = None
) -> dict[str, int]:
    """Replace every table's rows by those of its file, all or none; returns their numbers.

    Args:
        database: where to.
        folder: one that :func:`write_tables` has written.
        given: table -> highest number that one of its rows ever had, where the last are gone: no
            number is given a second time.

    Raises:
        OSError, ValueError, KeyError: if a file is missing or damaged.
    """
    counts = {}
    with database.write() as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(delete(table))
        for table in metadata.sorted_tables:
            counts[table.name] = 0
            for rows in _chunks(table, folder / f"{table.name}{SUFFIX}"):
                connection.execute(insert(table), rows)
                counts[table.name] += len(rows)
            _continue_numbers(connection, table, (given or {}).get(table.name, 0))
    return counts


def _chunks(table: Table, file: Path) -> Iterator[list[dict[str, Any]]]:
    parse: dict[str, Callable[[str], Any]] = {
        column.name: datetime.fromisoformat
        for column in table.columns
        if isinstance(column.type, UtcTime)
    }
    rows: list[dict[str, Any]] = []
    with file.open(encoding="utf-8") as lines:
        for line in lines:
            stored = json.loads(line)
            # Every column must be there: a default would stand for what was lost.
            row = {column.name: stored[column.name] for column in table.columns}
            for name, parsed in parse.items():
                row[name] = None if row[name] is None else parsed(row[name])
            rows.append(row)
            if len(rows) == _ROWS:
                yield rows
                rows = []
    if rows:
        yield rows


def _continue_numbers(connection: Connection, table: Table, given: int) -> None:
    """Count on from the highest number that was ever given, not from the highest that is there.

    PostgreSQL counts with a sequence, which rows with numbers leave untouched.
    """
    for column in table.primary_key:
        there = connection.execute(select(func.max(column))).scalar()
        highest = max(given, there) if isinstance(there, int) else given
        if not highest:
            continue
        if connection.dialect.name == "sqlite":
            if table.dialect_options["sqlite"]["autoincrement"]:
                # There is no row for a table that never had one.
                values = {"name": table.name, "value": highest}
                connection.execute(text("DELETE FROM sqlite_sequence WHERE name = :name"), values)
                connection.execute(
                    text("INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :value)"), values
                )
            continue
        sequence = connection.execute(
            text("SELECT pg_get_serial_sequence(:table, :column)"),
            {"table": table.name, "column": column.name},
        ).scalar()
        if sequence is not None:
            connection.execute(
                text("SELECT setval(CAST(:name AS regclass), :value)"),
                {"name": sequence, "value": highest},
            )
