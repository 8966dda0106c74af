"""Is what the tables and the picture folder hold what the ledger says; and is the ledger whole.

Four questions: does each entry follow from the one before (the chain), is the last one there (the
head, and the anchors outside the database), does every row have the values its entries gave it
(the rows), and is every picture the one its name says (the files).
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Table, select, text
from sqlalchemy.exc import DatabaseError

from core.review.record import pictures
from core.review.record.damaged_rows import each_row, plain_rows
from core.review.record.errors import PictureLost
from core.review.record.ledger import (
    FIRST_HASH,
    RECORDED,
    Change,
    Head,
    changes_of,
    hash_of,
)
from core.review.record.review_store import ReviewStore
from core.store.review_schema import acceptances, case_pictures, ledger, ledger_head

_ANCHOR: Final = re.compile(r"(\d+):([0-9a-f]{64})")


@dataclass(frozen=True)
class Tampered:
    """Something that is not as the ledger has it. ``entry`` is the entry it came to light at."""

    entry: int | None
    table: str
    row: int | None
    message: str


@dataclass(frozen=True)
class Verification:
    """What was looked at, and what was found; ``tampered`` is empty where all is sound."""

    head: Head
    rows: int
    pictures: int
    tampered: tuple[Tampered, ...]

    @property
    def is_sound(self) -> bool:
        return not self.tampered


@dataclass
class _Recorded:
    """A row as the ledger has it, and the entry that last set each value."""

    values: dict[str, object]
    entry: dict[str, int]


def verify(store: ReviewStore, expected: Head | None = None) -> Verification:
    """Look at everything.

    Args:
        store: the database and its folder.
        expected: a head that was written down elsewhere; its entry must still be there.

    Returns:
        What was looked at, with everything that was changed behind the ledger's back.
    """
    found: list[Tampered] = []
    try:
        with store.database.read() as connection:
            if store.database.is_sqlite:
                found += _whole_file(connection)
            recorded, hashes = _read_chain(connection, found)
            head = _check_head(connection, hashes, found)
            found += _check_anchors(store, hashes, expected)
            rows = sum(_check_rows(connection, table, recorded, found) for table in RECORDED)
            files = _check_pictures(store, connection, recorded, found)
    except DatabaseError as error:
        message = f"the database cannot be read through: {str(error.orig).splitlines()[0]}"
        return Verification(Head(0, FIRST_HASH), 0, 0, (*found, Tampered(None, "", None, message)))
    return Verification(head, rows, files, tuple(found))


def _whole_file(connection: Connection) -> Iterator[Tampered]:
    """A flipped byte in an index changes no row, and yet what is found."""
    for (line,) in connection.execute(text("PRAGMA integrity_check(20)")):
        if line != "ok":
            yield Tampered(None, "", None, f"the database file is damaged: {line}")


def _read_chain(
    connection: Connection, found: list[Tampered]
) -> tuple[dict[tuple[str, int], _Recorded], dict[int, str]]:
    recorded: dict[tuple[str, int], _Recorded] = {}
    hashes: dict[int, str] = {0: FIRST_HASH}
    last, last_hash = 0, FIRST_HASH
    for number, row in each_row(connection, ledger, ledger.c.number):

        def wrong(message: str, number: int = number) -> None:
            found.append(Tampered(number, "ledger", number, message))

        if number != last + 1:
            missing = f"{last + 1}" if number == last + 2 else f"{last + 1} to {number - 1}"
            wrong(f"entry {number}: {missing} before it {_is(number - last - 1)} missing")
        if row is None:
            wrong(f"entry {number} was changed and can no longer be read")
            last, last_hash = number, ""
            continue
        entry = {column.name: row[column.name] for column in ledger.columns}
        if number == last + 1 and last_hash and entry["previous_hash"] != last_hash:
            wrong(f"entry {number} does not follow from entry {last}")
        if hash_of(entry) != entry["hash"]:
            wrong(
                f"entry {number} ({entry['action']} by {entry['who_name']}, {entry['at']}) "
                "was changed"
            )
        try:
            for change in changes_of(entry["changes"]):
                _apply(recorded, change, number)
        except (ValueError, KeyError, TypeError):
            wrong(f"what entry {number} changed can no longer be read")
        hashes[number] = entry["hash"]
        last, last_hash = number, entry["hash"]
    return recorded, hashes


def _is(number: int) -> str:
    return "is" if number == 1 else "are"


def _apply(recorded: dict[tuple[str, int], _Recorded], change: Change, number: int) -> None:
    row = recorded.setdefault((change.table, change.row), _Recorded({}, {}))
    row.values.update(change.new)
    row.entry.update(dict.fromkeys(change.new, number))


def _check_head(connection: Connection, hashes: Mapping[int, str], found: list[Tampered]) -> Head:
    row = connection.execute(select(ledger_head)).first()
    last = max(hashes)
    if row is None:
        found.append(Tampered(last, "ledger_head", None, "the ledger's head is gone"))
        return Head(last, hashes[last])
    if row.entries > last:
        message = f"the last {row.entries - last} of {row.entries} entries were removed"
        found.append(Tampered(last + 1, "ledger", last + 1, message))
    elif (row.entries, row.hash) != (last, hashes[last]):
        message = f"the ledger ends with entry {last}, its head says {row.entries} or another hash"
        found.append(Tampered(last, "ledger_head", 1, message))
    return Head(int(row.entries), str(row.hash))


def _check_anchors(
    store: ReviewStore, hashes: Mapping[int, str], expected: Head | None
) -> Iterator[Tampered]:
    """Heads that were written outside the database still stand in the chain."""
    noted = [] if expected is None else [(expected.entries, expected.hash, "the given head")]
    if store.anchors.is_file():
        for line in store.anchors.read_text(encoding="ascii", errors="replace").splitlines():
            match = _ANCHOR.fullmatch(line)
            # A line cut short by a power cut says nothing.
            if match:
                noted.append((int(match[1]), match[2], store.anchors.name))
    for number, noted_hash, where in sorted(noted):
        if hashes.get(number) != noted_hash:
            what = "is gone" if number not in hashes else "has another hash now"
            message = f"entry {number} was noted in {where} and {what}: the ledger was rewritten"
            yield Tampered(number, "ledger", number, message)


def _check_rows(
    connection: Connection,
    table: Table,
    recorded: Mapping[tuple[str, int], _Recorded],
    found: list[Tampered],
) -> int:
    seen: set[int] = set()
    for number, row in plain_rows(connection, table):
        seen.add(number)
        known = recorded.get((table.name, number))
        if known is None:
            message = f"{table.name} {number} was added behind the ledger's back"
            found.append(Tampered(None, table.name, number, message))
        elif row is None:
            message = f"{table.name} {number} can no longer be read"
            found.append(Tampered(max(known.entry.values()), table.name, number, message))
        else:
            found += _compared(table.name, number, row, known)
    for name, number in recorded:
        if name == table.name and number not in seen:
            entry = max(recorded[name, number].entry.values())
            message = f"{name} {number} was removed; entry {entry} told of it last"
            found.append(Tampered(entry, name, number, message))
    return len(seen)


def _compared(
    name: str, number: int, row: Mapping[str, Any], known: _Recorded
) -> Iterator[Tampered]:
    for column, value in row.items():
        recorded = known.values.get(column)
        # By type too: 1 and True are equal in Python and not in a database.
        if value != recorded or isinstance(value, bool) != isinstance(recorded, bool):
            entry = known.entry.get(column)
            shown = f"entry {entry} says {_short(recorded)}" if entry else "the ledger says nothing"
            message = f"{name} {number}: {column} is {_short(value)}, {shown}"
            yield Tampered(entry, name, number, message)


def _short(value: Any) -> str:
    words = json.dumps(value, ensure_ascii=False, default=str)
    return words if len(words) <= 60 else words[:57] + "..."


def _check_pictures(
    store: ReviewStore,
    connection: Connection,
    recorded: Mapping[tuple[str, int], _Recorded],
    found: list[Tampered],
) -> int:
    """Read every picture of a case or of a lab acceptance; returns how many there are."""
    names: set[str] = set()
    for table, row, sha256 in (*_case_pictures(connection, recorded), *_shown(connection)):
        if sha256 in names:
            continue
        names.add(sha256)
        try:
            pictures.read_bytes(store, sha256)
        except PictureLost as lost:
            known = recorded.get((table, row))
            entry = known.entry.get("sha256") if known else None
            what = "picture" if table == case_pictures.name else "acceptance"
            found.append(Tampered(entry, table, row, f"{what} {row}: {lost}"))
    return len(names)


def _case_pictures(
    connection: Connection, recorded: Mapping[tuple[str, int], _Recorded]
) -> Iterator[tuple[str, int, str]]:
    """Table, row and hash of the pictures of cases; the hash is the ledger's."""
    for row in connection.execute(select(case_pictures.c.id, case_pictures.c.sha256)):
        known = recorded.get((case_pictures.name, row.id))
        sha256 = known.values.get("sha256", row.sha256) if known else row.sha256
        yield case_pictures.name, row.id, str(sha256)


def _shown(connection: Connection) -> Iterator[tuple[str, int, str]]:
    """Table, row and hash of the pictures that lab acceptances show."""
    for row in connection.execute(select(acceptances.c.id, acceptances.c.record)):
        try:
            measured = json.loads(row.record)["measured"]
            shown: Sequence[Mapping[str, object]] = [
                *measured.get("discordant_cells", ()),
                *measured.get("discordant_fields", ()),
            ]
            names = [str(one["picture"]) for one in shown]
        except (ValueError, KeyError, TypeError, AttributeError):
            continue  # that the record was changed is told by its row
        for name in names:
            yield acceptances.name, row.id, name
