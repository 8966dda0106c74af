"""A backup holds everything of one moment, is verified, and makes the same installation again."""

from __future__ import annotations

import json
import threading
from contextlib import closing

import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from core.access.rights import NotAllowed
from core.cli import app
from core.files import open_to_others
from core.review.case import cases
from core.review.exchange.case_tables import case_json
from core.review.exchange.contents import gather
from core.review.reading import answers, cells, grades
from core.review.reading.answers import NewAnswer
from core.review.record.backup import MANIFEST, BackupRefused, back_up, restore
from core.review.record.integrity import verify
from core.review.record.ledger import head
from core.review.record.review_store import ReviewStore, review_store
from core.review.signature import signing
from core.store.database import Database
from core.store.schema import metadata
from tests.fixtures.review import the


def rows_in(database):
    with database.read() as connection:
        return {
            table.name: connection.execute(select(table).order_by(*table.primary_key)).all()
            for table in metadata.sorted_tables
        }


def worked_in(store, people, make_case):
    """A signed case, and a second one begun."""
    case = make_case(store)
    paul = people.pathologist
    found = cells.cells(store, paul, case.id)
    answers.answer(store, paul, case.id, [NewAnswer(c.id, the(c.call).label) for c in found])
    grades.all_as_normal(store, paul, case.id)
    signing.sign(store, paul, case.id)
    make_case(store, ["monocyte"], "A-2", seed=1)
    (store.folder / "models").mkdir()
    (store.folder / "models" / "live.json").write_text("{}")
    for passing in ("scratch", "cache"):
        (store.folder / passing / "x").mkdir(parents=True)
        (store.folder / passing / "x" / "1.png").write_bytes(b"passing")
    return case


@pytest.fixture
def empty(tmp_path):
    """A new installation on SQLite."""
    with closing(Database(f"sqlite:///{tmp_path / 'new' / 'hemadesk.db'}")) as database:
        yield ReviewStore(database, tmp_path / "new")


def same(one, other, people, case):
    assert rows_in(one.database) == rows_in(other.database)
    assert head(one) == head(other) and verify(other).is_sound
    mine, theirs = (json.loads(case_json(gather(s, people.viewer, case.id))) for s in (one, other))
    assert mine.pop("exported_at") and theirs.pop("exported_at")
    assert mine == theirs


def test_what_was_backed_up_comes_back_to_the_row(store, people, make_case, empty, tmp_path):
    """From SQLite and from PostgreSQL, to SQLite."""
    case = worked_in(store, people, make_case)
    to = tmp_path / "backups" / "monday"
    made, found = back_up(store, people.administrator, to)
    assert found.is_sound and made.ledger_hash == head(store).hash
    assert open_to_others(to) == []
    assert (
        not [*to.rglob("scratch"), *to.rglob("cache")]
        and (to / "files" / "models" / "live.json").is_file()
    )
    assert not [*to.glob("tmp*")], "the database it was verified in is gone"
    # What can be made again is no content: a new installation may hold some already.
    (empty.folder / "cache" / "x").mkdir(parents=True)
    (empty.folder / "cache" / "x" / "1.png").write_bytes(b"made again")
    restore(empty, people.administrator, to)
    same(store, empty, people, case)
    assert (empty.folder / "models" / "live.json").read_text() == "{}"
    # Work goes on: new rows get new numbers, the chain goes on.
    paul = people.pathologist
    signing.amend(empty, paul, case.id, "one more look")
    assert verify(empty).is_sound


def test_it_comes_back_in_postgresql_and_numbers_go_on(
    sqlite_store, store_on_postgres, people, make_case, tmp_path
):
    case = worked_in(sqlite_store, people, make_case)
    back_up(sqlite_store, people.administrator, tmp_path / "backup")
    target = ReviewStore(store_on_postgres.database, tmp_path / "restored")
    restore(target, people.administrator, tmp_path / "backup")
    same(sqlite_store, target, people, case)
    numbers = [one.id for one in (case, cases.create(target, people.technologist, "A-3"))]
    assert numbers == [1, 3] and verify(target).is_sound


def test_it_is_of_one_moment_while_people_work(store, people, make_case, empty, tmp_path):
    worked_in(store, people, make_case)
    begun, stop = threading.Event(), threading.Event()

    def work():
        number = 0
        while not stop.is_set() and number < 200:
            cases.create(store, people.technologist, f"W-{number}")
            signing.anchor(store)
            number += 1
            begun.set()

    worker = threading.Thread(target=work)
    worker.start()
    begun.wait()
    try:
        _, found = back_up(store, people.administrator, tmp_path / "backup")
    finally:
        stop.set()
        worker.join()
    assert found.is_sound
    restore(empty, people.administrator, tmp_path / "backup")
    assert verify(empty).is_sound and 0 < head(empty).entries <= head(store).entries


@pytest.fixture
def backup(sqlite_store, people, make_case, tmp_path):
    worked_in(sqlite_store, people, make_case)
    back_up(sqlite_store, people.administrator, tmp_path / "backup")
    return tmp_path / "backup"


def manifest(backup, **changes):
    stored = json.loads((backup / MANIFEST).read_text())
    (backup / MANIFEST).write_text(json.dumps({**stored, **changes}))


def spoil(backup, how):
    picture = next((backup / "files" / "pictures").rglob("*.png"))
    table = backup / "tables" / "answers.jsonl"
    if how == "not finished":
        (backup / MANIFEST).unlink()
    elif how == "manifest damaged":
        (backup / MANIFEST).write_text("{")
    elif how == "picture gone":
        picture.unlink()
    elif how == "picture changed":
        picture.write_bytes(picture.read_bytes() + b"x")
    elif how == "answer changed":
        table.write_text(table.read_text().replace("monocyte", "blast"))
    elif how == "newer program":
        manifest(backup, revision="9999")
    elif how == "path that leads out":
        manifest(backup, files={"files/../../x": "0" * 64})


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("not finished", "no complete backup"),
        ("manifest damaged", "cannot be read"),
        ("picture gone", "is missing; nothing was restored"),
        ("picture changed", "was changed since the backup"),
        ("answer changed", "was changed since the backup"),
        ("newer program", "the version of the program that made it"),
        ("path that leads out", "no file of a backup"),
    ],
)
def test_a_spoilt_backup_restores_nothing(backup, empty, people, how, words):
    spoil(backup, how)
    with pytest.raises(BackupRefused, match=words):
        restore(empty, people.administrator, backup)
    assert head(empty).entries == 0 and not [*empty.folder.glob("pictures")]


def test_a_record_that_does_not_match_the_ledger_is_no_backup(
    sqlite_store, people, make_case, tmp_path
):
    worked_in(sqlite_store, people, make_case)
    next(sqlite_store.pictures.rglob("*.png")).unlink()
    with pytest.raises(BackupRefused, match="does not match the ledger"):
        back_up(sqlite_store, people.administrator, tmp_path / "backup")
    assert not (tmp_path / "backup" / MANIFEST).exists()


def test_nothing_is_overwritten(backup, sqlite_store, people, tmp_path):
    with pytest.raises(BackupRefused, match="is not empty"):
        restore(sqlite_store, people.administrator, backup)
    with pytest.raises(BackupRefused, match="not an empty folder"):
        back_up(sqlite_store, people.administrator, backup)
    with pytest.raises(BackupRefused, match="inside the installation"):
        back_up(sqlite_store, people.administrator, sqlite_store.folder / "backup")
    for who in (people.pathologist, people.viewer):
        with pytest.raises(NotAllowed):
            back_up(sqlite_store, who, tmp_path / "theirs")
        with pytest.raises(NotAllowed):
            restore(sqlite_store, who, backup)


def test_from_the_command_line(own_var, people, make_case, tmp_path, change_settings):
    make_case(review_store())
    to = tmp_path / "backup"
    made = CliRunner().invoke(app, ["cases", "backup", str(to)])
    assert made.exit_code == 0 and "everything matches the ledger" in made.output
    again = CliRunner().invoke(app, ["cases", "backup", str(to)])
    assert again.exit_code == 2
    change_settings(var=tmp_path / "new")
    for folder, status in ((tmp_path / "nowhere", 2), (to, 0)):
        assert CliRunner().invoke(app, ["cases", "restore", str(folder)]).exit_code == status
    assert verify(review_store()).is_sound and head(review_store()).entries > 0
