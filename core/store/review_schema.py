"""The tables of the review; those of a reading are in ``reading_schema``.

Every change of a row is also an entry of the ledger. Nothing is deleted: what a person removes is
marked so. Times that the ledger hashes are stored in the entry as text, since databases print times
differently.
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
from core.store.reading_schema import (
    CELL_KINDS,
    abnormalities,
    answers,
    box_confirmations,
    box_edits,
    critical_calls,
    grades,
    red_cell_shapes,
    remarks,
)

__all__ = [
    "CASE_STATES",
    "CELL_KINDS",
    "PICTURE_KINDS",
    "abnormalities",
    "acceptances",
    "answers",
    "box_confirmations",
    "box_edits",
    "case_cells",
    "case_pictures",
    "cases",
    "confirmed_labels",
    "critical_calls",
    "grades",
    "ledger",
    "ledger_head",
    "people",
    "red_cell_shapes",
    "release_rules",
    "remarks",
    "signatures",
    "site_settings",
    "training_sets",
]

CASE_STATES: Final = ("new", "in_review", "second_review", "signed", "amended")
PICTURE_KINDS: Final = ("field", "palm")

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
    Column("halves", Boolean),
    UniqueConstraint("accession", name="uq_cases_accession"),
    one_of("cases", "state", CASE_STATES),
    Index("ix_cases_state", "state"),
    sqlite_autoincrement=True,
)
"""``version`` is 1 until a signed case is amended; ``reading`` is 1 for the first reader, 2 for the
second, 3 for the adjudication. ``cancelled_at`` is set while the case is cancelled. ``halves``: the
version is read by two readers, a half of the white cells each."""

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

release_rules = Table(
    "release_rules",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("conditions", Text, nullable=False),
    Column("minimum_cells", Integer, nullable=False),
    Column("trial", Text, nullable=False),
    Column("is_on", Boolean, nullable=False),
    Column("made_by", String(255), nullable=False),
    Column("made_name", String(120), nullable=False),
    Column("made_at", UtcTime, nullable=False),
    sqlite_autoincrement=True,
)
"""Rules by which cases may be signed in a batch; the last row stands, none: nothing may. A row is
never changed: turning a rule off adds one that is not on. ``conditions`` is a JSON list of names,
``trial`` what the rule would have done when it was turned on."""

site_settings = Table(
    "site_settings",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("name", String(64), nullable=False),
    Column("value", Text),
    Column("was", Text, nullable=False),
    Column("changed_by", String(255), nullable=False),
    Column("changed_name", String(120), nullable=False),
    Column("changed_at", UtcTime, nullable=False),
    sqlite_autoincrement=True,
)
"""Settings changed on the page; the last row of each stands. Rows are only added. ``value`` and
``was`` are JSON; ``value`` is None where the setting went back to its default."""

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
    Column("salt", String(32)),
    Column("content_hash", String(64)),
    Index("ix_ledger_case", "case_id"),
)
"""Rows are only ever added. ``changes`` is JSON: table, row, old and new values.

``content_hash`` is the hash of ``salt``, ``detail`` and ``changes``, which can be erased; ``hash``
is that of the other columns with ``content_hash``, so that the chain stays whole without them.
Entries of earlier versions have neither, and ``hash`` is that of every other column."""

ledger_head = Table(
    "ledger_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("entries", Integer, nullable=False),
    Column("hash", String(64), nullable=False),
)
"""One row: the number of entries and the hash of the last. Every writing transaction updates it
first, which serialises them, so that there is one chain."""
