"""Time from upload to signature, and for each reviewed cell, by period."""

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

import numpy as np
from sqlalchemy import Subquery, func, select

from core.access.people import Person
from core.access.rights import require
from core.review.record.review_store import ReviewStore
from core.review.signature.snapshot_format import Snapshot
from core.slide import judgement
from core.store.review_schema import answers, case_pictures, cases, signatures

Span = Literal["day", "week", "month"]


@dataclass(frozen=True)
class Quartiles:
    """Median of ``n`` values with the middle half, in the unit of what it is a summary of."""

    n: int
    low: float
    median: float
    high: float


@dataclass(frozen=True)
class Period:
    """Cases signed for the first time in a period that begins at ``start`` (UTC).

    ``hours`` is from the first picture to the signature; ``seconds_per_cell`` is how long a
    white cell was looked at, where the screen measured it. None where nothing was measured.
    """

    start: datetime
    cases: int
    hours: Quartiles | None
    cells: int
    seconds_per_cell: Quartiles | None


def turnaround(
    store: ReviewStore,
    person: Person,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    by: Span = "week",
    reader: str | None = None,
) -> list[Period]:
    """Periods in which cases were signed, oldest first; amendments are left out.

    Args:
        store: the database and its folder.
        person: who asks.
        since: cases signed from then on, with its zone.
        until: cases signed before.
        by: day, week (from Monday) or month, in UTC.
        reader: only cells this subject reviewed; the hours stay those of the cases.

    Raises:
        NotAllowed: without the right to read.
    """
    require(person, "read")
    first = _first_pictures()
    signed = (
        select(cases.c.id, first.c.uploaded, signatures.c.signed_at)
        .join(signatures, (signatures.c.case_id == cases.c.id) & (signatures.c.version == 1))
        .join(first, first.c.case_id == cases.c.id)
    )
    if since is not None:
        signed = signed.where(signatures.c.signed_at >= since)
    if until is not None:
        signed = signed.where(signatures.c.signed_at < until)
    reviewed = (
        select(answers.c.seconds, signatures.c.signed_at)
        .join(signatures, (signatures.c.case_id == answers.c.case_id) & (signatures.c.version == 1))
        .where(answers.c.version == 1, answers.c.label.is_not(None))
    )
    if reader is not None:
        reviewed = reviewed.where(answers.c.reader == reader)
    hours: dict[datetime, list[float]] = defaultdict(list)
    cells: dict[datetime, int] = defaultdict(int)
    seconds: dict[datetime, list[float]] = defaultdict(list)
    with store.database.read() as connection:
        for _, uploaded, at in connection.execute(signed):
            hours[start_of(at, by)].append((at - uploaded).total_seconds() / 3600)
        for spent, at in connection.execute(reviewed):
            cells[start_of(at, by)] += 1
            if spent is not None:
                seconds[start_of(at, by)].append(spent)
    return [
        Period(start, len(hours[start]), _of(hours[start]), cells[start], _of(seconds[start]))
        for start in sorted(hours)
    ]


@dataclass(frozen=True)
class Turnaround:
    """Hours from first picture to first signature, of the cases of a reader or a priority."""

    name: str
    n: int
    median: float
    p90: float
    p95: float


def turnaround_by(
    store: ReviewStore, person: Person, *, since: datetime | None = None
) -> dict[Literal["signed by", "priority"], list[Turnaround]]:
    """The same hours by who signed, and by whether the case was critical as it was signed.

    Raises:
        NotAllowed: without the right to read.
    """
    require(person, "read")
    first = _first_pictures()
    query = (
        select(
            first.c.uploaded,
            signatures.c.signed_at,
            signatures.c.signed_name,
            signatures.c.snapshot,
        )
        .join(first, first.c.case_id == signatures.c.case_id)
        .where(signatures.c.version == 1)
    )
    if since is not None:
        query = query.where(signatures.c.signed_at >= since)
    readers: dict[str, list[float]] = defaultdict(list)
    priorities: dict[str, list[float]] = defaultdict(list)
    with store.database.read() as connection:
        for uploaded, at, name, snapshot in connection.execute(query):
            hours = (at - uploaded).total_seconds() / 3600
            readers[name].append(hours)
            priorities[_priority(json.loads(snapshot))].append(hours)
    return {
        "signed by": [_percentiles(name, readers[name]) for name in sorted(readers)],
        "priority": [_percentiles(name, priorities[name]) for name in sorted(priorities)],
    }


def _first_pictures() -> Subquery:
    """When the first picture of each case was added: ``case_id``, ``uploaded``."""
    return (
        select(case_pictures.c.case_id, func.min(case_pictures.c.added_at).label("uploaded"))
        .group_by(case_pictures.c.case_id)
        .subquery()
    )


def _priority(snapshot: Snapshot) -> str:
    cells = any(cell.get("critical") and not cell["deleted"] for cell in snapshot["cells"])
    seen = any(judgement.is_critical_term(s["term"]) for s in snapshot.get("abnormalities", ()))
    return "critical" if cells or seen else "not critical"


def _percentiles(name: str, hours: Sequence[float]) -> Turnaround:
    median, p90, p95 = (float(v) for v in np.percentile(hours, [50, 90, 95]))
    return Turnaround(name, len(hours), median, p90, p95)


def start_of(at: datetime, by: Span) -> datetime:
    """Begin of the period a moment falls in, UTC."""
    day = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if by == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if by == "month" else day


def _of(values: Sequence[float]) -> Quartiles | None:
    if not values:
        return None
    low, median, high = (float(v) for v in np.percentile(values, [25, 50, 75]))
    return Quartiles(len(values), low, median, high)
