"""Rows of a database that may have been damaged or written by somebody else, read one by one."""

from collections.abc import Iterator
from typing import Any, Final

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Connection,
    RowMapping,
    Table,
    literal_column,
    not_,
    select,
)
from sqlalchemy.exc import SQLAlchemyError

from core.review.record.ledger import plain_row
from core.store.columns import UtcTime

_MOMENT: Final = (
    "-".join(["[0-9]" * n for n in (4, 2, 2)])
    + " "
    + ":".join(["[0-9]" * 2] * 3)
    + ("." + "[0-9]" * 6)
)
"""How SQLite stores a moment, as a pattern of GLOB."""


def plain_rows(
    connection: Connection, table: Table
) -> Iterator[tuple[int, dict[str, object] | None]]:
    """Rows by number; None for one whose values are not of their kind any more."""
    odd = _odd(connection, table)
    for number, row in each_row(connection, table, table.c.id):
        try:
            plain = None if row is None or number in odd else plain_row(table, row)
        except (ValueError, TypeError):
            plain = None
        yield number, plain


def each_row(
    connection: Connection, table: Table, key: Column[int]
) -> Iterator[tuple[int, RowMapping | None]]:
    """Rows in the order of ``key``, read at once, or one by one where one cannot be read."""
    try:
        rows = connection.execute(select(table).order_by(key)).all()
        found = [(int(row._mapping[key.name]), row._mapping) for row in rows]
    except (ValueError, TypeError, SQLAlchemyError):
        for number in connection.execute(select(key).order_by(key)).scalars().all():
            try:
                yield number, connection.execute(select(table).where(key == number)).one()._mapping
            except (ValueError, TypeError, SQLAlchemyError):
                yield number, None
        return
    yield from found


def _odd(connection: Connection, table: Table) -> set[int]:
    """Rows of SQLite with values that only look right when read: 3 for true, half a moment."""
    if connection.dialect.name != "sqlite":
        return set()
    found: set[int] = set()
    for column in table.columns:
        raw: ColumnElement[Any] = literal_column(f'"{column.name}"')
        if isinstance(column.type, Boolean):
            right = raw.in_([0, 1])
        elif isinstance(column.type, UtcTime):
            right = raw.op("GLOB")(_MOMENT)
        else:
            continue
        wrong = select(table.c.id).where(raw.is_not(None), not_(right))
        found.update(connection.execute(wrong).scalars())
    return found
