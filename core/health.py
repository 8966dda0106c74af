"""Is this server well, and its figures: what ``/healthz`` and ``/metrics`` answer.

Neither holds a name, a path or a word of a case: they are read by machines that watch the site.
"""

import os
import resource
import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

from sqlalchemy import func, select

from core.models import registry
from core.models.weights import WeightsRefused
from core.review.record.clock import clock_fault
from core.review.record.review_store import ReviewStore, review_store
from core.settings import settings
from core.store.database import DatabaseRefused
from core.store.review_schema import case_pictures, cases, ledger_head
from core.store.schema import runs

LEAST_FREE_BYTES: Final = 1_000_000_000
"""Below this the next pictures and checkpoints may not fit."""

Part = Literal["database", "clock", "disk", "models", "worker"]


@dataclass(frozen=True)
class PartHealth:
    """One part of the installation. ``fault`` is a sentence for the administrator, "" if well."""

    part: Part
    fault: str


def health() -> list[PartHealth]:
    """Every part, well or not."""
    parts: list[tuple[Part, Callable[[], str]]] = [
        ("database", _database_fault),
        ("clock", _clock_fault),
        ("disk", _disk_fault),
        ("models", _models_fault),
        ("worker", _worker_fault),
    ]
    return [PartHealth(part, find()) for part, find in parts]


def _database_fault() -> str:
    try:
        with review_store().database.read() as connection:
            connection.execute(select(ledger_head.c.entries)).first()
    except DatabaseRefused as refusal:
        return str(refusal)
    return ""


def _clock_fault() -> str:
    try:
        return clock_fault(review_store())
    except DatabaseRefused:  # the database says so itself
        return ""


def _disk_fault() -> str:
    try:
        free = shutil.disk_usage(settings().var).free
    except OSError as error:
        return f"{settings().var} cannot be read: {error.strerror}"
    if free < LEAST_FREE_BYTES:
        return f"{free / 1e6:.0f} MB are free for {settings().var}; make room"
    return ""


def _models_fault() -> str:
    for task in registry.TASKS:
        try:
            registry.live(task)
        except WeightsRefused as refusal:
            return f"{task}: {refusal}"
    return ""


def _worker_fault() -> str:
    """A training without a sign of life, ten times as long as it takes to call it lost."""
    before = datetime.now(UTC) - 10 * timedelta(seconds=settings().heartbeat_timeout_s)
    query = select(runs.c.name).where(runs.c.state == "running", runs.c.heartbeat_at < before)
    try:
        with review_store().database.read() as connection:
            silent = connection.execute(query).scalars().all()
    except DatabaseRefused:
        return ""
    return f"no sign of life from {', '.join(silent)}; stop and resume it" if silent else ""


def metrics() -> str:
    """Figures in the text form of Prometheus (version 0.0.4).

    Source: https://prometheus.io/docs/instrumenting/exposition_formats/
    """
    lines: list[str] = []
    for name, kind, words, rows in _figures():
        lines += [f"# HELP {name} {words}", f"# TYPE {name} {kind}"]
        lines += [f"{name}{labels} {value}" for labels, value in rows]
    return "\n".join(lines) + "\n"


_Rows = list[tuple[str, float]]


def _figures() -> Iterator[tuple[str, str, str, _Rows]]:
    well: _Rows = [(f'{{part="{one.part}"}}', float(not one.fault)) for one in health()]
    yield "hemadesk_up", "gauge", "1 where the part is well.", well
    with suppress(DatabaseRefused):  # hemadesk_up says so
        yield from _counts(review_store())
    usage = shutil.disk_usage(settings().var)
    yield "hemadesk_disk_free_bytes", "gauge", "Free for pictures.", [("", usage.free)]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    peak_bytes = peak if sys.platform == "darwin" else peak * 1024
    yield "process_resident_memory_peak_bytes", "gauge", "Most that it held.", [("", peak_bytes)]
    yield "process_threads", "gauge", "Threads of Python.", [("", threading.active_count())]
    if os.path.isdir("/proc/self"):
        with open("/proc/self/statm", encoding="ascii") as handle:
            resident = int(handle.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        yield "process_resident_memory_bytes", "gauge", "Memory it holds.", [("", resident)]
        yield "process_open_fds", "gauge", "Open files.", [("", len(os.listdir("/proc/self/fd")))]


def _counts(store: ReviewStore) -> Iterator[tuple[str, str, str, _Rows]]:
    with store.database.read() as connection:

        def by(column: str, table: str) -> _Rows:
            of = {"cases": cases, "case_pictures": case_pictures, "runs": runs}[table]
            query = select(of.c[column], func.count()).group_by(of.c[column])
            return [(f'{{{column}="{word}"}}', n) for word, n in connection.execute(query)]

        yield "hemadesk_cases", "gauge", "Cases by state.", by("state", "cases")
        yield "hemadesk_pictures", "gauge", "Pictures by kind.", by("kind", "case_pictures")
        yield "hemadesk_trainings", "gauge", "Trainings by state.", by("state", "runs")
        entries = connection.execute(select(ledger_head.c.entries)).scalar() or 0
        yield "hemadesk_ledger_entries_total", "counter", "Entries written.", [("", entries)]
    yield "hemadesk_database_bytes", "gauge", "Size of the database.", [("", store.database.size())]
