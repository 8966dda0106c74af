"""Several roles, cancelled cases, fields left out by a person, boxes confirmed, copies of pictures.

The new columns are nullable, so that rows which the ledger covers already stay unchanged.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns and make the table."""
    op.add_column("people", sa.Column("more_roles", sa.String(120)))
    op.add_column("cases", sa.Column("cancelled_at", sa.DateTime(timezone=True)))
    op.add_column("cases", sa.Column("cancelled_reason", sa.Text))
    op.add_column("case_pictures", sa.Column("included", sa.Boolean))
    op.add_column("case_pictures", sa.Column("look", sa.String(256)))
    op.create_table(
        "box_confirmations",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column(
            "case_id",
            sa.Integer,
            sa.ForeignKey("cases.id", name="fk_box_conf_case"),
            nullable=False,
        ),
        sa.Column(
            "picture_id",
            sa.Integer,
            sa.ForeignKey("case_pictures.id", name="fk_box_conf_picture"),
            nullable=False,
        ),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("reading", sa.Integer, nullable=False),
        sa.Column("confirmed", sa.Boolean, nullable=False),
        sa.Column("reader", sa.String(255), nullable=False),
        sa.Column("reader_name", sa.String(120), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.UniqueConstraint(
            "picture_id", "version", "reading", name="uq_box_confirmations_picture"
        ),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_box_confirmations_case", "box_confirmations", ["case_id", "version", "reading"]
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_table("box_confirmations")
    op.drop_column("case_pictures", "look")
    op.drop_column("case_pictures", "included")
    op.drop_column("cases", "cancelled_reason")
    op.drop_column("cases", "cancelled_at")
    op.drop_column("people", "more_roles")
