"""Lines that say how far the ledger was and with which hash, kept where the database is not.

``2026-11-28T02:30:00Z 812:5f3a...`` and, with a key, an HMAC-SHA-256 of that; below it, where an
authority was asked, its time stamp. A share of another machine, a printer or a mailbox may hold
them; whoever rewrites the chain has them against them.
"""

import hashlib
import hmac
import os
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from core.review.record.ledger import Head, head
from core.review.record.review_store import ReviewStore
from core.review.record.time_stamps import APART, STAMP, StampRefused, stamped_at

_LINE: Final = re.compile(r"(\S+Z) (\d+):([0-9a-f]{64})(?: ([0-9a-f]{64}))?", re.ASCII)
_SHORTEST_KEY: Final = 16


class AnchorRefused(ValueError):
    """A file of anchors or a key that cannot be used; the message says why."""


def read_key(file: Path) -> bytes:
    """The key in a file. Raises AnchorRefused for one that is too short, OSError."""
    key = file.read_bytes().strip()
    if len(key) < _SHORTEST_KEY:
        raise AnchorRefused(f"the key in {file} has {len(key)} bytes; at least {_SHORTEST_KEY}")
    return key


def line(store: ReviewStore, key: bytes | None = None) -> str:
    """The ledger's head now, as a line. Raises LedgerBroken."""
    text = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {head(store)}"
    return text if key is None else f"{text} {_signature(text, key)}"


def append(file: Path, text: str) -> None:
    """Add a line to a file, and wait until it is on the disk. Raises OSError."""
    with file.open("a", encoding="ascii") as handle:
        handle.write(f"{text}\n")
        handle.flush()
        os.fsync(handle.fileno())


def heads_in(file: Path, key: bytes | None = None, authority: Path | None = None) -> list[Head]:
    """The heads that a file of lines holds.

    Args:
        file: lines of :func:`line`; other lines, such as those of a mail, are passed over.
        key: what every line must be signed with; None takes them unsigned too.
        authority: certificates that vouch for the stamp which every line must then have below it;
            None takes them without.

    Raises:
        AnchorRefused: if there is no line, or one without its signature or its stamp.
        OSError: if it cannot be read.
    """
    found = []
    lines = [text.strip() for text in file.read_text("ascii", "replace").splitlines()]
    for number, text in enumerate(lines, 1):
        match = _LINE.fullmatch(text)
        if match is None:
            continue
        at, entries, sha256, signature = match.groups()
        if key is not None and not hmac.compare_digest(
            signature or "", _signature(f"{at} {entries}:{sha256}", key)
        ):
            raise AnchorRefused(f"{file}, line {number}, is not signed with this key")
        if authority is not None:
            below = lines[number] if number < len(lines) else ""
            _check_stamp(f"{file}, line {number}", text, at, below, authority)
        found.append(Head(int(entries), sha256))
    if not found:
        raise AnchorRefused(f"{file} holds no line that python -m core cases anchor has written")
    return found


def _check_stamp(where: str, text: str, at: str, below: str, authority: Path) -> None:
    if not below.startswith(STAMP):
        raise AnchorRefused(f"{where}, has no time stamp below it")
    try:
        stamped = stamped_at(below, text, authority)
    except StampRefused as refusal:
        raise AnchorRefused(f"{where}, has a time stamp that does not hold: {refusal}") from refusal
    try:
        written = datetime.fromisoformat(at)
    except ValueError as error:
        raise AnchorRefused(f"{where}, names no time") from error
    if abs(stamped - written) > APART:
        raise AnchorRefused(
            f"{where}, says {written:%Y-%m-%d} and was stamped on {stamped:%Y-%m-%d}: it was "
            "written later than it says"
        )


def _signature(text: str, key: bytes) -> str:
    return hmac.new(key, text.encode("ascii"), hashlib.sha256).hexdigest()
