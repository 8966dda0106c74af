"""Building blocks of the tables: their metadata, times with a zone, checks of allowed words."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import CheckConstraint, DateTime, Dialect, MetaData, TypeDecorator

metadata = MetaData()


class UtcTime(TypeDecorator[datetime]):
    """A time in UTC. SQLite stores no zone, so its times are marked as UTC when they are read."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError(f"a time without its zone: {value}")
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def one_of(table: str, column: str, values: tuple[str, ...]) -> CheckConstraint:
    """A constraint, named after table and column, that the column holds one of ``values``."""
    words = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({words})", name=f"ck_{table}_{column}")
