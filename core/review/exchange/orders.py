"""An order list from the laboratory system: cases made from a file, so that nothing is typed.

The file is CSV, or HL7 v2 orders (:mod:`core.review.exchange.hl7_orders`). Columns of the CSV go by
name, in any order; only ``accession`` is required. ``sex`` is female, male, other or unknown (or F,
M, O, U), ``age_years`` a whole number. An accession that is a case already is left as it is: a list
may be read again.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import select

from core.access.people import Person
from core.access.rights import require
from core.datasets.intake.reading import FileRefused
from core.datasets.intake.table_files import csv_lines, delimiters_of
from core.review.case import cases
from core.review.exchange.hl7_orders import Order, is_hl7, orders_of
from core.review.record.errors import CaseRefused
from core.review.record.review_store import ReviewStore
from core.store import review_schema as schema

COLUMNS: Final = ("accession", "pseudonym", "sex", "age_years", "indication")
ENDINGS: Final = (".hl7", ".csv")
"""Of files that are read from a folder."""
MOST: Final = 2000
MAX_BYTES: Final = 10_000_000
_SEX: Final = {"f": "female", "m": "male", "o": "other", "u": "unknown", "": "unknown"}


@dataclass(frozen=True)
class OrderList:
    """What became of a list: accessions made, those there before, and a sentence for each other."""

    made: tuple[str, ...]
    known: tuple[str, ...]
    refused: tuple[str, ...]


def read_orders(store: ReviewStore, person: Person, data: bytes) -> OrderList:
    """Make a case of each order that is none yet. One that cannot be used stops no other.

    Raises:
        NotAllowed: without the right to upload.
        CaseRefused: if the file is larger than :data:`MAX_BYTES`, or is neither a CSV in UTF-8 with
            a column ``accession`` nor HL7 messages.
    """
    require(person, "upload")
    if len(data) > MAX_BYTES:
        raise CaseRefused(f"an order list has at most {MAX_BYTES / 1e6:.0f} MB")
    orders = list(orders_of(data)) if is_hl7(data) else list(_rows(data))
    if len(orders) > MOST:
        raise CaseRefused(f"an order list has at most {MOST:,} orders, this one {len(orders):,}")
    with store.database.read() as connection:
        numbers = connection.execute(select(schema.cases.c.accession)).scalars()
        known = {number.lower() for number in numbers}
    made: list[str] = []
    there: list[str] = []
    refused: list[str] = []
    for order in orders:
        value = {name: order.values.get(name, "").strip() for name in COLUMNS}
        accession = value["accession"]
        if accession.lower() in known and not order.refusal:
            there.append(accession)
            continue
        try:
            if order.refusal:
                raise CaseRefused(order.refusal)
            _make(store, person, value)
        except (CaseRefused, ValueError) as refusal:
            refused.append(f"{order.where}, {accession or 'no accession'}: {refusal}.")
            continue
        known.add(accession.lower())
        made.append(accession)
    return OrderList(tuple(made), tuple(there), tuple(refused))


def _rows(data: bytes) -> Iterator[Order]:
    try:
        text = data.decode("utf-8-sig")
        delimiters = delimiters_of(text) or [","]
        tables = [list(csv_lines(text, sign)) for sign in delimiters]
    except (UnicodeError, FileRefused) as error:
        raise CaseRefused(f"an order list is a CSV file in UTF-8 ({error})") from error
    for lines in tables:
        filled = [(number, cells) for number, cells in lines if any(c.strip() for c in cells)]
        names = [name.strip().lower() for name in filled[0][1]] if filled else []
        if "accession" in names:
            for number, cells in filled[1:]:
                yield Order(f"Line {number}", dict(zip(names, cells, strict=False)))
            return
    raise CaseRefused(
        f"an order list needs a header with the column accession; known are {', '.join(COLUMNS)}"
    )


@dataclass(frozen=True)
class Dropped:
    """What became of one file of a folder: its name and list, or why it was refused."""

    name: str
    orders: OrderList | None
    refusal: str = ""


def read_folder(store: ReviewStore, person: Person, folder: Path) -> list[Dropped]:
    """Read every ``.hl7`` and ``.csv`` file of a folder, into which another system drops orders.

    A file that was read is moved to ``done`` below it, one that could not be, or not whole, to
    ``refused``: none is read twice and none is lost. The other system writes under another ending
    and renames at the end, so that no half of a file is read.

    Raises:
        NotAllowed: without the right to upload.
        OSError: if the folder or a file cannot be read or moved.
    """
    require(person, "upload")
    found = []
    for file in sorted(folder.iterdir()):
        if file.suffix.lower() not in ENDINGS or not file.is_file():
            continue
        try:
            orders, refusal = read_orders(store, person, file.read_bytes()), ""
        except CaseRefused as refused:
            orders, refusal = None, str(refused)
        whole = orders is not None and not orders.refused
        _move(file, folder / ("done" if whole else "refused"))
        found.append(Dropped(file.name, orders, refusal))
    return found


def _move(file: Path, into: Path) -> None:
    into.mkdir(exist_ok=True)
    target, copy = into / file.name, 1
    while target.exists():
        copy += 1
        target = into / f"{file.stem}-{copy}{file.suffix}"
    os.replace(file, target)


def _make(store: ReviewStore, person: Person, value: dict[str, str]) -> None:
    age = value["age_years"]
    if age and not age.isdigit():
        raise ValueError(f"age_years is a whole number, got {age!r}")
    sex = value["sex"].lower()
    cases.create(
        store,
        person,
        value["accession"],
        pseudonym=value["pseudonym"],
        sex=_SEX.get(sex, sex),
        age_years=int(age) if age else None,
        indication=value["indication"],
    )
