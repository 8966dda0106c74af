"""The recipe ``regression`` is called ``counts``, as the task it trains a model for."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_RUNS = sa.table("runs", sa.column("recipe", sa.String))


def upgrade() -> None:
    """Rename it in the stored runs."""
    op.execute(_RUNS.update().where(_RUNS.c.recipe == "regression").values(recipe="counts"))


def downgrade() -> None:
    """Give the former name back, the only one that older code knows."""
    op.execute(_RUNS.update().where(_RUNS.c.recipe == "counts").values(recipe="regression"))
