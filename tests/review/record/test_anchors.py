"""Lines kept elsewhere betray a ledger that was rewritten to its end."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from core.review.case import cases
from core.review.record import anchors, integrity
from core.review.record.anchors import AnchorRefused
from core.review.record.ledger import content_hash, entries, hash_of

KEY = b"a key of sixteen bytes"


def _rewrite(store):
    """As somebody does who knows the code and may write the database."""
    with store.database.write() as connection:
        previous = "0" * 64
        for entry in entries(connection):
            query = text("SELECT * FROM ledger WHERE number = :n")
            row = dict(connection.execute(query, {"n": entry.number}).one()._mapping)
            row |= {"who_name": "Somebody else", "previous_hash": previous}
            row["content_hash"] = content_hash(row)
            previous = row["hash"] = hash_of(row)
            words = ", ".join(f"{name}=:{name}" for name in row if name != "number")
            connection.execute(text(f"UPDATE ledger SET {words} WHERE number=:number"), row)
        connection.execute(text("UPDATE ledger_head SET hash = :hash"), {"hash": previous})


@pytest.mark.parametrize("key", [None, KEY])
def test_a_rewritten_chain_is_betrayed(sqlite_store, people, tmp_path, key):
    file = tmp_path / "share.txt"
    for number in range(3):
        cases.create(sqlite_store, people.technologist, f"A-{number}")
        anchors.append(file, anchors.line(sqlite_store, key))
    file.write_text(f"From: hemadesk\nSubject: anchors\n\n{file.read_text()}\n-- \nbye\n")
    heads = anchors.heads_in(file, key)
    assert [one.entries for one in heads] == [1, 2, 3]
    assert integrity.verify(sqlite_store, heads).is_sound
    _rewrite(sqlite_store)
    assert integrity.verify(sqlite_store).is_sound, "the database alone says nothing"
    found = integrity.verify(sqlite_store, heads).tampered
    assert [one.entry for one in found] == [1, 2, 3]
    assert "was kept elsewhere" not in found[0].message or "rewritten" in found[0].message


def test_a_forged_line_is_not_taken(sqlite_store, people, tmp_path):
    cases.create(sqlite_store, people.technologist, "A-1")
    file = tmp_path / "share.txt"
    signed = anchors.line(sqlite_store, KEY)
    forged = {
        "unsigned": anchors.line(sqlite_store),
        "another key": anchors.line(sqlite_store, KEY + b"x"),
        "another number": signed.replace(" 1:", " 2:"),
        "another moment": "2001" + signed[4:],
    }
    for what, line in forged.items():
        file.write_text(f"{signed}\n{line}\n")
        with pytest.raises(AnchorRefused, match="line 2, is not signed"):
            pytest.fail(f"{what}: {anchors.heads_in(file, KEY)}")
    file.write_text("nothing of ours\n")
    with pytest.raises(AnchorRefused, match="holds no line"):
        anchors.heads_in(file)
    short = tmp_path / "key"
    short.write_bytes(b"short\n")
    with pytest.raises(AnchorRefused, match="at least 16"):
        anchors.read_key(short)
