"""The tables. ``migrations/`` creates them; a test compares the two on both databases."""

from sqlalchemy import (
    JSON,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from core.store.columns import UtcTime, metadata, one_of
from core.store.review_schema import (
    answers,
    box_edits,
    case_cells,
    case_pictures,
    cases,
    confirmed_labels,
    grades,
    ledger,
    ledger_head,
    people,
    remarks,
    signatures,
    training_sets,
)

__all__ = [
    "REQUESTS",
    "RUN_STATES",
    "answers",
    "box_edits",
    "case_cells",
    "case_pictures",
    "cases",
    "confirmed_labels",
    "epochs",
    "grades",
    "ledger",
    "ledger_head",
    "metadata",
    "people",
    "promotions",
    "remarks",
    "run_events",
    "runs",
    "signatures",
    "training_sets",
    "turns",
]

RUN_STATES = ("queued", "running", "paused", "stopped", "failed", "done", "lost", "discarded")
REQUESTS = ("pause", "stop", "discard")

runs = Table(
    "runs",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("name", String(80), nullable=False),
    Column("recipe", String(40), nullable=False),
    Column("title", String(200), nullable=False),
    Column("folder", Text, nullable=False),
    Column("data", Text, nullable=False),
    Column("data_sha256", String(64)),
    Column("settings", JSON, nullable=False),
    Column("options", JSON, nullable=False),
    Column("seed", Integer, nullable=False),
    Column("code_version", String(64), nullable=False),
    Column("device", String(80)),
    Column("state", String(16), nullable=False),
    Column("request", String(16)),
    Column("attempt", Integer, nullable=False),
    Column("process", Integer),
    Column("host", String(120)),
    Column("heartbeat_at", UtcTime),
    Column("created_by", String(120), nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("queued_at", UtcTime, nullable=False),
    Column("started_at", UtcTime),
    Column("ended_at", UtcTime),
    Column("progress", JSON(none_as_null=True)),
    Column("facts", JSON(none_as_null=True)),
    Column("message", Text),
    Column("model_path", Text),
    Column("model_identity", String(120)),
    Column("note", Text),
    Column("tags", JSON(none_as_null=True)),
    UniqueConstraint("name", name="uq_runs_name"),
    one_of("runs", "state", RUN_STATES),
    one_of("runs", "request", REQUESTS),
    Index("ix_runs_state", "state"),
    # AUTOINCREMENT: the number of a deleted row is not given again.
    sqlite_autoincrement=True,
)

epochs = Table(
    "epochs",
    metadata,
    Column("run_id", Integer, ForeignKey("runs.id", name="fk_epochs_run"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("train_loss", Float, nullable=False),
    Column("metrics", JSON, nullable=False),
    Column("learning_rate", Float, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("examples", Integer, nullable=False),
)

run_events = Table(
    "run_events",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("run_id", Integer, ForeignKey("runs.id", name="fk_run_events_run"), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("was", String(16)),
    Column("became", String(16), nullable=False),
    Column("who", String(120), nullable=False),
    Column("detail", Text, nullable=False),
    Index("ix_run_events_run", "run_id"),
    sqlite_autoincrement=True,
)
"""Rows are only ever added: the history of each run's state."""

promotions = Table(
    "promotions",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("at", UtcTime, nullable=False),
    Column("task", String(16), nullable=False),
    Column("action", String(16), nullable=False),
    Column("was", String(120), nullable=False),
    Column("became", String(120), nullable=False),
    Column("file", Text),
    Column("who", String(120), nullable=False),
    Column("reason", Text, nullable=False),
    Column("evidence", JSON(none_as_null=True)),
    CheckConstraint("action IN ('promote', 'roll_back')", name="ck_promotions_action"),
    sqlite_autoincrement=True,
)
"""Rows are only ever added. ``file`` is the model's name in ``var/models``, None if shipped."""

turns = Table(
    "turns",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("taken", Integer, nullable=False),
)
"""One row, updated first by every transaction that decides who may run: serialises them."""
