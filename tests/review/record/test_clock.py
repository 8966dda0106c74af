"""A clock that was set back is said."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from core.review.case import cases
from core.review.record.clock import clock_fault


def test_a_clock_behind_the_last_entry_is_said(store, people):
    now = datetime.now(UTC)
    assert clock_fault(store, now - timedelta(days=9)) == "", "nothing was written yet"
    cases.create(store, people.technologist, "A-1")
    assert clock_fault(store, now - timedelta(minutes=4)) == "", "several computers differ a little"
    words = clock_fault(store, now - timedelta(days=400))
    assert "before the last entry of the ledger" in words and "entry 1" in words
    assert f"{now - timedelta(days=400):%Y-%m-%d}" in words
