"""What is wrong with a database, in words for the person who can act."""

import sqlite3
from typing import Final

from sqlalchemy.exc import (
    DatabaseError,
    DBAPIError,
    InterfaceError,
    InternalError,
    OperationalError,
)


class DatabaseRefused(ValueError):
    """A database that cannot be used; the message says which and what to do."""


class Unavailable(DatabaseRefused):
    """A database that cannot be used now. The transaction was rolled back: nothing of it is saved.

    It may work again a moment later, and nothing has to be opened anew.
    """


_SQLITE: Final = {
    sqlite3.SQLITE_BUSY: "is locked by another process for longer than 30 s; end that process",
    sqlite3.SQLITE_LOCKED: "is locked by another process for longer than 30 s; end that process",
    sqlite3.SQLITE_FULL: "cannot grow: its disk is full; make room on it",
    sqlite3.SQLITE_READONLY: "may not be written; give this program the right to its folder",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened; look whether its disk and its folder are there",
    sqlite3.SQLITE_IOERR: "cannot be read or written: its disk reports an error; look at the disk",
    sqlite3.SQLITE_CORRUPT: "is damaged; stop the server and restore the last backup",
    sqlite3.SQLITE_NOTADB: "is damaged; stop the server and restore the last backup",
}
"""By SQLite's primary result code, https://www.sqlite.org/rescode.html."""

_POSTGRESQL: Final = {
    "53100": "cannot grow: the server's disk is full; make room on it",
    "53300": "has too many connections; end some of them or raise max_connections",
    "55P03": "is locked by another program for longer than 30 s; end that program",
    "25006": "may not be written: the server is a read-only copy; name its primary",
}
"""By SQLSTATE, https://www.postgresql.org/docs/current/errcodes-appendix.html."""

_GONE: Final = "does not answer ({}); start its server, or look at the network"


def unavailable(error: DBAPIError, shown: str) -> Unavailable | None:
    """What an error says of the database ``shown``; None for one of the program's own making.

    Constraints that fail and statements that are wrong are the program's own.
    """
    if type(error) not in (OperationalError, DatabaseError, InterfaceError, InternalError):
        return None
    code = getattr(error.orig, "sqlite_errorcode", None)
    if isinstance(error.orig, sqlite3.Error):
        # Extended codes hold the primary one in their lowest byte.
        what = _SQLITE.get(code & 0xFF) if isinstance(code, int) else None
        return None if what is None else Unavailable(f"the database {shown} {what}")
    state = getattr(error.orig, "sqlstate", None)
    what = _POSTGRESQL.get(state or "")
    # Without a state there was no connection: a wrong password, no such database, no server.
    away = state is None or state[:2] in ("08", "57", "53", "58") or error.connection_invalidated
    if what is None and away:
        why = str(error.orig).strip().splitlines()
        what = _GONE.format(why[-1].strip() if why else "no reason given")
    return None if what is None else Unavailable(f"the database {shown} {what}")
