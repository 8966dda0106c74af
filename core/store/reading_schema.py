"""The tables of one reading of a case: corrected boxes, answers, remarks, grades, confirmations.

``version`` is the case's, ``reading`` is 1 for the first reader, 2 for the second, 3 for the
adjudication. ``carried`` rows were copied from the version before.
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

CELL_KINDS: Final = ("rbc", "wbc", "platelet")
"""Kinds of a cell, also of the cells in ``review_schema``."""

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

abnormalities = Table(
    "abnormalities",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column(
        "case_id", Integer, ForeignKey("cases.id", name="fk_abnormalities_case"), nullable=False
    ),
    Column(
        "picture_id",
        Integer,
        ForeignKey("case_pictures.id", name="fk_abnormalities_picture"),
        nullable=False,
    ),
    Column("cell_id", Integer, ForeignKey("case_cells.id", name="fk_abnormalities_cell")),
    Column("version", Integer, nullable=False),
    Column("reading", Integer, nullable=False),
    Column("term", String(40), nullable=False),
    Column("present", Boolean, nullable=False),
    Column("carried", Boolean, nullable=False),
    Column("reader", String(255), nullable=False),
    Column("reader_name", String(120), nullable=False),
    Column("seen_at", UtcTime, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("x0_px", Float),
    Column("y0_px", Float),
    Column("x1_px", Float),
    Column("y1_px", Float),
    Index("ix_abnormalities_case", "case_id", "version", "reading"),
    sqlite_autoincrement=True,
)
"""Something seen in a cell, or in a field where ``cell_id`` is None. ``present`` False: it is not
there after all. ``carried``: copied from the version before. The corners say where in the field, in
pixels of the stored picture; all None: not said."""

red_cell_shapes = Table(
    "red_cell_shapes",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column(
        "case_id", Integer, ForeignKey("cases.id", name="fk_red_cell_shapes_case"), nullable=False
    ),
    Column(
        "cell_id",
        Integer,
        ForeignKey("case_cells.id", name="fk_red_cell_shapes_cell"),
        nullable=False,
    ),
    Column("version", Integer, nullable=False),
    Column("reading", Integer, nullable=False),
    Column("shape", String(40)),
    Column("carried", Boolean, nullable=False),
    Column("reader", String(255), nullable=False),
    Column("reader_name", String(120), nullable=False),
    Column("given_at", UtcTime, nullable=False),
    Column("revision", Integer, nullable=False),
    UniqueConstraint("cell_id", "version", "reading", name="uq_red_cell_shapes_cell"),
    Index("ix_red_cell_shapes_case", "case_id", "version", "reading"),
    sqlite_autoincrement=True,
)
"""The shape a reader gave a red cell in place of the model's. ``shape`` None: taken back.
``carried``: copied from the version before."""

critical_calls = Table(
    "critical_calls",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column(
        "case_id", Integer, ForeignKey("cases.id", name="fk_critical_calls_case"), nullable=False
    ),
    Column("version", Integer, nullable=False),
    Column("finding", Text, nullable=False),
    Column("told", String(120), nullable=False),
    Column("called_at", UtcTime, nullable=False),
    Column("read_back", Boolean, nullable=False),
    Column("caller", String(255), nullable=False),
    Column("caller_name", String(120), nullable=False),
    Column("written_at", UtcTime, nullable=False),
    Column("deleted", Boolean, nullable=False),
    Column("revision", Integer, nullable=False),
    Index("ix_critical_calls_case", "case_id"),
    sqlite_autoincrement=True,
)
"""A critical finding that somebody was told of: ``told`` is who, ``read_back`` whether they
repeated it. ``deleted``: written by mistake and taken back."""

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
