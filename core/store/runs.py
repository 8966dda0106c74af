"""Training runs in the database, and the changes of their state.

Every change is one transaction together with its event. A run's worker is identified by its
``attempt``: a process that was declared lost and comes back finds a higher number and can change
nothing.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, cast

from sqlalchemy import Connection, delete, insert, select, update

from core.store.database import Database
from core.store.run_records import (
    ACTIONS,
    ENDED,
    RESUMABLE,
    Epoch,
    Request,
    Run,
    RunEvent,
    RunRefused,
    State,
)
from core.store.schema import epochs, run_events, runs, turns

__all__ = [
    "ACTIONS",
    "ENDED",
    "RESUMABLE",
    "Epoch",
    "Request",
    "Run",
    "RunBook",
    "RunEvent",
    "RunRefused",
    "State",
]


def _now() -> datetime:
    return datetime.now(UTC)


class RunBook:
    """The runs of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # ---- reading ---------------------------------------------------------------------------

    def get(self, run_id: int) -> Run:
        """Raises RunRefused for a number no run has."""
        with self._database.read() as connection:
            return _get(connection, run_id)

    def find(self, name: str) -> Run | None:
        """The run of that name."""
        with self._database.read() as connection:
            row = connection.execute(select(runs).where(runs.c.name == name)).first()
        return None if row is None else _as_run(row)

    def all(self, *, discarded: bool = False) -> list[Run]:
        """Newest first; with ``discarded`` the discarded ones too."""
        query = select(runs).order_by(runs.c.id.desc())
        if not discarded:
            query = query.where(runs.c.state != "discarded")
        with self._database.read() as connection:
            return [_as_run(row) for row in connection.execute(query)]

    def epochs(self, run_id: int) -> list[Epoch]:
        """In order."""
        query = select(epochs).where(epochs.c.run_id == run_id).order_by(epochs.c.number)
        with self._database.read() as connection:
            found = connection.execute(query).mappings().all()
        return [Epoch(**{k: v for k, v in row.items() if k != "run_id"}) for row in found]

    def events(self, run_id: int) -> list[RunEvent]:
        """In order."""
        query = select(run_events).where(run_events.c.run_id == run_id).order_by(run_events.c.id)
        with self._database.read() as connection:
            found = connection.execute(query).mappings().all()
        return [
            RunEvent(**{k: v for k, v in row.items() if k not in ("id", "run_id")}) for row in found
        ]

    # ---- by people --------------------------------------------------------------------

    def add(self, values: Mapping[str, Any], who: str) -> Run:
        """Add a run to the queue."""
        with self._database.write() as connection:
            now = _now()
            row = {**values, "state": "queued", "attempt": 0, "created_by": who}
            row |= {"created_at": now, "queued_at": now}
            run_id = connection.execute(insert(runs).values(row).returning(runs.c.id)).scalar_one()
            _note(connection, run_id, None, "queued", who, "")
            return _get(connection, run_id)

    def add_done(self, values: Mapping[str, Any], who: str) -> Run:
        """Add a run that is done already: its model was adapted from another, not trained."""
        with self._database.write() as connection:
            now = _now()
            row = {**values, "state": "done", "attempt": 0, "created_by": who}
            row |= {"created_at": now, "queued_at": now, "started_at": now, "ended_at": now}
            run_id = connection.execute(insert(runs).values(row).returning(runs.c.id)).scalar_one()
            _note(connection, run_id, None, "done", who, "adapted, not trained")
            return _get(connection, run_id)

    def ask(
        self, run_id: int, action: Literal["pause", "resume", "stop", "discard"], who: str
    ) -> Run:
        """Carry out a person's action, or store it as a request for the run's worker.

        Resuming queues the run. Stopping one that has no process queues it with the request, since
        a process must still make the model of its best epoch.

        Raises:
            RunRefused: if its state does not allow it.
        """
        with self._database.write() as connection:
            _take_turn(connection)
            run = _get(connection, run_id)
            if not run.allows(action):
                raise RunRefused(f"run {run.name} is {run.state}; it cannot be asked to {action}")
            if run.state == "running":
                connection.execute(update(runs).where(runs.c.id == run_id).values(request=action))
                _note(connection, run_id, "running", "running", who, f"asked to {action}")
            elif action in ("resume", "stop"):
                request = "stop" if action == "stop" else None
                more = {"request": request, "queued_at": _now(), "message": None, "ended_at": None}
                _move(connection, run, "queued", who, f"asked to {action}", more)
            elif action == "pause":
                _move(connection, run, "paused", who, "asked to pause", {"request": None})
            else:
                more = {"request": None, "ended_at": _now()}
                _move(connection, run, "discarded", who, "asked to discard", more)
            return _get(connection, run_id)

    def describe(self, run_id: int, title: str, note: str, tags: Sequence[str], who: str) -> Run:
        """Change the words about a run; its events say who called it what before.

        Raises:
            RunRefused: for a number no run has.
        """
        with self._database.write() as connection:
            run = _get(connection, run_id)
            values = {"title": title, "note": note or None, "tags": list(tags) or None}
            connection.execute(update(runs).where(runs.c.id == run_id).values(values))
            was = "" if title == run.title else f", called {run.title} before"
            _note(connection, run_id, run.state, run.state, who, f"described anew{was}")
            return _get(connection, run_id)

    # ---- by workers and the watch -----------------------------------------------------

    def next_queued(self) -> Run | None:
        """The first run in the queue."""
        with self._database.read() as connection:
            return _first_queued(connection)

    def claim(self, limit: int, host: str, only: int | None = None) -> Run | None:
        """Move the first run of the queue to ``running``, if fewer than ``limit`` are running.

        Args:
            limit: runs that may run at once.
            host: the machine that will run it.
            only: claim only the run of this number, if it is the first in the queue.
        """
        with self._database.write() as connection:
            _take_turn(connection)
            running = select(runs.c.id).where(runs.c.state == "running")
            if len(connection.execute(running).all()) >= limit:
                return None
            run, now = _first_queued(connection), _now()
            if run is None or only not in (None, run.id):
                return None
            more = {"attempt": run.attempt + 1, "host": host, "process": None}
            more |= {"heartbeat_at": now, "started_at": run.started_at or now, "message": None}
            _move(connection, run, "running", f"worker on {host}", "", more)
            return _get(connection, run.id)

    def beat(self, run_id: int, attempt: int, **values: Any) -> Request | None:
        """Store a heartbeat and other new values; returns the request of a person, if there is one.

        Raises:
            RunRefused: if the run no longer belongs to this attempt.
        """
        with self._database.write() as connection:
            mine = (runs.c.id == run_id) & (runs.c.attempt == attempt) & (runs.c.state == "running")
            changed = connection.execute(
                update(runs).where(mine).values(heartbeat_at=_now(), **values)
            )
            if changed.rowcount != 1:
                raise RunRefused(f"run {run_id} is no longer held by its attempt {attempt}")
            request = select(runs.c.request).where(runs.c.id == run_id)
            return cast(Request | None, connection.execute(request).scalar_one())

    def add_epoch(self, run_id: int, row: Epoch) -> None:
        """Add an epoch, in place of the one of that number from before a resumption."""
        self.set_epochs(run_id, [row], from_number=row.number)

    def set_epochs(self, run_id: int, rows: list[Epoch], from_number: int = 0) -> None:
        """Replace all epochs from a number on."""
        with self._database.write() as connection:
            old = (epochs.c.run_id == run_id) & (epochs.c.number >= from_number)
            connection.execute(delete(epochs).where(old))
            for row in rows:
                finite = {k: v for k, v in row.metrics.items() if math.isfinite(v)}
                values = {**row.__dict__, "metrics": finite, "run_id": run_id}
                connection.execute(insert(epochs).values(values))

    def release(self, run_id: int, attempt: int, state: State, detail: str, **values: Any) -> Run:
        """End the work on a running run and put it into ``state``.

        Raises:
            RunRefused: if the run no longer belongs to this attempt.
        """
        with self._database.write() as connection:
            _take_turn(connection)
            run = _get(connection, run_id)
            if run.state != "running" or run.attempt != attempt:
                raise RunRefused(f"run {run.name} is no longer held by its attempt {attempt}")
            more = {"request": None, "process": None, "message": detail or None, **values}
            if state in ENDED or state == "failed":
                more["ended_at"] = _now()
            _move(connection, run, state, f"worker on {run.host}", detail, more)
            return _get(connection, run_id)

    def mark_lost(
        self,
        silent_for: timedelta,
        dead: Collection[tuple[int, int]] = (),
        starting: timedelta | None = None,
    ) -> list[Run]:
        """Put running runs without a heartbeat for ``silent_for`` into ``lost``; returns them.

        Args:
            silent_for: longest time since the last heartbeat.
            dead: runs known to have no process, by number and attempt.
            starting: longest time until the first heartbeat; None for the same.
        """
        with self._database.write() as connection:
            _take_turn(connection)
            limit, first_limit = _now() - silent_for, _now() - (starting or silent_for)
            query = select(runs).where(runs.c.state == "running")
            running = [_as_run(row) for row in connection.execute(query)]
            silent = [
                run
                for run in running
                if (run.id, run.attempt) in dead
                or run.heartbeat_at is None
                or run.heartbeat_at < (limit if run.process else first_limit)
            ]
            for run in silent:
                detail = "its process died or its machine was switched off"
                more = {"request": None, "process": None, "message": detail}
                _move(connection, run, "lost", "watch", detail, more)
            return [_get(connection, run.id) for run in silent]


def _take_turn(connection: Connection) -> None:
    connection.execute(update(turns).where(turns.c.id == 1).values(taken=turns.c.taken + 1))


def _first_queued(connection: Connection) -> Run | None:
    query = select(runs).where(runs.c.state == "queued").order_by(runs.c.queued_at, runs.c.id)
    row = connection.execute(query).first()
    return None if row is None else _as_run(row)


def _get(connection: Connection, run_id: int) -> Run:
    row = connection.execute(select(runs).where(runs.c.id == run_id)).first()
    if row is None:
        raise RunRefused(f"there is no run {run_id}")
    return _as_run(row)


def _as_run(row: Any) -> Run:
    return Run(**row._mapping)


def _move(
    connection: Connection, run: Run, state: State, who: str, detail: str, more: Mapping[str, Any]
) -> None:
    connection.execute(update(runs).where(runs.c.id == run.id).values(state=state, **more))
    _note(connection, run.id, run.state, state, who, detail)


def _note(
    connection: Connection, run_id: int, was: State | None, became: State, who: str, detail: str
) -> None:
    row = {"run_id": run_id, "at": _now(), "was": was, "became": became}
    connection.execute(insert(run_events).values(**row, who=who, detail=detail))
