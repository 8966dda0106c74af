"""Is what the tables and the picture folder hold what the ledger says; and is the ledger whole.

Four questions: does each entry follow from the one before (the chain), is the last one there (the
head, and the anchors outside the database), does every row have the values its entries gave it
(the rows), and is every picture the one its name says (the files).

What was erased on purpose is no damage where an entry of the chain says so: it names the rows that
are gone and, by their hash, the entries as they are without their content.
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
    content_hash,
    hash_of,
    sha256_of_values,
)
from core.review.record.review_store import ReviewStore
from core.store.faults import Unavailable
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
    """What was looked at, and what was found; ``tampered`` is empty where all is sound.

    ``erased`` is the number of entries whose content was erased, as later entries say.
    """

    head: Head
    rows: int
    pictures: int
    tampered: tuple[Tampered, ...]
    erased: int = 0

    @property
    def is_sound(self) -> bool:
        return not self.tampered


@dataclass
class _Recorded:
    """A row as the ledger has it, and the entry that last set each value.

    ``erased`` is the entry that removed the row for good; it must not be there then.
    """

    values: dict[str, object]
    entry: dict[str, int]
    erased: int | None = None


@dataclass
class _Chain:
    """What the entries say: rows by table and number, the hash of each entry, and what was erased.

    ``unlike`` are entries that do not have their hash, with their message and the hash of what they
    are now; ``without_content`` the hashes that later entries say erased ones have.
    """

    recorded: dict[tuple[str, int], _Recorded]
    hashes: dict[int, str]
    unlike: dict[int, tuple[str, str]]
    without_content: dict[int, str]

    def changed(self) -> Iterator[Tampered]:
        """The entries that are neither what their hash says nor erased."""
        for number, (message, sha256) in self.unlike.items():
            if self.without_content.get(number) != sha256:
                yield Tampered(number, "ledger", number, message)


def verify(store: ReviewStore, expected: Sequence[Head] = ()) -> Verification:
    """Look at everything.

    Args:
        store: the database and its folder.
        expected: heads that were written down elsewhere; their entries must still be there.

    Returns:
        What was looked at, with everything that was changed without the ledger.
    """
    found: list[Tampered] = []
    try:
        with store.database.read() as connection:
            if store.database.is_sqlite:
                found += _whole_file(connection)
            chain = _read_chain(connection, found)
            recorded, hashes = chain.recorded, chain.hashes
            head = _check_head(connection, hashes, found)
            found += _check_anchors(store, hashes, expected)
            rows = sum(_check_rows(connection, table, recorded, found) for table in RECORDED)
            files = _check_pictures(store, connection, recorded, found)
            found += _check_erased_pictures(store, connection, recorded)
    except DatabaseError as error:
        message = f"the database cannot be read through: {str(error.orig).splitlines()[0]}"
        return Verification(Head(0, FIRST_HASH), 0, 0, (*found, Tampered(None, "", None, message)))
    except Unavailable as error:
        message = f"the database cannot be read through: {error}"
        return Verification(Head(0, FIRST_HASH), 0, 0, (*found, Tampered(None, "", None, message)))
    return Verification(head, rows, files, tuple(found), len(chain.without_content))


def _whole_file(connection: Connection) -> Iterator[Tampered]:
    """A flipped byte in an index changes no row, and yet what is found."""
    for (line,) in connection.execute(text("PRAGMA integrity_check(20)")):
        if line != "ok":
            yield Tampered(None, "", None, f"the database file is damaged: {line}")


def _read_chain(connection: Connection, found: list[Tampered]) -> _Chain:
    chain = _Chain({}, {0: FIRST_HASH}, {}, {})
    last, last_hash = 0, FIRST_HASH
    damaged: list[Tampered] = []
    for number, row in each_row(connection, ledger, ledger.c.number):

        def wrong(message: str, number: int = number) -> None:
            damaged.append(Tampered(number, "ledger", number, message))

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
        message = f"entry {number} ({entry['action']} by {entry['who_name']}, {entry['at']}) "
        if entry["content_hash"] and hash_of(entry) != entry["hash"]:
            wrong(f"{message}was changed")
        elif not _is_as_written(entry):
            chain.unlike[number] = f"{message}was changed", sha256_of_values(entry)
        try:
            for change in changes_of(entry["changes"]):
                _apply(chain, change, number)
        except (ValueError, KeyError, TypeError):
            wrong(f"what entry {number} changed can no longer be read")
        chain.hashes[number] = entry["hash"]
        last, last_hash = number, entry["hash"]
    found += sorted([*damaged, *chain.changed()], key=lambda one: one.entry or 0)
    return chain


def _is_as_written(entry: Mapping[str, object]) -> bool:
    """Whether an entry has its content; one of an earlier version is hashed with it."""
    if entry["content_hash"]:
        return content_hash(entry) == entry["content_hash"]
    return hash_of(entry) == entry["hash"]


def _is(number: int) -> str:
    return "is" if number == 1 else "are"


def _apply(chain: _Chain, change: Change, number: int) -> None:
    if change.table == ledger.name:
        chain.without_content[change.row] = str(change.new["sha256"])
        return
    key = change.table, change.row
    if change.erased:
        chain.recorded[key] = _Recorded(dict(change.new), dict.fromkeys(change.new, number), number)
        return
    row = chain.recorded.setdefault(key, _Recorded({}, {}))
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
    store: ReviewStore, hashes: Mapping[int, str], expected: Sequence[Head]
) -> Iterator[Tampered]:
    """Heads that were written outside the database still stand in the chain."""
    noted = [(one.entries, one.hash, "what was kept elsewhere") for one in expected]
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
        if known is not None and known.erased is not None:
            message = f"{table.name} {number} was erased by entry {known.erased} and is there again"
            found.append(Tampered(known.erased, table.name, number, message))
        elif known is None:
            message = f"{table.name} {number} was added behind the ledger's back"
            found.append(Tampered(None, table.name, number, message))
        elif row is None:
            message = f"{table.name} {number} can no longer be read"
            found.append(Tampered(max(known.entry.values()), table.name, number, message))
        else:
            found += _compared(table.name, number, row, known)
    for (name, number), known in recorded.items():
        if name == table.name and number not in seen and known.erased is None:
            entry = max(known.entry.values())
            message = f"{name} {number} was removed; entry {entry} is the last that names it"
            found.append(Tampered(entry, name, number, message))
    return len(seen)


def _compared(
    name: str, number: int, row: Mapping[str, object], known: _Recorded
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


def _check_erased_pictures(
    store: ReviewStore, connection: Connection, recorded: Mapping[tuple[str, int], _Recorded]
) -> Iterator[Tampered]:
    """Files of erased pictures that are still there, and belong to nobody else."""
    named = pictures_in_use(connection)
    for (table, number), known in recorded.items():
        if table != case_pictures.name or known.erased is None:
            continue
        sha256 = str(known.values.get("sha256", ""))
        if sha256 not in named and pictures.exists(store, sha256):
            message = (
                f"picture {number} was erased by entry {known.erased}; its file is still there"
            )
            yield Tampered(known.erased, table, number, message)


def _case_pictures(
    connection: Connection, recorded: Mapping[tuple[str, int], _Recorded]
) -> Iterator[tuple[str, int, str]]:
    """Table, row and hash of the pictures of cases; the hash is the ledger's."""
    for row in connection.execute(select(case_pictures.c.id, case_pictures.c.sha256)):
        known = recorded.get((case_pictures.name, row.id))
        sha256 = known.values.get("sha256", row.sha256) if known else row.sha256
        yield case_pictures.name, row.id, str(sha256)


def pictures_in_use(connection: Connection) -> set[str]:
    """Hashes of all pictures that a case or a lab acceptance has."""
    of_cases = connection.execute(select(case_pictures.c.sha256)).scalars()
    return {*of_cases, *(sha256 for _, _, sha256 in _shown(connection))}


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
            continue  # the check of its row reports a changed record
        for name in names:
            yield acceptances.name, row.id, name
