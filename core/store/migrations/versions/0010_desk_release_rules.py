"""Rules by which a person signs cases in a batch."""

import sqlalchemy as sa
from alembic import op

revision = "0010_desk"
down_revision = "0009_desk"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "release_rules",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("conditions", sa.Text, nullable=False),
        sa.Column("minimum_cells", sa.Integer, nullable=False),
        sa.Column("trial", sa.Text, nullable=False),
        sa.Column("is_on", sa.Boolean, nullable=False),
        sa.Column("made_by", sa.String(255), nullable=False),
        sa.Column("made_name", sa.String(120), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sqlite_autoincrement=True,
    )


def downgrade() -> None:
    """Remove it."""
    op.drop_table("release_rules")
