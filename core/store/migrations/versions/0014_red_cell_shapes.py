"""The shapes that readers give red cells in place of the model's."""

import sqlalchemy as sa
from alembic import op

revision = "0014_red_cell_shapes"
down_revision = "0013_run_words"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "red_cell_shapes",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column(
            "case_id",
            sa.Integer,
            sa.ForeignKey("cases.id", name="fk_red_cell_shapes_case"),
            nullable=False,
        ),
        sa.Column(
            "cell_id",
            sa.Integer,
            sa.ForeignKey("case_cells.id", name="fk_red_cell_shapes_cell"),
            nullable=False,
        ),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("reading", sa.Integer, nullable=False),
        sa.Column("shape", sa.String(40)),
        sa.Column("carried", sa.Boolean, nullable=False),
        sa.Column("reader", sa.String(255), nullable=False),
        sa.Column("reader_name", sa.String(120), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.UniqueConstraint("cell_id", "version", "reading", name="uq_red_cell_shapes_cell"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_red_cell_shapes_case", "red_cell_shapes", ["case_id", "version", "reading"])


def downgrade() -> None:
    """Drop it."""
    op.drop_table("red_cell_shapes")
