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
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError

from core.settings import settings
from core.store import kept_settings
from core.store.faults import DatabaseRefused, Unavailable, unavailable

__all__ = ["Database", "DatabaseRefused", "Unavailable", "alembic_config", "database"]

BUSY_TIMEOUT_MS: Final = 30_000
_MIGRATION_LOCK: Final = 7_236_311
"""Key of PostgreSQL's advisory lock; any number that all processes share."""


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
        self._engine = _sqlite(self.url) if self.is_sqlite else _postgresql(self.url)
        self._shown = self.url.render_as_string(hide_password=True)
        self._file = Path(self.url.database) if self.is_sqlite and self.url.database else None
        self._inode: int | None = None
        try:
            self._migrate()
        except DBAPIError as error:
            raise unavailable(error, self._shown) or DatabaseRefused(
                f"the database {self._shown} cannot be used: {error.orig}"
            ) from error
        except CommandError as error:
            raise DatabaseRefused(self._of_another_version()) from error
        self._inode = self._inode_now()

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction: committed at the end of the block, rolled back if it raises.

        Raises Unavailable if the database is gone, locked or full; nothing is saved then.
        """
        with self._speaking(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that only reads. Raises Unavailable."""
        with (
            self._speaking(),
            self._engine.connect().execution_options(hemadesk_reads=True) as connection,
        ):
            yield connection

    @contextmanager
    def _speaking(self) -> Iterator[None]:
        """Turn what the database reports of itself into a sentence."""
        self._check_file()
        try:
            yield
        except DBAPIError as error:
            said = unavailable(error, self._shown)
            if said is None:
                raise
            raise said from error

    def _inode_now(self) -> int | None:
        try:
            return self._file.stat().st_ino if self._file else None
        except OSError:
            return None

    def _check_file(self) -> None:
        """Raises Unavailable where SQLite's file was taken away or replaced.

        SQLite goes on writing into a file that has no name any more, and all of that would be lost.
        """
        if self._inode is None:
            return
        now = self._inode_now()
        if now is None:
            raise Unavailable(
                f"the database file {self._file} is gone; put it back, or restore the last backup"
            )
        if now != self._inode:
            raise Unavailable(
                f"the database file {self._file} was replaced by another one; start the server "
                "again"
            )

    def _of_another_version(self) -> str:
        with self._engine.connect() as connection:
            found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
        own = ScriptDirectory.from_config(alembic_config()).get_current_head()
        return (
            f"the database {self._shown} was written by a newer version of this program (it stands "
            f"at {found}, this version knows up to {own}); nothing was changed. Start the newer "
            "version, or restore a backup of this one"
        )

    def size(self) -> int:
        """Bytes on the disk, as the database counts them. Raises Unavailable."""
        pages = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
        query = pages if self.is_sqlite else "SELECT pg_database_size(current_database())"
        with self.read() as connection:
            return int(connection.execute(text(query)).scalar_one())

    def close(self) -> None:
        """Close the connections; the database opens new ones when it is used again."""
        self._engine.dispose()

    def forget_deleted(self) -> None:
        """Rewrite the files, so that nothing of deleted rows is left in them.

        Others wait meanwhile. PostgreSQL's write-ahead log keeps them until its server recycles it.

        Raises:
            Unavailable: if somebody reads or writes for longer than the busy timeout.
        """
        with self._speaking():
            self._rewrite()

    def _rewrite(self) -> None:
        with self._engine.connect() as connection:
            if self.is_sqlite:
                raw: Any = connection.connection.dbapi_connection
                raw.execute("VACUUM")
                raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                return
        engine = self._engine.execution_options(isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            for name in inspect(connection).get_table_names():
                connection.execute(text(f'VACUUM FULL "{name}"'))

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


def _postgresql(url: Any) -> Engine:
    # As long as SQLite waits: a server that waits for ever would keep the screen waiting too.
    options = f"-c lock_timeout={BUSY_TIMEOUT_MS}"
    return create_engine(
        url, pool_pre_ping=True, connect_args={"connect_timeout": 10, "options": options}
    )


def _sqlite(url: Any) -> Engine:
    if url.database:
        folder = Path(url.database).parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DatabaseRefused(
                f"the database's folder {folder} cannot be made: {error.strerror}"
            ) from error
    engine = create_engine(url, connect_args={"timeout": BUSY_TIMEOUT_MS / 1000})

    @event.listens_for(engine, "connect")
    def connect(connection: Any, _record: Any) -> None:
        # The driver must not begin transactions: the listener below does.
        connection.isolation_level = None
        connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
        _log_ahead(connection)
        connection.execute("PRAGMA synchronous=FULL")
        # What is deleted is overwritten in the file, not only taken out of its lists.
        connection.execute("PRAGMA secure_delete=ON")
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
    """The database of the settings, opened once in a process; what it keeps of them is applied.

    Raises:
        DatabaseRefused: if it cannot be reached.
        Unavailable: if it went away meanwhile.
    """
    url = settings().database_url or f"sqlite:///{settings().var / 'hemadesk.db'}"
    with _open_lock:
        if url not in _open:
            _open[url] = Database(url)
        opened = _open[url]
    if not kept_settings.are_applied():
        with opened.read() as connection:
            kept_settings.apply(connection)
    return opened
