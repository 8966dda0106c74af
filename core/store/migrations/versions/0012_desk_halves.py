"""Cases of which each of two readers reads a half."""

import sqlalchemy as sa
from alembic import op

revision = "0012_desk"
down_revision = "0011_desk"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column, nullable, so that rows which the ledger covers already stay unchanged."""
    op.add_column("cases", sa.Column("halves", sa.Boolean))


def downgrade() -> None:
    """Remove it."""
    op.drop_column("cases", "halves")
