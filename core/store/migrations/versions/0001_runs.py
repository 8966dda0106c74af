"""Training runs, their epochs and events.

Written out here, since ``schema.py`` describes today's tables and not those of this version.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_STATES = "'queued', 'running', 'paused', 'stopped', 'failed', 'done', 'lost', 'discarded'"
_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "runs",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("recipe", sa.String(40), nullable=False),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("folder", sa.Text, nullable=False),
        sa.Column("data", sa.Text, nullable=False),
        sa.Column("data_sha256", sa.String(64)),
        sa.Column("settings", sa.JSON, nullable=False),
        sa.Column("options", sa.JSON, nullable=False),
        sa.Column("seed", sa.Integer, nullable=False),
        sa.Column("code_version", sa.String(64), nullable=False),
        sa.Column("device", sa.String(80)),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("request", sa.String(16)),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("process", sa.Integer),
        sa.Column("host", sa.String(120)),
        sa.Column("heartbeat_at", _MOMENT),
        sa.Column("created_by", sa.String(120), nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("queued_at", _MOMENT, nullable=False),
        sa.Column("started_at", _MOMENT),
        sa.Column("ended_at", _MOMENT),
        sa.Column("progress", sa.JSON),
        sa.Column("facts", sa.JSON),
        sa.Column("message", sa.Text),
        sa.Column("model_path", sa.Text),
        sa.Column("model_identity", sa.String(120)),
        sa.UniqueConstraint("name", name="uq_runs_name"),
        sa.CheckConstraint(f"state IN ({_STATES})", name="ck_runs_state"),
        sa.CheckConstraint("request IN ('pause', 'stop', 'discard')", name="ck_runs_request"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_runs_state", "runs", ["state"])
    op.create_table(
        "epochs",
        sa.Column(
            "run_id", sa.Integer, sa.ForeignKey("runs.id", name="fk_epochs_run"), primary_key=True
        ),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("train_loss", sa.Float, nullable=False),
        sa.Column("metrics", sa.JSON, nullable=False),
        sa.Column("learning_rate", sa.Float, nullable=False),
        sa.Column("seconds", sa.Float, nullable=False),
        sa.Column("examples", sa.Integer, nullable=False),
    )
    op.create_table(
        "run_events",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column(
            "run_id", sa.Integer, sa.ForeignKey("runs.id", name="fk_run_events_run"), nullable=False
        ),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("was", sa.String(16)),
        sa.Column("became", sa.String(16), nullable=False),
        sa.Column("who", sa.String(120), nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_run_events_run", "run_events", ["run_id"])
    turns = op.create_table(
        "turns",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("taken", sa.Integer, nullable=False),
    )
    op.bulk_insert(turns, [{"id": 1, "taken": 0}])


def downgrade() -> None:
    """Drop the tables."""
    for table in ("turns", "run_events", "epochs", "runs"):
        op.drop_table(table)
