"""The tables of the review. Every change of a row is also an entry of the ledger.

Nothing is deleted: what a person removes is marked so. Times that the ledger hashes are stored in
the entry as text, since databases print times differently.
"""

from typing import Final

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from core.store.columns import UtcTime, metadata, one_of

CASE_STATES: Final = ("new", "in_review", "second_review", "signed", "amended")
PICTURE_KINDS: Final = ("field", "palm")
CELL_KINDS: Final = ("rbc", "wbc", "platelet")

people = Table(
    "people",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("name", String(120), nullable=False),
    Column("subject", String(255), nullable=False),
    Column("role", String(20), nullable=False),
    Column("active", Boolean, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("more_roles", String(120)),
    UniqueConstraint("subject", name="uq_people_subject"),
    sqlite_autoincrement=True,
)
"""``more_roles``: further roles of the person, with spaces between."""

cases = Table(
    "cases",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("accession", String(64), nullable=False),
    Column("pseudonym", String(64), nullable=False),
    Column("sex", String(16), nullable=False),
    Column("age_years", Integer),
    Column("indication", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("version", Integer, nullable=False),
    Column("reading", Integer, nullable=False),
    Column("second_reader", Boolean, nullable=False),
    Column("assigned_to", String(255)),
    Column("assigned_name", String(120)),
    Column("assigned_since", UtcTime),
    Column("created_by", String(255), nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("signed_at", UtcTime),
    Column("revision", Integer, nullable=False),
    Column("cancelled_at", UtcTime),
    Column("cancelled_reason", Text),
    UniqueConstraint("accession", name="uq_cases_accession"),
    one_of("cases", "state", CASE_STATES),
    Index("ix_cases_state", "state"),
    sqlite_autoincrement=True,
)
"""``version`` is 1 until a signed case is amended; ``reading`` is 1 for the first reader, 2 for the
second, 3 for the adjudication. ``cancelled_at`` is set while the case is cancelled."""

case_pictures = Table(
    "case_pictures",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("case_id", Integer, ForeignKey("cases.id", name="fk_pictures_case"), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("name", String(255), nullable=False),
    Column("slide", String(64), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("source_sha256", String(64), nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("finding", Text, nullable=False),
    Column("models", Text, nullable=False),
    Column("code_version", String(64), nullable=False),
    Column("flag_codes", Text, nullable=False),
    Column("added_by", String(255), nullable=False),
    Column("added_at", UtcTime, nullable=False),
    Column("included", Boolean),
    Column("look", String(256)),
    UniqueConstraint("case_id", "source_sha256", name="uq_pictures_source"),
    one_of("case_pictures", "kind", PICTURE_KINDS),
    Index("ix_pictures_case", "case_id"),
    sqlite_autoincrement=True,
)
"""``sha256`` names the stored file, ``source_sha256`` the bytes that were sent; ``finding`` and
``models`` are JSON. ``included`` is what a person decided about the field: it counts, it is left
out, or (None) its flags decide. ``look`` is the picture's difference hash in hexadecimal: copies
that were saved anew differ in few of its bits."""

case_cells = Table(
    "case_cells",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("case_id", Integer, ForeignKey("cases.id", name="fk_cells_case"), nullable=False),
    Column(
        "picture_id",
        Integer,
        ForeignKey("case_pictures.id", name="fk_cells_picture"),
        nullable=False,
    ),
    Column("place", Integer),
    Column("kind", String(16), nullable=False),
    Column("x0_px", Float, nullable=False),
    Column("y0_px", Float, nullable=False),
    Column("x1_px", Float, nullable=False),
    Column("y1_px", Float, nullable=False),
    Column("machine_label", String(40)),
    Column("machine_probability", Float),
    Column("abstained", Boolean, nullable=False),
    Column("novel", Boolean, nullable=False),
    Column("blind", Boolean, nullable=False),
    Column("deleted", Boolean, nullable=False),
    Column("revision", Integer, nullable=False),
    one_of("case_cells", "kind", CELL_KINDS),
    Index("ix_cells_case", "case_id", "kind"),
    Index("ix_cells_picture", "picture_id"),
    sqlite_autoincrement=True,
)
"""``place`` is the cell's place in the finding, None for one that a person drew: that one is marked
deleted here, and is there in the readings whose ``box_edits`` say so."""

box_edits = Table(
    "box_edits",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("case_id", Integer, ForeignKey("cases.id", name="fk_box_edits_case"), nullable=False),
    Column(
        "cell_id", Integer, ForeignKey("case_cells.id", name="fk_box_edits_cell"), nullable=False
    ),
    Column("version", Integer, nullable=False),
    Column("reading", Integer, nullable=False),
    Column("kind", String(16)),
    Column("x0_px", Float),
    Column("y0_px", Float),
    Column("x1_px", Float),
    Column("y1_px", Float),
    Column("deleted", Boolean),
    Column("settled", Boolean, nullable=False),
    Column("same_as", Integer, ForeignKey("case_cells.id", name="fk_box_edits_same_as")),
    Column("carried", Boolean, nullable=False),
    Column("reader", String(255), nullable=False),
    Column("reader_name", String(120), nullable=False),
    Column("edited_at", UtcTime, nullable=False),
    Column("revision", Integer, nullable=False),
    UniqueConstraint("cell_id", "version", "reading", name="uq_box_edits_cell"),
    one_of("box_edits", "kind", CELL_KINDS),
    Index("ix_box_edits_case", "case_id", "version", "reading"),
    sqlite_autoincrement=True,
)
"""The box of a cell in a reading, all of it; with every value None the edit was undone and the box
is as it was. ``settled`` False: the two readers differ in it. ``same_as``: the other reader drew
the same cell, and that row stands for both. ``carried``: copied from the version before."""

answers = Table(
    "answers",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("case_id", Integer, ForeignKey("cases.id", name="fk_answers_case"), nullable=False),
    Column("cell_id", Integer, ForeignKey("case_cells.id", name="fk_answers_cell"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("reading", Integer, nullable=False),
    Column("label", String(40)),
    Column("blind", Boolean, nullable=False),
    Column("carried", Boolean, nullable=False),
    Column("reader", String(255), nullable=False),
    Column("reader_name", String(120), nullable=False),
    Column("answered_at", UtcTime, nullable=False),
    Column("seconds", Float),
    Column("revision", Integer, nullable=False),
    UniqueConstraint("cell_id", "version", "reading", name="uq_answers_cell"),
    Index("ix_answers_case", "case_id", "version", "reading"),
    sqlite_autoincrement=True,
)
"""``label`` None: the answer was undone. ``carried``: copied from the version before. ``blind``:
given without the machine's answer in view."""

remarks = Table(
    "remarks",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("case_id", Integer, ForeignKey("cases.id", name="fk_remarks_case"), nullable=False),
    Column("picture_id", Integer, ForeignKey("case_pictures.id", name="fk_remarks_picture")),
    Column("cell_id", Integer, ForeignKey("case_cells.id", name="fk_remarks_cell")),
    Column("version", Integer, nullable=False),
    Column("reading", Integer, nullable=False),
    Column("text", Text, nullable=False),
    Column("author", String(255), nullable=False),
    Column("author_name", String(120), nullable=False),
    Column("written_at", UtcTime, nullable=False),
    Column("deleted", Boolean, nullable=False),
    Column("revision", Integer, nullable=False),
    Index("ix_remarks_case", "case_id"),
    sqlite_autoincrement=True,
)

grades = Table(
    "grades",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("case_id", Integer, ForeignKey("cases.id", name="fk_grades_case"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("reading", Integer, nullable=False),
    Column("term", String(40), nullable=False),
    Column("grade", Integer),
    Column("words", String(40)),
    Column("reader", String(255), nullable=False),
    Column("reader_name", String(120), nullable=False),
    Column("graded_at", UtcTime, nullable=False),
    Column("revision", Integer, nullable=False),
    UniqueConstraint("case_id", "version", "reading", "term", name="uq_grades_term"),
    sqlite_autoincrement=True,
)
"""Red-cell morphology 0 to 3 by term; the platelets' estimate has ``words``. Both None:
undone."""

box_confirmations = Table(
    "box_confirmations",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("case_id", Integer, ForeignKey("cases.id", name="fk_box_conf_case"), nullable=False),
    Column(
        "picture_id",
        Integer,
        ForeignKey("case_pictures.id", name="fk_box_conf_picture"),
        nullable=False,
    ),
    Column("version", Integer, nullable=False),
    Column("reading", Integer, nullable=False),
    Column("confirmed", Boolean, nullable=False),
    Column("reader", String(255), nullable=False),
    Column("reader_name", String(120), nullable=False),
    Column("confirmed_at", UtcTime, nullable=False),
    Column("revision", Integer, nullable=False),
    UniqueConstraint("picture_id", "version", "reading", name="uq_box_confirmations_picture"),
    Index("ix_box_confirmations_case", "case_id", "version", "reading"),
    sqlite_autoincrement=True,
)
"""A reader looked at every box of a field and found them right. ``confirmed`` False: undone."""

signatures = Table(
    "signatures",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("case_id", Integer, ForeignKey("cases.id", name="fk_signatures_case"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("signed_by", String(255), nullable=False),
    Column("signed_name", String(120), nullable=False),
    Column("signed_at", UtcTime, nullable=False),
    Column("reason", Text, nullable=False),
    Column("snapshot", Text, nullable=False),
    Column("snapshot_sha256", String(64), nullable=False),
    UniqueConstraint("case_id", "version", name="uq_signatures_version"),
    sqlite_autoincrement=True,
)
"""``snapshot`` is everything that was signed, as JSON: an old version stays readable."""

confirmed_labels = Table(
    "confirmed_labels",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("case_id", Integer, ForeignKey("cases.id", name="fk_confirmed_case"), nullable=False),
    Column(
        "cell_id", Integer, ForeignKey("case_cells.id", name="fk_confirmed_cell"), nullable=False
    ),
    Column("label", String(40), nullable=False),
    Column("reader", String(255), nullable=False),
    Column("reader_name", String(120), nullable=False),
    Column("confirmed_at", UtcTime, nullable=False),
    UniqueConstraint("cell_id", "label", name="uq_confirmed_labels_cell"),
    sqlite_autoincrement=True,
)
"""A verified label that was looked at a second time and found right."""

training_sets = Table(
    "training_sets",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("name", String(80), nullable=False),
    Column("version", Integer, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("folder", Text, nullable=False),
    Column("manifest_sha256", String(64), nullable=False),
    Column("cases", Integer, nullable=False),
    Column("items", Integer, nullable=False),
    Column("corrections", Integer, nullable=False),
    Column("made_by", String(255), nullable=False),
    Column("made_at", UtcTime, nullable=False),
    UniqueConstraint("name", "version", name="uq_training_sets_version"),
    one_of("training_sets", "kind", ("cells", "fields")),
    sqlite_autoincrement=True,
)

acceptances = Table(
    "acceptances",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("title", String(120), nullable=False),
    Column("wbc_model", String(120), nullable=False),
    Column("locator_model", String(120), nullable=False),
    Column("accepted", Boolean, nullable=False),
    Column("record", Text, nullable=False),
    Column("record_sha256", String(64), nullable=False),
    Column("signed_by", String(255), nullable=False),
    Column("signed_name", String(120), nullable=False),
    Column("signed_at", UtcTime, nullable=False),
    sqlite_autoincrement=True,
)
"""Lab acceptances as they were signed. ``record`` is JSON: figures, pairs, limits, verdicts."""

ledger = Table(
    "ledger",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at", String(32), nullable=False),
    Column("who", String(255), nullable=False),
    Column("who_name", String(120), nullable=False),
    Column("role", String(20), nullable=False),
    Column("action", String(40), nullable=False),
    Column("case_id", Integer),
    Column("detail", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("changes", Text, nullable=False),
    Column("undoes", Integer),
    Column("previous_hash", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    Index("ix_ledger_case", "case_id"),
)
"""Rows are only ever added. ``changes`` is JSON: table, row, old and new values."""

ledger_head = Table(
    "ledger_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("entries", Integer, nullable=False),
    Column("hash", String(64), nullable=False),
)
"""One row: the number of entries and the hash of the last. Every writing transaction updates it
first, which serialises them, so that there is one chain."""
