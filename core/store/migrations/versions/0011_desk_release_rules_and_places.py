"""Rules by which a person signs cases in a batch, and where in a field something was seen."""

import sqlalchemy as sa
from alembic import op

revision = "0011_desk"
down_revision = "0010_safe"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table and the columns."""
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
    # Nullable, so that rows which the ledger covers already stay unchanged.
    for name in ("x0_px", "y0_px", "x1_px", "y1_px"):
        op.add_column("abnormalities", sa.Column(name, sa.Float))


def downgrade() -> None:
    """Remove them."""
    for name in ("x0_px", "y0_px", "x1_px", "y1_px"):
        op.drop_column("abnormalities", name)
    op.drop_table("release_rules")
