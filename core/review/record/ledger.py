"""The ledger: every change of the review in one hash-chained list, written with the change itself.

Rows of the review are inserted and updated through :func:`recording` only. It takes the head of
the chain first, so writers take turns, and adds one entry in the same transaction as the rows: a
change is there with its entry or not at all.

What an entry says of a patient stands in two columns, ``detail`` and ``changes``. They enter the
chain by a hash of their own, with a salt: ``core.review.retention`` can erase them later without
breaking the chain, and nobody can find them again by trying what may have stood there.
"""

import hashlib
import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Connection, RowMapping, Table, insert, select, update

from core.review.record.errors import LedgerBroken, NotSaved
from core.review.record.review_store import ReviewStore
from core.store import review_schema as schema
from core.store.faults import Unavailable

if TYPE_CHECKING:  # people are recorded too, so they import this
    from core.access.people import Person

FIRST_HASH: Final = "0" * 64
RECORDED: Final[tuple[Table, ...]] = (
    schema.people,
    schema.cases,
    schema.case_pictures,
    schema.case_cells,
    schema.box_edits,
    schema.answers,
    schema.remarks,
    schema.grades,
    schema.abnormalities,
    schema.red_cell_shapes,
    schema.critical_calls,
    schema.box_confirmations,
    schema.signatures,
    schema.confirmed_labels,
    schema.training_sets,
    schema.acceptances,
    schema.release_rules,
    schema.site_settings,
)
"""The tables of which the ledger records every row."""

BY_HASH: Final = frozenset(
    {("case_pictures", "finding"), ("signatures", "snapshot"), ("acceptances", "record")}
)
"""Long texts that never change are recorded by their hash."""

_CONTENT: Final = ("salt", "detail", "changes")
"""Columns of an entry that may be erased."""


@dataclass(frozen=True)
class Change:
    """One row: its table and number, and the values that changed. ``old`` is None for a new row.

    ``erased``: the row was removed for good, with what earlier entries say of it.
    """

    table: str
    row: int
    old: Mapping[str, object] | None
    new: Mapping[str, object]
    erased: bool = False


@dataclass(frozen=True)
class Entry:
    """One entry of the ledger, as it was written."""

    number: int
    at: str
    who: str
    who_name: str
    role: str
    action: str
    case_id: int | None
    detail: str
    model: str
    changes: tuple[Change, ...]
    undoes: int | None
    previous_hash: str
    hash: str
    salt: str | None = None
    content_hash: str | None = None

    @property
    def is_erased(self) -> bool:
        """Was what it says erased; who wrote it, when and why it was written stays."""
        return self.content_hash is not None and self.salt is None


class Recording:
    """One transaction of the review. What it inserts and updates becomes one entry."""

    def __init__(self, connection: Connection, person: "Person") -> None:
        self.connection = connection
        self.person = person
        self.now = datetime.now(UTC)
        self.changes: list[Change] = []
        self.detail = ""
        self.model = ""

    def insert(self, table: Table, values: Mapping[str, object]) -> int:
        """Add a row; returns its number."""
        return self.insert_many(table, [values])[0]

    def insert_many(self, table: Table, rows: Sequence[Mapping[str, object]]) -> list[int]:
        """Add rows; returns their numbers in the same order."""
        if not rows:
            return []
        query = insert(table).returning(table.c.id, sort_by_parameter_order=True)
        numbers = [int(n) for n in self.connection.execute(query, list(rows)).scalars()]
        empty = {column.name: None for column in table.columns}
        for number, values in zip(numbers, rows, strict=True):
            new = plain_row(table, {**empty, **values, "id": number})
            self.changes.append(Change(table.name, number, None, new))
        return numbers

    def update(self, table: Table, number: int, **values: Any) -> None:
        """Change a row. Its ``revision``, where it has one, goes up by one."""
        row = self.connection.execute(select(table).where(table.c.id == number)).one()._mapping
        if "revision" in table.c and "revision" not in values:
            values["revision"] = row["revision"] + 1
        self.connection.execute(update(table).where(table.c.id == number).values(values))
        old = plain_row(table, {name: row[name] for name in values})
        self.changes.append(Change(table.name, number, old, plain_row(table, values)))


@contextmanager
def recording(
    store: ReviewStore,
    person: "Person",
    action: str,
    *,
    case_id: int | None = None,
    detail: str = "",
    model: str = "",
    undoes: int | None = None,
) -> Iterator[Recording]:
    """A transaction whose changes become one entry of the ledger; without any, none is written.

    Raises:
        LedgerBroken: if the ledger's head is gone.
        NotSaved: if the database is gone, locked or full.
    """
    try:
        with _transaction(store, person, action, case_id, detail, model, undoes) as book:
            yield book
    except NotSaved:
        raise
    except Unavailable as error:
        raise NotSaved(str(error)) from error


@contextmanager
def _transaction(
    store: ReviewStore,
    person: "Person",
    action: str,
    case_id: int | None,
    detail: str,
    model: str,
    undoes: int | None,
) -> Iterator[Recording]:
    head = schema.ledger_head
    with store.database.write() as connection:
        # Writing to the head first makes writers wait for each other on both databases.
        lock = update(head).where(head.c.id == 1).values(entries=head.c.entries)
        last = connection.execute(lock.returning(head.c.entries, head.c.hash)).first()
        if last is None:
            raise LedgerBroken(
                "the ledger has lost its head, so nothing can be recorded; restore the database"
            )
        book = Recording(connection, person)
        book.detail, book.model = detail, model
        yield book
        if not book.changes:
            return
        row: dict[str, object] = {
            "number": last.entries + 1,
            "at": moment(book.now),
            "who": person.subject,
            "who_name": person.name,
            "role": person.role,
            "action": action,
            "case_id": case_id if case_id is not None else _case_of(book.changes),
            "detail": book.detail,
            "model": book.model,
            "changes": changes_text(book.changes),
            "undoes": undoes,
            "previous_hash": last.hash,
            "salt": secrets.token_hex(16),
        }
        row["content_hash"] = content_hash(row)
        row["hash"] = hash_of(row)
        connection.execute(insert(schema.ledger).values(row))
        moved = {"entries": row["number"], "hash": row["hash"]}
        connection.execute(update(head).where(head.c.id == 1).values(moved))


def hash_of(row: Mapping[str, object]) -> str:
    """SHA-256 of an entry in canonical JSON: its content by ``content_hash``, the rest as it is.

    An entry of an earlier version has no ``content_hash``; its content is hashed as it is.
    """
    left_out = {"hash", *_CONTENT} if row.get("content_hash") else {"hash", "salt", "content_hash"}
    return sha256_of_values({name: row[name] for name in row if name not in left_out})


def content_hash(row: Mapping[str, object]) -> str:
    """SHA-256 of what may be erased of an entry: its detail, its changes, and their salt."""
    return sha256_of_values({name: row[name] for name in _CONTENT})


def sha256_of_values(values: Mapping[str, object]) -> str:
    """SHA-256 of a mapping in canonical JSON."""
    return hashlib.sha256(canonical(values).encode()).hexdigest()


def canonical(value: Any) -> str:
    """JSON with one possible spelling: sorted keys, no spaces."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def moment(at: datetime) -> str:
    """A moment as the ledger writes it: UTC with microseconds."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def moment_of(text: str) -> datetime:
    """The moment that :func:`moment` wrote."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)


def plain_row(table: Table, values: Mapping[str, Any] | RowMapping) -> dict[str, object]:
    """Values as the ledger keeps them: what JSON has, moments as text, long texts as hashes."""
    return {name: _plain(table.name, name, value) for name, value in dict(values).items()}


def _plain(table: str, column: str, value: Any) -> Any:
    if isinstance(value, datetime):
        return moment(value)
    if (table, column) in BY_HASH and isinstance(value, str):
        return {"sha256": hashlib.sha256(value.encode()).hexdigest()}
    return value


def changes_text(changes: Sequence[Change]) -> str:
    """Changes as the JSON of an entry; :func:`changes_of` reads it."""
    return canonical([_change_json(change) for change in changes])


def _change_json(change: Change) -> dict[str, object]:
    old = None if change.old is None else dict(change.old)
    row = {"table": change.table, "row": change.row, "old": old, "new": dict(change.new)}
    return {**row, "erased": True} if change.erased else row


def changes_of(text: str) -> tuple[Change, ...]:
    """The changes of an entry from its JSON."""
    return tuple(
        Change(c["table"], c["row"], c["old"], c["new"], c.get("erased", False))
        for c in json.loads(text)
    )


def _case_of(changes: Sequence[Change]) -> int | None:
    """A new case's own number, where no case was named."""
    first = changes[0]
    return first.row if first.table == "cases" else None


def entries(connection: Connection, case_id: int | None = None) -> list[Entry]:
    """Entries in their order, all or those of a case."""
    query = select(schema.ledger).order_by(schema.ledger.c.number)
    if case_id is not None:
        query = query.where(schema.ledger.c.case_id == case_id)
    return [entry_of(row._mapping) for row in connection.execute(query)]


def entry_of(row: RowMapping) -> Entry:
    """An entry from its row."""
    return Entry(**{**row, "changes": changes_of(row["changes"])})


@dataclass(frozen=True)
class Head:
    """How many entries there are and the hash of the last: written down elsewhere, an anchor."""

    entries: int
    hash: str

    def __str__(self) -> str:
        return f"{self.entries}:{self.hash}"


def head(store: ReviewStore) -> Head:
    """The ledger's head now. Raises LedgerBroken if it is gone."""
    with store.database.read() as connection:
        row = connection.execute(select(schema.ledger_head)).first()
    if row is None:
        raise LedgerBroken("the ledger has lost its head")
    return Head(int(row.entries), str(row.hash))
