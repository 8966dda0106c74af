"""A copy of the whole installation in a folder, and an installation made from one.

The copy holds the rows of every table and every file below ``var``, with the hash of each. It can
be made while people work: the rows are of one moment, and the pictures they name were written
before them and never change. It is verified as the installation itself is: against the ledger.
"""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from sqlalchemy import func, select

from core import log_file
from core.access.people import Person
from core.access.rights import require
from core.files import (
    UNFINISHED,
    JsonObject,
    json_as,
    make_private,
    read_json,
    sha256_of,
    write_json,
)
from core.jobs import scratch
from core.review.record.integrity import Verification, verify
from core.review.record.ledger import changes_of
from core.review.record.review_store import ReviewStore
from core.settings import CACHE
from core.store.database import Database
from core.store.review_schema import ledger, ledger_head
from core.store.schema import runs
from core.store.table_files import SUFFIX, read_tables, schema_revision, write_tables

MANIFEST: Final = "backup.json"
_TABLES, _FILES = "tables", "files"
_FORM: Final = 1
_PASSING: Final = (scratch.FOLDER, CACHE, log_file.FOLDER)
_LEFT_OUT: Final = ("hemadesk.db", "hemadesk.db-wal", "hemadesk.db-shm", ".lock", ".probe")


class BackupRefused(ValueError):
    """A backup that cannot be made or restored; the message says why and what to do."""


@dataclass(frozen=True)
class Backup:
    """What ``backup.json`` says. ``files`` are paths in the backup with their SHA-256."""

    form: int
    made_at: str
    made_by: str
    revision: str
    ledger_entries: int
    ledger_hash: str
    rows: dict[str, int]
    files: dict[str, str]


def back_up(store: ReviewStore, person: Person, to: Path) -> tuple[Backup, Verification]:
    """Copy everything into ``to``, then verify the copy.

    Raises:
        NotAllowed: without the right to configure.
        BackupRefused: if ``to`` is not empty, lies inside the installation, or the copy is not
            sound; the copy stays, without its ``backup.json``, which marks it as complete.
        OSError: if it cannot be written.
    """
    require(person, "configure")
    if to.resolve().is_relative_to(store.folder.resolve()):
        raise BackupRefused(
            f"{to} lies inside the installation; name a folder outside {store.folder}"
        )
    if to.exists() and (not to.is_dir() or any(to.iterdir())):
        raise BackupRefused(f"{to} exists and is not an empty folder; nothing was written")
    for name in (_TABLES, _FILES):
        (to / name).mkdir(mode=0o700, parents=True, exist_ok=True)
    to.chmod(0o700)  # before a patient's picture is in it
    # Before the rows: an anchor is written after its entry, so that all of them are found there.
    if store.anchors.is_file():
        shutil.copyfile(store.anchors, to / _FILES / store.anchors.name)
    rows, revision = write_tables(store.database, to / _TABLES)
    # After the rows: every picture they name was written before them.
    for path in _files_of(store.folder):
        if store.folder / path == store.anchors:
            continue
        target = to / _FILES / path
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            shutil.copyfile(store.folder / path, target)
        except FileNotFoundError:  # a training has just replaced its checkpoint
            target.unlink(missing_ok=True)
    hashes = {
        path.relative_to(to).as_posix(): sha256_of(path)
        for path in sorted(to.rglob("*"))
        if path.is_file()
    }
    head = _head_in(to)
    made = Backup(
        _FORM,
        datetime.now(UTC).isoformat(timespec="seconds"),
        person.name,
        revision,
        head[0],
        head[1],
        rows,
        hashes,
    )
    found = _verified(to)
    if not found.is_sound:
        raise BackupRefused(
            f"the copy in {to} does not match the ledger: {found.tampered[0].message}. Look at the "
            "installation with: python -m core cases verify"
        )
    write_json(to / MANIFEST, asdict(made), indent=1)
    make_private(to)
    return made, found


def restore(store: ReviewStore, person: Person, source: Path) -> tuple[Backup, Verification]:
    """Fill an empty installation from a backup, then verify it.

    Raises:
        NotAllowed: without the right to configure.
        BackupRefused: if the installation holds anything, or the backup is incomplete, damaged, or
            of another version of the schema. Nothing was changed then.
        OSError: if a file cannot be read or written.
    """
    require(person, "configure")
    made = read_backup(source)
    _check_empty(store)
    with store.database.read() as connection:
        revision = schema_revision(connection)
    if made.revision != revision:
        raise BackupRefused(
            f"{source} was made at the database version {made.revision}, this program has "
            f"{revision}: restore it with the version of the program that made it, then upgrade"
        )
    check_files(source, made)
    # Files first: rows that name a picture are never there without it.
    for name in made.files:
        if name.startswith(f"{_FILES}/"):
            target = store.folder / Path(name).relative_to(_FILES)
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            shutil.copyfile(source / name, target)
            target.chmod(0o600)
    try:
        read_tables(store.database, source / _TABLES, _numbers_given(source))
    except (ValueError, KeyError) as error:
        raise BackupRefused(f"the tables of {source} cannot be read: {error!r}") from error
    return made, verify(store)


def read_backup(source: Path) -> Backup:
    """What a backup says of itself.

    Raises:
        BackupRefused: if it is none, or was not finished.
    """
    try:
        stored: JsonObject | None = read_json(source / MANIFEST)
        if stored is None:
            raise BackupRefused(f"{source} is no complete backup: {MANIFEST} is missing")
        made = json_as(stored, Backup, str(source / MANIFEST))
    except (ValueError, OSError) as error:
        if isinstance(error, BackupRefused):
            raise
        raise BackupRefused(f"{source / MANIFEST} cannot be read: {error}") from error
    if made.form != _FORM:
        raise BackupRefused(f"{source} was written by a later version of this program")
    return made


def check_files(source: Path, made: Backup) -> None:
    """Raises BackupRefused for a file that is missing, was changed, or leads out of the backup."""
    for name, sha256 in made.files.items():
        path = source / name
        parts = Path(name).parts
        if Path(name).is_absolute() or ".." in parts or parts[0] not in (_TABLES, _FILES):
            raise BackupRefused(f"{source / MANIFEST} names {name}, which is no file of a backup")
        if not path.is_file() or path.is_symlink():
            raise BackupRefused(f"{path} is missing; nothing was restored")
        if sha256_of(path) != sha256:
            raise BackupRefused(f"{path} was changed since the backup; nothing was restored")


def _files_of(folder: Path) -> Iterator[Path]:
    """Files of an installation that belong into a copy, as paths below it."""
    for place, folders, names in os.walk(folder):
        if Path(place) == folder:
            folders[:] = [name for name in folders if name not in _PASSING]
        for name in sorted(names):
            path = Path(place, name)
            if name not in _LEFT_OUT and not name.endswith(UNFINISHED) and not path.is_symlink():
                yield path.relative_to(folder)


def _check_empty(store: ReviewStore) -> None:
    with store.database.read() as connection:
        entries = connection.execute(select(func.count()).select_from(ledger)).scalar_one()
        trainings = connection.execute(select(func.count()).select_from(runs)).scalar_one()
    files = [*_files_of(store.folder)] if store.folder.is_dir() else []
    if entries or trainings or files:
        raise BackupRefused(
            f"the installation in {store.folder} is not empty ({entries} entries of the ledger, "
            f"{trainings} trainings, {len(files)} files): a backup is restored into an empty one. "
            "Point HEMADESK_VAR and HEMADESK_DATABASE_URL at a new folder and a new database"
        )


def _head_in(backup: Path) -> tuple[int, str]:
    line = (backup / _TABLES / f"{ledger_head.name}{SUFFIX}").read_text(encoding="utf-8")
    row = json.loads(line)
    return int(row["entries"]), str(row["hash"])


def _numbers_given(backup: Path) -> dict[str, int]:
    """Table -> highest number of a row that the ledger names; rows of erased cases are gone."""
    given: dict[str, int] = {}
    with (backup / _TABLES / f"{ledger.name}{SUFFIX}").open(encoding="utf-8") as lines:
        for line in lines:
            for change in changes_of(json.loads(line)["changes"]):
                given[change.table] = max(change.row, given.get(change.table, 0))
    return {name: number for name, number in given.items() if name != ledger.name}


def _verified(backup: Path) -> Verification:
    """The copy, looked at as an installation: its rows in a database, its pictures beside them."""
    with tempfile.TemporaryDirectory(dir=backup) as folder:
        database = Database(f"sqlite:///{Path(folder) / 'copy.db'}")
        try:
            read_tables(database, backup / _TABLES)
            return verify(ReviewStore(database, backup / _FILES))
        finally:
            database.close()
