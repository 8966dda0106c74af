"""A database with data goes from the first versions of the schema to today's without losing any."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from alembic import command
from sqlalchemy import MetaData, insert, select, update

from core.access.people import Person
from core.review.case import cases, worklist
from core.review.reading import cells, remarks
from core.review.record import integrity, pictures, stored_finding
from core.review.record.ledger import Change, changes_text, hash_of, moment, plain_row
from core.review.record.review_store import ReviewStore
from core.review.retention import erasing
from core.store import review_schema
from core.store.database import Database, alembic_config
from core.store.run_records import Run
from core.store.runs import RunBook
from core.store.schema import metadata
from tests.fixtures.review import call_of, field_of, finding_of

AT = datetime(2025, 3, 1, 9, 30, tzinfo=UTC)
WHO = Person("Ada", "local", "local")


def _at(url, revision):
    """The database, brought down to an earlier version, with the tables of that version."""
    opened = Database(url)
    config = alembic_config()
    with opened.write() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, revision)
        tables = MetaData()
        tables.reflect(connection)
    return opened, tables.tables


def _up(opened, revision):
    config = alembic_config()
    with opened.write() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        tables = MetaData()
        tables.reflect(connection)
    return tables.tables


RUN: dict[str, Any] = {
    "name": "wbc-3", "recipe": "regression", "title": "The first", "folder": "runs/wbc-3",
    "data": "/data", "settings": {}, "options": {}, "seed": 7, "code_version": "abc",
    "state": "done", "attempt": 1, "created_by": "local", "created_at": AT, "queued_at": AT,
}  # fmt: skip


def _rows(sha256, field, finding):
    one: dict[str, Any] = {"case_id": 1, "version": 1, "reading": 1, "revision": 1}
    return {
        "cases": {
            "accession": "A-1", "pseudonym": "P-1", "sex": "female", "age_years": 41,
            "indication": "anaemia", "state": "in_review", "version": 1, "reading": 1,
            "second_reader": False, "created_by": "local", "created_at": AT, "revision": 1,
        },
        "case_pictures": {
            "case_id": 1, "kind": "field", "name": "Jane.png", "slide": "",
            "sha256": sha256, "source_sha256": field.sha256, "width": 64, "height": 48,
            "finding": stored_finding.as_text(finding), "models": "{}", "code_version": "abc",
            "flag_codes": "", "added_by": "local", "added_at": AT,
        },
        "case_cells": {
            "case_id": 1, "picture_id": 1, "place": 0, "kind": "wbc", "x0_px": 0.0,
            "y0_px": 2.0, "x1_px": 3.5, "y1_px": 9.25, "machine_label": "monocyte",
            "machine_probability": 0.9, "abstained": False, "novel": False, "blind": False,
            "deleted": False, "revision": 1,
        },
        "answers": {
            **one, "cell_id": 1, "label": "blast", "blind": False, "carried": False,
            "reader": "local", "reader_name": "Ada", "answered_at": AT, "seconds": 2.5,
        },
        "remarks": {
            **one, "cell_id": 1, "text": "with a rod", "author": "local",
            "author_name": "Ada", "written_at": AT, "deleted": False,
        },
    }  # fmt: skip


def _write_as_then(opened, tables, rows):
    """Rows with their entries, in the form that version had."""
    previous = "0" * 64
    with opened.write() as connection:
        for number, (name, row) in enumerate(rows.items(), 1):
            # Numbered by the database, which counts on from there.
            connection.execute(insert(tables[name]).values(row))
            full = {column.name: row.get(column.name) for column in tables[name].columns}
            full["id"] = 1
            new = plain_row(metadata.tables[name], full)
            entry: dict[str, Any] = {
                "number": number, "at": moment(AT), "who": "local", "who_name": "Ada",
                "role": "local", "action": f"keep {name}", "case_id": 1, "detail": "",
                "model": "", "changes": changes_text([Change(name, 1, None, new)]),
                "undoes": None, "previous_hash": previous,
            }  # fmt: skip
            entry["hash"] = previous = hash_of(entry)
            connection.execute(insert(tables["ledger"]).values(entry))
        head = update(tables["ledger_head"]).values(entries=len(rows), hash=previous)
        connection.execute(head)


def test_data_of_the_first_schema_is_there_after_the_last(url, tmp_path):
    opened, tables = _at(url, "0001")
    with opened.write() as connection:
        connection.execute(insert(tables["runs"]).values(RUN))
    tables = _up(opened, "0003")
    field = field_of(3)
    finding = finding_of(field, [call_of("monocyte")], red=0)
    store = ReviewStore(opened, tmp_path / "var")
    sha256 = pictures.keep(store, field.pixels)
    _write_as_then(opened, tables, _rows(sha256, field, finding))
    opened.close()

    # A new process opens it with this version, and again.
    for _ in range(2):
        opened = Database(url)
        store = ReviewStore(opened, tmp_path / "var")
        assert integrity.verify(store).tampered == ()
        run: Run = RunBook(opened).get(1)
        assert (run.name, run.recipe, run.title) == ("wbc-3", "counts", "The first")
        case = cases.find(store, WHO, "A-1")
        assert (case.age_years, case.indication, case.is_cancelled) == (41, "anaemia", False)
        (cell,) = cells.cells(store, WHO, case.id)
        assert cell.answer is not None and cell.answer.label == "blast"
        assert [one.text for one in remarks.remarks_of(store, WHO, case.id)] == ["with a rod"]
        (picture,) = cases.case_pictures_of(store, WHO, case.id)
        assert cases.picture_png(store, WHO, picture)
        assert len(worklist.worklist(store, WHO)) == 1
        opened.close()

    # Work goes on, and what was written then can be erased too.
    store = ReviewStore(Database(url), tmp_path / "var")
    remarks.remark(store, WHO, case.id, "seen again")
    assert integrity.verify(store).is_sound
    erasing.erase(store, WHO, [case.id], "kept long enough")
    assert integrity.verify(store).tampered == ()
    with store.database.read() as connection:
        left = json.dumps([list(r) for r in connection.execute(select(review_schema.ledger))])
    assert "Jane" not in left and "with a rod" not in left
    store.database.close()
