"""The content of a ledger entry gets a hash of its own, so that it can be erased from the chain.

Both columns are nullable: entries that were written before keep the hash they have.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010_safe"
down_revision = "0009_desk"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns."""
    op.add_column("ledger", sa.Column("salt", sa.String(32)))
    op.add_column("ledger", sa.Column("content_hash", sa.String(64)))


def downgrade() -> None:
    """Drop them."""
    op.drop_column("ledger", "content_hash")
    op.drop_column("ledger", "salt")
