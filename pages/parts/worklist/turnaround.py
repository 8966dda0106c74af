"""How long cases take from their first picture to the signature, by reader and by urgency."""

from datetime import UTC, datetime, timedelta
from typing import Final

import streamlit as st

from core.access.people import Person
from core.review.case.timing import Turnaround, turnaround_by
from core.review.record.review_store import review_store

_SPANS: Final = {"30 days": 30, "90 days": 90, "all": None}


def draw(who: Person) -> None:
    """Two tables: by who signed, by whether the case was critical."""
    span = st.segmented_control(
        "Signed within", list(_SPANS), default="30 days", required=True, key="turnaround_span"
    )
    days = _SPANS[span or "30 days"]
    since = None if days is None else datetime.now(UTC) - timedelta(days=days)
    found = turnaround_by(review_store(), who, since=since)
    if not found["priority"]:
        st.info("No case was signed in this time.")
        return
    for name, rows in found.items():
        st.table(
            [_row(name, row) for row in rows],
            border="horizontal",
            hide_index=True,
            alt=f"Turnaround by {name}",
        )
    st.caption(
        "From the first picture of a case to its first signature; 90 and 95 of 100 cases took no "
        "longer than the last two columns say. Amendments are left out."
    )


def _row(name: str, row: Turnaround) -> dict[str, str]:
    return {
        name.capitalize(): row.name,
        "Cases": str(row.n),
        "Median": _time(row.median),
        "90 %": _time(row.p90),
        "95 %": _time(row.p95),
    }


def _time(hours: float) -> str:
    if hours < 1:
        return f"{60 * hours:.0f} min"
    return f"{hours:.1f} h" if hours < 48 else f"{hours / 24:.1f} days"
