"""What is seen in cells and fields besides classes, and calls about critical findings."""

import sqlalchemy as sa
from alembic import op

revision = "0009_desk"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "abnormalities",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column(
            "case_id",
            sa.Integer,
            sa.ForeignKey("cases.id", name="fk_abnormalities_case"),
            nullable=False,
        ),
        sa.Column(
            "picture_id",
            sa.Integer,
            sa.ForeignKey("case_pictures.id", name="fk_abnormalities_picture"),
            nullable=False,
        ),
        sa.Column(
            "cell_id", sa.Integer, sa.ForeignKey("case_cells.id", name="fk_abnormalities_cell")
        ),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("reading", sa.Integer, nullable=False),
        sa.Column("term", sa.String(40), nullable=False),
        sa.Column("present", sa.Boolean, nullable=False),
        sa.Column("carried", sa.Boolean, nullable=False),
        sa.Column("reader", sa.String(255), nullable=False),
        sa.Column("reader_name", sa.String(120), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_abnormalities_case", "abnormalities", ["case_id", "version", "reading"])
    op.create_table(
        "critical_calls",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column(
            "case_id",
            sa.Integer,
            sa.ForeignKey("cases.id", name="fk_critical_calls_case"),
            nullable=False,
        ),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("finding", sa.Text, nullable=False),
        sa.Column("told", sa.String(120), nullable=False),
        sa.Column("called_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("read_back", sa.Boolean, nullable=False),
        sa.Column("caller", sa.String(255), nullable=False),
        sa.Column("caller_name", sa.String(120), nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted", sa.Boolean, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_critical_calls_case", "critical_calls", ["case_id"])


def downgrade() -> None:
    """Drop them."""
    op.drop_table("critical_calls")
    op.drop_table("abnormalities")
