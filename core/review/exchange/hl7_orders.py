"""Orders from HL7 v2 messages ``ORM^O01`` and ``OML^O21``: accession, pseudonym, sex, age.

Names, birth dates and addresses stay in the message: of the birth date only the age in years at the
order is taken. The accession is the filler's number (OBR-3), else the placer's; the pseudonym is
the patient identifier (PID-3), which a laboratory that sends names keeps free of them.

Source: HL7 Messaging Standard 2.5.1, chapters 2 (delimiters, escapes), 3 (PID) and 4 (ORC, OBR).
"""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final

from core.review.record.errors import CaseRefused

MESSAGES: Final = ("ORM^O01", "OML^O21")
_NEW: Final = frozenset({"", "NW"})
"""ORC-1 of an order that is new; others cancel or change one."""
_FRAMING: Final = "\x0b\x1c\x00" + codecs.BOM_UTF8.decode()
_SEX: Final = {"F": "female", "M": "male", "O": "other", "A": "other"}


@dataclass(frozen=True)
class Order:
    """One order: where it stood, its values by the columns of an order list, or why it is none."""

    where: str
    values: dict[str, str]
    refusal: str = ""


def is_hl7(data: bytes) -> bool:
    """Whether a file begins as an HL7 v2 message or a batch of them."""
    return data.lstrip(b"\xef\xbb\xbf\x0b\r\n ")[:3] in (b"MSH", b"FHS", b"BHS")


def orders_of(data: bytes) -> Iterator[Order]:
    """Every order of one or several messages, in their order.

    Raises:
        CaseRefused: if the file is neither UTF-8 nor the character set that it names.
    """
    segments: list[str] = []
    number = 0
    for line in [*re.split(r"[\r\n]+", _text(data).strip(_FRAMING)), "MSH"]:
        segment = line.strip(_FRAMING)
        if segment.startswith("MSH") and segments:
            number += 1
            yield from _orders_of_message(segments, number)
            segments = []
        if segment[:3] not in ("", "FHS", "BHS", "BTS", "FTS"):
            segments.append(segment)


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        head = re.split(rb"[\r\n]", data.lstrip(b"\x0b\r\n "), maxsplit=1)[0].split(b"|")
        if len(head) > 17 and head[17].startswith(b"8859/1"):
            return data.decode("latin-1")
        raise CaseRefused(
            "HL7 messages are read in UTF-8, or in 8859/1 where MSH-18 says so"
        ) from error


class _Message:
    """Segments with the delimiters that ``MSH`` names."""

    def __init__(self, segments: list[str]) -> None:
        head = segments[0]
        self.field = head[3] if len(head) > 3 else "|"
        signs = (head.split(self.field)[1] if self.field in head else "") or "^~\\&"
        self.component, self.repetition, self.escape, self.sub = list(
            (signs + "^~\\&"[len(signs) :])[:4]
        )
        # MSH-1 is the delimiter itself, so its fields are counted one further.
        self.rows = [one.split(self.field) for one in segments]
        self.rows[0].insert(1, self.field)

    def value(self, row: list[str], place: int, part: int = 1) -> str:
        """A component of the first repetition of a field, without escapes; empty if absent."""
        field = row[place] if place < len(row) else ""
        parts = field.split(self.repetition)[0].split(self.component)
        text = parts[part - 1] if part <= len(parts) else ""
        return self._plain(text) if text != '""' else ""

    def _plain(self, text: str) -> str:
        known = {
            "F": self.field, "S": self.component, "R": self.repetition, "T": self.sub,
            "E": self.escape, ".br": " ",
        }  # fmt: skip
        sign = re.escape(self.escape)
        return re.sub(
            rf"{sign}([^{sign}]*){sign}", lambda found: known.get(found[1], ""), text
        ).strip()


def _orders_of_message(segments: list[str], number: int) -> Iterator[Order]:
    message = _Message(segments)
    head = message.rows[0]
    kind = f"{message.value(head, 9)}^{message.value(head, 9, 2)}"
    where = f"Message {number}"
    if kind not in MESSAGES:
        yield Order(where, {}, f"it is {kind}; orders are {' or '.join(MESSAGES)}")
        return
    patient: dict[str, str] = {}
    control: list[str] = []
    found = False
    for row in message.rows[1:]:
        if row[0] == "PID":
            patient = _patient(message, row, message.value(head, 7))
        elif row[0] == "ORC":
            control = row
        elif row[0] == "OBR":
            found = True
            yield _order(message, where, patient, control, row)
    if not found:
        yield Order(where, {}, "it holds no OBR segment, so no order")


def _order(
    message: _Message, where: str, patient: dict[str, str], control: list[str], row: list[str]
) -> Order:
    said = message.value(control, 1).upper()
    numbers = (
        message.value(row, 3),
        message.value(control, 3),
        message.value(row, 2),
        message.value(control, 2),
    )
    accession = next((one for one in numbers if one), "")
    why = message.value(row, 31, 2) or message.value(row, 31) or message.value(row, 13)
    values = {**patient, "accession": accession, "indication": why}
    if said not in _NEW:
        return Order(where, values, f"its order control is {said}; only NW, a new order, is taken")
    return Order(where, values)


def _patient(message: _Message, row: list[str], sent: str) -> dict[str, str]:
    age = _age(message.value(row, 7), _day(sent) or datetime.now(UTC).date())
    return {
        "pseudonym": message.value(row, 3),
        "sex": _SEX.get(message.value(row, 8).upper(), "unknown"),
        "age_years": "" if age is None else str(age),
    }


def _day(moment: str) -> date | None:
    try:
        return datetime.strptime(moment[:8], "%Y%m%d").replace(tzinfo=UTC).date()
    except ValueError:
        return None


def _age(born: str, at: date) -> int | None:
    """Whole years; None where the day is not known, or lies after the order."""
    day = _day(born)
    if day is None or day > at:
        return None
    return at.year - day.year - ((at.month, at.day) < (day.month, day.day))
