"""Does the clock of this computer stand where it should: no entry was written in the future."""

from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import select

from core.review.record.ledger import moment_of
from core.review.record.review_store import ReviewStore
from core.store.review_schema import ledger

_TOLERANCE: Final = timedelta(minutes=5)
"""Several computers write into one database, and their clocks differ a little."""


def clock_fault(store: ReviewStore, now: datetime | None = None) -> str:
    """What is wrong with the clock, as a sentence; "" where nothing is."""
    now = now or datetime.now(UTC)
    query = select(ledger.c.at, ledger.c.number).order_by(ledger.c.number.desc()).limit(1)
    with store.database.read() as connection:
        last = connection.execute(query).first()
    if last is None or now >= moment_of(last.at) - _TOLERANCE:
        return ""
    return (
        f"the clock of this computer stands at {now:%Y-%m-%d %H:%M} UTC, before the last entry of "
        f"the ledger ({moment_of(last.at):%Y-%m-%d %H:%M}, entry {last.number}); set it right "
        "before anybody signs"
    )
