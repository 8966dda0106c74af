"""What a person writes beside a training run: a note, and words to find it by."""

import sqlalchemy as sa
from alembic import op

revision = "0013_run_words"
down_revision = "0012_desk"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; runs from before have neither."""
    op.add_column("runs", sa.Column("note", sa.Text))
    op.add_column("runs", sa.Column("tags", sa.JSON))


def downgrade() -> None:
    """Remove them."""
    op.drop_column("runs", "tags")
    op.drop_column("runs", "note")
