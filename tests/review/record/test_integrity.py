"""Whatever is changed behind the ledger's back is found, down to the entry."""

from __future__ import annotations

import json
import sqlite3
import threading

import pytest
from sqlalchemy import text

from core.review.reading import answers, cells, grades, remarks
from core.review.reading.answers import NewAnswer
from core.review.record import integrity
from core.review.record.errors import LedgerBroken, StaleEdit
from core.review.record.ledger import Head, canonical, content_hash, entries, hash_of, head
from core.review.record.review_store import ReviewStore
from core.review.signature import signing
from core.store.database import Database
from tests.fixtures.review import the


@pytest.fixture
def signed(people, make_case):
    """A case from upload to signature, and a second one begun."""

    def make(store):
        case = make_case(store)
        paul = people.pathologist
        given = [
            NewAnswer(cell.id, the(cell.call).label) for cell in cells.cells(store, paul, case.id)
        ]
        answers.answer(store, paul, case.id, given)
        grades.all_as_normal(store, paul, case.id)
        remarks.remark(store, paul, case.id, "all well")
        signing.sign(store, paul, case.id)
        other = make_case(store, ["monocyte"], "A-2", seed=1)
        cell = cells.cells(store, paul, other.id)[0]
        answers.answer(store, paul, other.id, [NewAnswer(cell.id, "smudge")])
        return case

    return make


def _behind(store, statement, **values):
    with store.database.write() as connection:
        assert connection.execute(text(statement), values).rowcount >= 1


def test_what_was_done_through_the_review_is_sound(store, signed):
    signed(store)
    found = integrity.verify(store)
    assert found.tampered == ()
    assert (found.head.entries, found.pictures) == (9, 2)
    assert found.head == head(store)


EDITS = {
    "an answer": ("UPDATE answers SET label = 'smudge' WHERE id = 1", "answers", "label", 3),
    "who answered": ("UPDATE answers SET reader = 'vera' WHERE id = 2", "answers", "reader", 3),
    "a box": ("UPDATE case_cells SET x0_px = x0_px + 0.001 WHERE id = 1", "case_cells", "x0_px", 2),
    "a cell taken away": (
        "UPDATE case_cells SET deleted = NOT deleted WHERE id = 1",
        "case_cells",
        "deleted",
        2,
    ),
    "a finding": (
        "UPDATE case_pictures SET finding = replace(finding, '0.9', '0.8') WHERE id = 1",
        "case_pictures",
        "finding",
        2,
    ),
    "a comment": ("UPDATE remarks SET text = 'all ill' WHERE id = 1", "remarks", "text", 5),
    "a grade": ("UPDATE grades SET grade = 3 WHERE id = 4", "grades", "grade", 4),
    "the state": ("UPDATE cases SET state = 'new' WHERE id = 1", "cases", "state", 6),
    "what was signed": (
        "UPDATE signatures SET snapshot = replace(snapshot, 'monocyte', 'blast') WHERE id = 1",
        "signatures",
        "snapshot",
        6,
    ),
}


@pytest.mark.parametrize("name", EDITS)
def test_a_row_changed_behind_its_back_is_named_with_its_entry(store, signed, name):
    statement, table, column, entry = EDITS[name]
    signed(store)
    _behind(store, statement)
    (found,) = integrity.verify(store).tampered
    assert (found.table, found.entry) == (table, entry)
    assert column in found.message


def test_rows_added_and_removed_are_found(store, signed):
    signed(store)
    _behind(store, "DELETE FROM remarks WHERE id = 1")
    _behind(
        store,
        "INSERT INTO people (id, name, subject, role, active, created_at) VALUES "
        "(7, 'Eve', 'eve', 'administrator', :yes, '2026-01-01 00:00:00.000000')",
        yes=True,
    )
    found = {(one.table, one.row, one.entry) for one in integrity.verify(store).tampered}
    assert found == {("remarks", 1, 5), ("people", 7, None)}


@pytest.mark.parametrize(
    "column", ["at", "who", "who_name", "role", "action", "detail", "model", "changes"]
)
def test_an_entry_that_was_changed_is_named(sqlite_store, signed, column):
    signed(sqlite_store)
    word = {"changes": "replace(changes, 'monocyte', 'lymphocyte')"}.get(column, "'other'")
    _behind(sqlite_store, f"UPDATE ledger SET {column} = {word} WHERE number = 3")
    found = integrity.verify(sqlite_store).tampered
    assert found[0].entry == 3
    assert "entry 3" in found[0].message
    assert {one.entry for one in found} == {3}


def test_an_entry_whose_hash_was_made_to_fit_breaks_the_next(store, signed):
    """Whoever knows the code changes an entry and computes its hash anew."""
    signed(store)
    with store.database.write() as connection:
        row = dict(connection.execute(text("SELECT * FROM ledger WHERE number = 3")).one()._mapping)
        row["who"] = "vera"
        connection.execute(
            text("UPDATE ledger SET who = 'vera', hash = :hash WHERE number = 3"),
            {"hash": hash_of(row)},
        )
    (found,) = integrity.verify(store).tampered
    assert "entry 4 does not follow from entry 3" in found.message


def test_a_chain_rewritten_to_its_end_is_betrayed_by_what_stands_outside(store, signed):
    """Every later hash and the head computed anew: the database alone says nothing any more."""
    signed(store)
    noted = head(store)
    with store.database.write() as connection:
        previous = ""
        for entry in entries(connection):
            rows = connection.execute(
                text("SELECT * FROM ledger WHERE number = :n"), {"n": entry.number}
            )
            row = dict(rows.one()._mapping)
            if entry.number >= 3:
                row["detail"] = "quite another" if entry.number == 3 else row["detail"]
                row["previous_hash"] = previous
                row["content_hash"] = content_hash(row)
                row["hash"] = hash_of(row)
                words = ", ".join(f"{name}=:{name}" for name in row if name != "number")
                connection.execute(text(f"UPDATE ledger SET {words} WHERE number=:number"), row)
            previous = row["hash"]
        connection.execute(text("UPDATE ledger_head SET hash = :hash"), {"hash": previous})
    found = integrity.verify(store, [noted]).tampered
    assert [one.entry for one in found] == [6, 9], "the anchor of the signature, the noted head"
    store.anchors.unlink()
    assert integrity.verify(store).is_sound
    assert not integrity.verify(store, [noted]).is_sound


def test_removed_last_entries_are_found(store, signed):
    signed(store)
    last = head(store)
    _behind(store, "DELETE FROM ledger WHERE number = 9")
    found = integrity.verify(store).tampered
    assert found[0].message == "the last 1 of 9 entries were removed"
    # Their answer stands in its table, where no entry tells of it any more.
    assert {one.table for one in found} == {"ledger", "answers", "cases"}
    with store.database.read() as connection:
        hash_8 = connection.execute(text("SELECT hash FROM ledger WHERE number = 8")).scalar()
    _behind(store, "UPDATE ledger_head SET entries = 8, hash = :hash", hash=hash_8)
    assert "answers" in {one.table for one in integrity.verify(store).tampered}
    assert integrity.verify(store, [last]).tampered[0].entry == 9


def test_an_entry_removed_from_the_middle_is_found(store, signed):
    signed(store)
    _behind(store, "DELETE FROM ledger WHERE number IN (4, 5)")
    found = integrity.verify(store).tampered
    assert found[0].message == "entry 6: 4 to 5 before it are missing"


def test_without_its_head_nothing_is_written(store, people, signed):
    case = signed(store)
    _behind(store, "DELETE FROM ledger_head")
    assert "head is gone" in integrity.verify(store).tampered[0].message
    with pytest.raises(LedgerBroken, match="restore"):
        signing.amend(store, people.pathologist, case.id, "anything")


def test_a_changed_or_lost_picture_is_found(sqlite_store, signed):
    signed(sqlite_store)
    first, second = sorted(sqlite_store.pictures.rglob("*.png"))
    first.write_bytes(first.read_bytes() + b" ")
    second.unlink()
    found = integrity.verify(sqlite_store).tampered
    assert {one.table for one in found} == {"case_pictures"}
    assert {one.entry for one in found} == {2, 8}
    assert sorted(one.message.split()[-1] for one in found) == ["disk", "gone"]


@pytest.mark.parametrize(
    ("statement", "table", "entry"),
    [
        ("UPDATE case_cells SET deleted = 3 WHERE id = 1", "case_cells", 2),
        ("UPDATE answers SET answered_at = 'yesterday' WHERE id = 1", "answers", 3),
        ("UPDATE answers SET label = CAST(x'ff41' AS TEXT) WHERE id = 1", "answers", 3),
        ("UPDATE case_cells SET x0_px = 'left' WHERE id = 1", "case_cells", 2),
        ("UPDATE ledger SET who_name = CAST(x'ff41' AS TEXT) WHERE number = 3", "ledger", 3),
    ],
)
def test_values_of_no_kind_stop_nothing(sqlite_store, signed, statement, table, entry):
    """SQLite keeps whatever it is given; what cannot be read is found like anything else."""
    signed(sqlite_store)
    _behind(sqlite_store, statement)
    found = integrity.verify(sqlite_store).tampered
    assert (found[0].table, found[0].entry) == (table, entry)
    assert {one.table for one in found} <= {table, "answers"}


def test_any_byte_of_the_tables_text_changed_on_the_disk_is_found(tmp_path, signed):
    """A byte in the file itself, as a hex editor would do it, at each place of three words."""
    file = tmp_path / "hemadesk.db"
    database = Database(f"sqlite:///{file}")
    store = ReviewStore(database, tmp_path / "var")
    signed(store)
    database.close()
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    whole = file.read_bytes()
    places = [
        whole.find(word) + offset
        for word in (b"all well", b"smudge", b"locator@89abcdef")
        for offset in (0, 5)
        if word in whole
    ]
    assert len(places) == 6
    for place in places:
        changed = bytearray(whole)
        changed[place] ^= 0x01
        for ending in ("-wal", "-shm"):
            file.with_name(file.name + ending).unlink(missing_ok=True)
        file.write_bytes(changed)
        again = Database(f"sqlite:///{file}")
        assert not integrity.verify(ReviewStore(again, store.folder)).is_sound, place
        again.close()


def test_the_chain_holds_with_writers_at_once(store, people, make_case):
    """Six threads, each 8 changes of its own cells and of shared ones."""
    case = make_case(store, ["lymphocyte"] * 6)
    found = sorted(cells.cells(store, people.viewer, case.id), key=lambda cell: cell.id)
    failed = []

    def work(mine):
        who = (people.pathologist, people.second)[mine % 2]
        try:
            for n in range(4):
                answers.answer(store, who, case.id, [NewAnswer(found[mine].id, "smudge", n)])
                answers.answer(
                    store, who, case.id, [NewAnswer(found[mine].id, None, n + 1)]
                ) if n == 3 else None
                remarks.remark(store, who, case.id, f"{mine}-{n}")
                revised = [NewAnswer(found[mine].id, "blast", n + 1)] if n % 2 == 0 else []
                answers.answer(store, who, case.id, revised)
        except StaleEdit:
            pass  # told, and gone on
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    result = integrity.verify(store)
    assert result.tampered == ()
    assert result.head.entries > 6


def test_an_entry_can_be_checked_by_hand(sqlite_store, signed):
    """The hash is SHA-256 of the canonical JSON of the entry's columns, as documented."""
    import hashlib

    signed(sqlite_store)
    with sqlite_store.database.read() as connection:
        row = dict(connection.execute(text("SELECT * FROM ledger WHERE number = 1")).one()._mapping)
    said = row.pop("hash")
    words = json.dumps(row, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert hashlib.sha256(words.encode()).hexdigest() == said
    assert canonical({"b": 1, "a": "é"}) == '{"a":"é","b":1}'
    assert row["previous_hash"] == "0" * 64
    assert str(Head(3, "ab")) == "3:ab"
