"""The migrations make what ``schema.py`` says, and the same on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Column, MetaData, Table, inspect, select

from core.store import review_schema, schema
from core.store.database import Database, DatabaseRefused, alembic_config
from core.store.schema import run_events, runs


def _shape(database):
    """Every table's columns, keys and checks, in words both databases use."""
    with database.read() as connection:
        seen = inspect(connection)
        return {
            table: {
                "columns": {c["name"]: c["nullable"] for c in seen.get_columns(table)},
                "primary": seen.get_pk_constraint(table)["constrained_columns"],
                "foreign": sorted(
                    (k["constrained_columns"], k["referred_table"], k["referred_columns"])
                    for k in seen.get_foreign_keys(table)
                ),
                "unique": sorted(
                    str(k["column_names"]) for k in seen.get_unique_constraints(table)
                ),
                "checks": sorted(str(k["name"]) for k in seen.get_check_constraints(table)),
                "indexes": sorted(
                    str(k["name"])
                    for k in seen.get_indexes(table)
                    if not k.get("duplicates_constraint") and k["name"].startswith("ix_")
                ),
            }
            for table in seen.get_table_names()
            if table != "alembic_version"
        }


def test_the_migrations_make_the_schema(database):
    with database.write() as connection:
        assert compare_metadata(MigrationContext.configure(connection), schema.metadata) == []
    assert _shape(database).keys() == set(schema.metadata.tables)


def test_both_databases_have_one_schema(postgres_server, tmp_path):
    assert _shape(Database(f"sqlite:///{tmp_path / 'a.db'}")) == _shape(Database(postgres_server))


def test_the_checks_name_the_states_of_the_schema(database):
    """compare_metadata does not look into CHECK constraints."""
    with database.read() as connection:
        checks = {
            check["name"]: check["sqltext"]
            for check in inspect(connection).get_check_constraints("runs")
        }
    for state in schema.RUN_STATES:
        assert f"'{state}'" in checks["ck_runs_state"]
    for request in schema.REQUESTS:
        assert f"'{request}'" in checks["ck_runs_request"]
    assert checks["ck_runs_state"].count("'") == 2 * len(schema.RUN_STATES)


def test_the_checks_of_the_review_name_its_words(database):
    words = {
        ("cases", "ck_cases_state"): review_schema.CASE_STATES,
        ("case_pictures", "ck_case_pictures_kind"): review_schema.PICTURE_KINDS,
        ("case_cells", "ck_case_cells_kind"): review_schema.CELL_KINDS,
        ("training_sets", "ck_training_sets_kind"): ("cells", "fields"),
    }
    with database.read() as connection:
        for (table, name), known in words.items():
            (constraint,) = [
                check["sqltext"]
                for check in inspect(connection).get_check_constraints(table)
                if check["name"] == name
            ]
            assert all(f"'{word}'" in constraint for word in known)
            assert constraint.count("'") == 2 * len(known)


def test_down_and_up_again(database):
    config = alembic_config()
    with database.write() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
    assert _shape(database) == {}
    with database.write() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    assert _shape(database).keys() == set(schema.metadata.tables)


LATER = ("id", "note", "tags")


def test_stored_runs_of_the_recipe_regression_become_counts(database):
    config = alembic_config()
    # The table of that time: what was added since is not in it.
    early = Table(
        "runs", MetaData(), *(Column(c.name, c.type) for c in runs.c if c.name not in LATER)
    )
    values: dict[str, Any] = {c.name: "x" for c in runs.c if not c.nullable and c.name != "id"}
    values |= {"settings": {}, "options": {"layout": "boxes"}, "seed": 0, "attempt": 0}
    values |= {"state": "queued", "created_at": datetime.now(UTC), "queued_at": datetime.now(UTC)}
    with database.write() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0006")
        for name, recipe in (("a", "regression"), ("b", "wbc")):
            row = {**values, "name": name, "recipe": recipe}
            connection.execute(early.insert().values(row))
    with database.write() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        rows = connection.execute(runs.select().order_by(runs.c.name)).all()
        assert [(row.name, row.recipe) for row in rows] == [("a", "counts"), ("b", "wbc")]
        assert rows[0].options == {"layout": "boxes"}
        command.downgrade(config, "0006")
        assert connection.execute(
            select(early.c.recipe).order_by(early.c.name)
        ).scalars().all() == [
            "regression",
            "wbc",
        ]


def test_opening_again_changes_nothing(url):
    first = Database(url)
    before = _shape(first)
    assert _shape(Database(url)) == before


def test_sqlite_waits_and_writes_ahead(tmp_path):
    database = Database(f"sqlite:///{tmp_path / 'a.db'}")
    with database.read() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == 30_000
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("no url", "is not a URL"),
        ("mysql://user@host/name", "postgresql or sqlite, got mysql"),
        ("postgresql://me:secret@127.0.0.1:1/none", "does not answer"),
    ],
)
def test_a_database_that_cannot_be_used_is_said(url, words):
    with pytest.raises(DatabaseRefused, match=words) as refused:
        Database(url)
    assert "secret" not in str(refused.value)


def test_a_moment_comes_back_with_its_zone(database):
    moment = datetime(2026, 3, 1, 12, 30, tzinfo=timezone(timedelta(hours=2)))
    with database.write() as connection:
        values: dict[str, Any] = {c.name: "x" for c in runs.c if not c.nullable and c.name != "id"}
        values |= {"settings": {}, "options": {}, "seed": 0, "attempt": 0, "state": "queued"}
        values |= {"created_at": moment, "queued_at": moment}
        number = connection.execute(runs.insert().values(values).returning(runs.c.id)).scalar_one()
        event = {"run_id": number, "at": moment, "became": "queued", "who": "me", "detail": ""}
        connection.execute(run_events.insert().values(event))
    with database.read() as connection:
        seen = connection.execute(run_events.select()).one().at
    assert seen == moment
    assert seen.tzinfo == UTC
    with pytest.raises(Exception, match="without its zone"), database.write() as connection:
        connection.execute(run_events.insert().values({**event, "at": datetime(2026, 3, 1)}))
