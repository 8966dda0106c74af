"""People, cases with their pictures, cells and answers, and the ledger."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)
_CASE_STATES = "'new', 'in_review', 'second_review', 'signed', 'amended'"
_FIRST_HASH = "0" * 64


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "people",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("role", sa.String(20), nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.UniqueConstraint("subject", name="uq_people_subject"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "cases",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("accession", sa.String(64), nullable=False),
        sa.Column("pseudonym", sa.String(64), nullable=False),
        sa.Column("sex", sa.String(16), nullable=False),
        sa.Column("age_years", sa.Integer),
        sa.Column("indication", sa.Text, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("reading", sa.Integer, nullable=False),
        sa.Column("second_reader", sa.Boolean, nullable=False),
        sa.Column("assigned_to", sa.String(255)),
        sa.Column("assigned_name", sa.String(120)),
        sa.Column("assigned_since", _MOMENT),
        sa.Column("created_by", sa.String(255), nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("signed_at", _MOMENT),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.UniqueConstraint("accession", name="uq_cases_accession"),
        sa.CheckConstraint(f"state IN ({_CASE_STATES})", name="ck_cases_state"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_cases_state", "cases", ["state"])
    op.create_table(
        "case_pictures",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column(
            "case_id",
            sa.Integer,
            sa.ForeignKey("cases.id", name="fk_pictures_case"),
            nullable=False,
        ),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("slide", sa.String(64), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("source_sha256", sa.String(64), nullable=False),
        sa.Column("width", sa.Integer, nullable=False),
        sa.Column("height", sa.Integer, nullable=False),
        sa.Column("finding", sa.Text, nullable=False),
        sa.Column("models", sa.Text, nullable=False),
        sa.Column("code_version", sa.String(64), nullable=False),
        sa.Column("flag_codes", sa.Text, nullable=False),
        sa.Column("added_by", sa.String(255), nullable=False),
        sa.Column("added_at", _MOMENT, nullable=False),
        sa.UniqueConstraint("case_id", "source_sha256", name="uq_pictures_source"),
        sa.CheckConstraint("kind IN ('field', 'palm')", name="ck_case_pictures_kind"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_pictures_case", "case_pictures", ["case_id"])
    op.create_table(
        "case_cells",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column(
            "case_id", sa.Integer, sa.ForeignKey("cases.id", name="fk_cells_case"), nullable=False
        ),
        sa.Column(
            "picture_id",
            sa.Integer,
            sa.ForeignKey("case_pictures.id", name="fk_cells_picture"),
            nullable=False,
        ),
        sa.Column("place", sa.Integer),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("x0_px", sa.Float, nullable=False),
        sa.Column("y0_px", sa.Float, nullable=False),
        sa.Column("x1_px", sa.Float, nullable=False),
        sa.Column("y1_px", sa.Float, nullable=False),
        sa.Column("machine_label", sa.String(40)),
        sa.Column("machine_probability", sa.Float),
        sa.Column("abstained", sa.Boolean, nullable=False),
        sa.Column("novel", sa.Boolean, nullable=False),
        sa.Column("blind", sa.Boolean, nullable=False),
        sa.Column("deleted", sa.Boolean, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.CheckConstraint("kind IN ('rbc', 'wbc', 'platelet')", name="ck_case_cells_kind"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_cells_case", "case_cells", ["case_id", "kind"])
    op.create_index("ix_cells_picture", "case_cells", ["picture_id"])
    op.create_table(
        "answers",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column(
            "case_id", sa.Integer, sa.ForeignKey("cases.id", name="fk_answers_case"), nullable=False
        ),
        sa.Column(
            "cell_id",
            sa.Integer,
            sa.ForeignKey("case_cells.id", name="fk_answers_cell"),
            nullable=False,
        ),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("reading", sa.Integer, nullable=False),
        sa.Column("label", sa.String(40)),
        sa.Column("blind", sa.Boolean, nullable=False),
        sa.Column("carried", sa.Boolean, nullable=False),
        sa.Column("reader", sa.String(255), nullable=False),
        sa.Column("reader_name", sa.String(120), nullable=False),
        sa.Column("answered_at", _MOMENT, nullable=False),
        sa.Column("seconds", sa.Float),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.UniqueConstraint("cell_id", "version", "reading", name="uq_answers_cell"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_answers_case", "answers", ["case_id", "version", "reading"])
    op.create_table(
        "remarks",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column(
            "case_id", sa.Integer, sa.ForeignKey("cases.id", name="fk_remarks_case"), nullable=False
        ),
        sa.Column(
            "picture_id", sa.Integer, sa.ForeignKey("case_pictures.id", name="fk_remarks_picture")
        ),
        sa.Column("cell_id", sa.Integer, sa.ForeignKey("case_cells.id", name="fk_remarks_cell")),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("reading", sa.Integer, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("author", sa.String(255), nullable=False),
        sa.Column("author_name", sa.String(120), nullable=False),
        sa.Column("written_at", _MOMENT, nullable=False),
        sa.Column("deleted", sa.Boolean, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_remarks_case", "remarks", ["case_id"])
    op.create_table(
        "grades",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column(
            "case_id", sa.Integer, sa.ForeignKey("cases.id", name="fk_grades_case"), nullable=False
        ),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("reading", sa.Integer, nullable=False),
        sa.Column("term", sa.String(40), nullable=False),
        sa.Column("grade", sa.Integer),
        sa.Column("words", sa.String(40)),
        sa.Column("reader", sa.String(255), nullable=False),
        sa.Column("reader_name", sa.String(120), nullable=False),
        sa.Column("graded_at", _MOMENT, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.UniqueConstraint("case_id", "version", "reading", "term", name="uq_grades_term"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "signatures",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column(
            "case_id",
            sa.Integer,
            sa.ForeignKey("cases.id", name="fk_signatures_case"),
            nullable=False,
        ),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("signed_by", sa.String(255), nullable=False),
        sa.Column("signed_name", sa.String(120), nullable=False),
        sa.Column("signed_at", _MOMENT, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("snapshot", sa.Text, nullable=False),
        sa.Column("snapshot_sha256", sa.String(64), nullable=False),
        sa.UniqueConstraint("case_id", "version", name="uq_signatures_version"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "training_sets",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("folder", sa.Text, nullable=False),
        sa.Column("manifest_sha256", sa.String(64), nullable=False),
        sa.Column("cases", sa.Integer, nullable=False),
        sa.Column("items", sa.Integer, nullable=False),
        sa.Column("corrections", sa.Integer, nullable=False),
        sa.Column("made_by", sa.String(255), nullable=False),
        sa.Column("made_at", _MOMENT, nullable=False),
        sa.UniqueConstraint("name", "version", name="uq_training_sets_version"),
        sa.CheckConstraint("kind IN ('cells', 'fields')", name="ck_training_sets_kind"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "ledger",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("who", sa.String(255), nullable=False),
        sa.Column("who_name", sa.String(120), nullable=False),
        sa.Column("role", sa.String(20), nullable=False),
        sa.Column("action", sa.String(40), nullable=False),
        sa.Column("case_id", sa.Integer),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("changes", sa.Text, nullable=False),
        sa.Column("undoes", sa.Integer),
        sa.Column("previous_hash", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
    )
    op.create_index("ix_ledger_case", "ledger", ["case_id"])
    head = op.create_table(
        "ledger_head",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("entries", sa.Integer, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
    )
    op.bulk_insert(head, [{"id": 1, "entries": 0, "hash": _FIRST_HASH}])


def downgrade() -> None:
    """Drop the tables."""
    for table in (
        "ledger_head",
        "ledger",
        "training_sets",
        "signatures",
        "grades",
        "remarks",
        "answers",
        "case_cells",
        "case_pictures",
        "cases",
        "people",
    ):
        op.drop_table(table)
