"""An order list from the laboratory system: cases made from a CSV file, so that nothing is typed.

Columns by name, in any order; only ``accession`` is required. ``sex`` is female, male, other or
unknown (or F, M, O, U), ``age_years`` a whole number. An accession that is a case already is left
as it is: a list may be read again.
"""

import csv
import io
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select

from core.access.people import Person
from core.access.rights import require
from core.review.case import cases
from core.review.record.errors import CaseRefused
from core.review.record.review_store import ReviewStore
from core.store import review_schema as schema

COLUMNS: Final = ("accession", "pseudonym", "sex", "age_years", "indication")
MOST: Final = 2000
_SEX: Final = {"f": "female", "m": "male", "o": "other", "u": "unknown", "": "unknown"}


@dataclass(frozen=True)
class OrderList:
    """What became of a list: accessions made, those there before, and a sentence for each other."""

    made: tuple[str, ...]
    known: tuple[str, ...]
    refused: tuple[str, ...]


def read_orders(store: ReviewStore, person: Person, data: bytes) -> OrderList:
    """Make a case of each order that is none yet. A row that cannot be used stops no other.

    Raises:
        NotAllowed: without the right to upload.
        CaseRefused: if the file is no CSV in UTF-8 with a column ``accession``.
    """
    require(person, "upload")
    rows = _rows(data)
    with store.database.read() as connection:
        numbers = connection.execute(select(schema.cases.c.accession)).scalars()
        known = {number.lower() for number in numbers}
    made: list[str] = []
    there: list[str] = []
    refused: list[str] = []
    for number, row in enumerate(rows, start=2):
        value = {name: (row.get(name) or "").strip() for name in COLUMNS}
        accession = value["accession"]
        if accession.lower() in known:
            there.append(accession)
            continue
        try:
            _make(store, person, value)
        except (CaseRefused, ValueError) as refusal:
            refused.append(f"Line {number}, {accession or 'no accession'}: {refusal}.")
            continue
        known.add(accession.lower())
        made.append(accession)
    return OrderList(tuple(made), tuple(there), tuple(refused))


def _rows(data: bytes) -> list[dict[str, str | None]]:
    try:
        text = data.decode("utf-8-sig")
        # A spreadsheet of many countries writes semicolons.
        first = text.split("\n", 1)[0]
        delimiter = ";" if first.count(";") > first.count(",") else ","
        reader = csv.DictReader(io.StringIO(text), delimiter=delimiter)
        rows = list(reader)
    except (UnicodeError, csv.Error) as error:
        raise CaseRefused(f"an order list is a CSV file in UTF-8 ({error})") from error
    names = [(name or "").strip().lower() for name in reader.fieldnames or ()]
    if "accession" not in names:
        raise CaseRefused(
            "an order list needs a header with the column accession; known are "
            f"{', '.join(COLUMNS)}"
        )
    if len(rows) > MOST:
        raise CaseRefused(f"an order list has at most {MOST:,} lines, this one {len(rows):,}")
    return [
        {str(name or "").strip().lower(): cell for name, cell in row.items() if name is not None}
        for row in rows
        if any(row.values())
    ]


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
