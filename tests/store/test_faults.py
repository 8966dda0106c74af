"""What is wrong with a database is one sentence, and the next transaction works when it is well."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from core.access.people import Person
from core.review.case import cases
from core.review.record.errors import NotSaved
from core.store import database as module
from core.store.database import Database, DatabaseRefused, Unavailable

TINA = Person("Tina", "technologist", "tina")


@pytest.fixture(autouse=True)
def short_patience(monkeypatch):
    """Nobody waits half a minute here."""
    monkeypatch.setattr(module, "BUSY_TIMEOUT_MS", 150)


def _file(store):
    return Path(store.database.url.database)


def _refused(store, words):
    with pytest.raises(NotSaved, match=words):
        cases.create(store, TINA, "A-1")


def _works_again(store):
    assert cases.create(store, TINA, "A-1").accession == "A-1"


def test_a_file_that_is_gone_and_comes_back(sqlite_store, tmp_path):
    """SQLite would go on writing into a file without a name."""
    file = _file(sqlite_store)
    file.rename(tmp_path / "elsewhere")
    _refused(sqlite_store, "is gone; put it back, or restore the last backup")
    with pytest.raises(Unavailable, match="is gone"), sqlite_store.database.read():
        pass
    assert not file.exists(), "no empty one was made in its place"
    (tmp_path / "elsewhere").rename(file)
    _works_again(sqlite_store)


def test_a_file_that_was_replaced(sqlite_store, tmp_path):
    shutil.copyfile(_file(sqlite_store), tmp_path / "copy")
    (tmp_path / "copy").replace(_file(sqlite_store))
    _refused(sqlite_store, "was replaced by another one; start the server again")


def test_a_lock_of_another_process(sqlite_store):
    with closing(sqlite3.connect(_file(sqlite_store), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        _refused(sqlite_store, "is locked by another process")
        other.execute("ROLLBACK")
    _works_again(sqlite_store)


def test_a_full_disk(sqlite_store):
    def fill():
        with sqlite_store.database.write() as connection:
            connection.execute(text("PRAGMA max_page_count=1"))
            connection.execute(text("CREATE TABLE big (x)"))
            connection.execute(text("INSERT INTO big VALUES (zeroblob(9000000))"))

    with pytest.raises(Unavailable, match="its disk is full; make room"):
        fill()
    with sqlite_store.database.write() as connection:
        connection.execute(text("PRAGMA max_page_count=100000000"))
    _works_again(sqlite_store)


def test_a_damaged_file(tmp_path):
    file = tmp_path / "hemadesk.db"
    file.write_bytes(b"this is no database" * 500)
    with pytest.raises(DatabaseRefused, match="is damaged; stop the server and restore"):
        Database(f"sqlite:///{file}")


def test_a_database_of_a_newer_version_is_left_as_it_is(url):
    with closing(Database(url)) as old, old.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999_later'"))
    for _ in range(2):
        with pytest.raises(DatabaseRefused, match=r"newer version .*9999_later.* nothing was cha"):
            Database(url)


def test_a_postgresql_server_that_ends_connections_and_one_that_is_not_there(postgres_server):
    import psycopg

    address = postgres_server.replace("/postgres?", "/faults?")
    with psycopg.connect(postgres_server, autocommit=True) as admin:
        admin.execute("CREATE DATABASE faults")
        opened = Database(address)

        def ended():
            with opened.write() as connection:
                admin.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname='faults'"
                )
                connection.execute(text("SELECT 1"))

        def write():
            with opened.write() as connection:
                connection.execute(text("UPDATE ledger_head SET entries = entries"))

        with pytest.raises(Unavailable, match="does not answer"):
            ended()
        write()  # it goes on by itself
        with psycopg.connect(address) as other:
            other.execute("LOCK TABLE ledger_head")
            with pytest.raises(Unavailable, match="is locked by another program"):
                write()
        admin.execute("ALTER DATABASE faults SET default_transaction_read_only = on")
        opened.close()
        with pytest.raises(Unavailable, match="may not be written"):
            write()
        opened.close()
        admin.execute("DROP DATABASE faults")
        with pytest.raises(DatabaseRefused, match=r"does not answer \(.*does not exist"):
            Database(address)
    with pytest.raises(DatabaseRefused, match=r"does not answer \(.*\); start its server"):
        Database("postgresql://nobody@127.0.0.1:1/none")


def test_a_mistake_of_the_program_is_none_of_the_database(sqlite_store):
    again = text("INSERT INTO ledger_head VALUES (1, 0, '')")
    with pytest.raises(IntegrityError), sqlite_store.database.write() as connection:
        connection.execute(again)
