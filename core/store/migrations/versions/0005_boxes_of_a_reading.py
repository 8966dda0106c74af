"""Corrections of boxes belong to a reading, as answers and grades do.

Rows of ``case_cells`` that were corrected before this stay as they are: both readers of such a
case begin with them.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "box_edits",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column(
            "case_id",
            sa.Integer,
            sa.ForeignKey("cases.id", name="fk_box_edits_case"),
            nullable=False,
        ),
        sa.Column(
            "cell_id",
            sa.Integer,
            sa.ForeignKey("case_cells.id", name="fk_box_edits_cell"),
            nullable=False,
        ),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("reading", sa.Integer, nullable=False),
        sa.Column("kind", sa.String(16)),
        sa.Column("x0_px", sa.Float),
        sa.Column("y0_px", sa.Float),
        sa.Column("x1_px", sa.Float),
        sa.Column("y1_px", sa.Float),
        sa.Column("deleted", sa.Boolean),
        sa.Column("settled", sa.Boolean, nullable=False),
        sa.Column(
            "same_as", sa.Integer, sa.ForeignKey("case_cells.id", name="fk_box_edits_same_as")
        ),
        sa.Column("carried", sa.Boolean, nullable=False),
        sa.Column("reader", sa.String(255), nullable=False),
        sa.Column("reader_name", sa.String(120), nullable=False),
        sa.Column("edited_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.UniqueConstraint("cell_id", "version", "reading", name="uq_box_edits_cell"),
        sa.CheckConstraint("kind IN ('rbc', 'wbc', 'platelet')", name="ck_box_edits_kind"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_box_edits_case", "box_edits", ["case_id", "version", "reading"])


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("box_edits")
