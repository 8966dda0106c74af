"""The database of a process, SQLite or PostgreSQL: opened once and migrated to today's schema."""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, OperationalError

from core.settings import settings

BUSY_TIMEOUT_MS: Final = 30_000
_MIGRATION_LOCK: Final = 7_236_311
"""Key of PostgreSQL's advisory lock; any number that all processes share."""


class DatabaseRefused(ValueError):
    """A database that cannot be used; the message says which and what to do."""


class Database:
    """Connections to one database.

    ``write()`` and ``read()`` are transactions. On SQLite a writing one takes the write lock when
    it begins, so that nothing it has read can change before it writes.
    """

    def __init__(self, url: str) -> None:
        """Open and migrate. Raises DatabaseRefused if the URL or the server cannot be used."""
        try:
            self.url = make_url(url)
        except ArgumentError as error:
            raise DatabaseRefused(
                "HEMADESK_DATABASE_URL is not a URL such as postgresql://user@host/name"
            ) from error
        if self.url.drivername in ("postgresql", "postgres"):
            self.url = self.url.set(drivername="postgresql+psycopg")
        if self.url.drivername not in ("sqlite", "postgresql+psycopg"):
            raise DatabaseRefused(
                f"HEMADESK_DATABASE_URL must name postgresql or sqlite, got {self.url.drivername}"
            )
        self.is_sqlite = self.url.drivername == "sqlite"
        self._engine = (
            _sqlite(self.url) if self.is_sqlite else create_engine(self.url, pool_pre_ping=True)
        )
        try:
            self._migrate()
        except OperationalError as error:
            shown = self.url.render_as_string(hide_password=True)
            raise DatabaseRefused(f"the database {shown} cannot be used: {error.orig}") from error

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction: committed at the end of the block, rolled back if it raises."""
        with self._engine.begin() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that only reads."""
        with self._engine.connect().execution_options(hemadesk_reads=True) as connection:
            yield connection

    def close(self) -> None:
        """Close the connections; the database opens new ones when it is used again."""
        self._engine.dispose()

    def _migrate(self) -> None:
        with self._engine.begin() as connection:
            if not self.is_sqlite:
                lock = text("SELECT pg_advisory_xact_lock(:number)")
                connection.execute(lock, {"number": _MIGRATION_LOCK})
            config = alembic_config()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")


def alembic_config() -> Config:
    """Alembic's settings with the folder of the migrations; used here and by tests."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


def _sqlite(url: Any) -> Engine:
    if url.database:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, connect_args={"timeout": BUSY_TIMEOUT_MS / 1000})

    @event.listens_for(engine, "connect")
    def connect(connection: Any, _record: Any) -> None:
        # The driver must not begin transactions: the listener below does.
        connection.isolation_level = None
        connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
        _log_ahead(connection)
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        reads = connection.get_execution_options().get("hemadesk_reads", False)
        connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")

    return engine


def _log_ahead(connection: sqlite3.Connection) -> None:
    """Switch to write-ahead logging, which the file remembers.

    SQLite does not wait its busy timeout here when another process switches a new file at the same
    time, so this loop does.
    """
    until = time.monotonic() + BUSY_TIMEOUT_MS / 1000
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(0.02)


_open: dict[str, Database] = {}
_open_lock = threading.Lock()


def database() -> Database:
    """The database of the settings, opened once in a process.

    Raises:
        DatabaseRefused: if it cannot be reached.
    """
    url = settings().database_url or f"sqlite:///{settings().var / 'hemadesk.db'}"
    with _open_lock:
        if url not in _open:
            _open[url] = Database(url)
        return _open[url]
