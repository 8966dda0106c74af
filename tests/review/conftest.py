"""A desk with people, and fields whose findings are made by hand: no model is needed here."""

from __future__ import annotations

import hashlib
from typing import TypeVar

import numpy as np
import pytest
from sqlalchemy import text

from core.access.people import Person
from core.records import Cell, CellCounts, Estimate, Field, Flag, SmearFinding, WbcCall
from core.review.case import cases
from core.review.record.ledger import FIRST_HASH
from core.review.record.review_store import ReviewStore
from core.settings import settings
from core.store.database import Database
from core.store.schema import metadata
from core.taxonomy import CRITICAL_CLASSES


class People:
    """One of each role, and a second pathologist."""

    technologist = Person("Tina", "technologist", "tina")
    pathologist = Person("Paul", "pathologist", "paul")
    second = Person("Petra", "pathologist", "petra")
    trainer = Person("Theo", "trainer", "theo")
    administrator = Person("Anna", "administrator", "anna")
    viewer = Person("Vera", "viewer", "vera")


@pytest.fixture
def people():
    return People


@pytest.fixture(scope="session")
def postgres_database(postgres_server):
    """Migrated once: that takes longer than a test."""
    import psycopg

    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute("CREATE DATABASE review")
    opened = Database(postgres_server.replace("/postgres?", "/review?"))
    yield opened
    opened.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request, tmp_path):
    """An empty one on SQLite, and again on PostgreSQL."""
    if request.param == "sqlite":
        opened = Database(f"sqlite:///{tmp_path / 'hemadesk.db'}")
        yield ReviewStore(opened, tmp_path / "var")
        opened.close()
        return
    yield request.getfixturevalue("store_on_postgres")


@pytest.fixture
def store_on_postgres(postgres_database, tmp_path):
    kept = {"turns", "ledger_head"}
    names = ", ".join(name for name in metadata.tables if name not in kept)
    with postgres_database.write() as connection:
        connection.execute(text(f"TRUNCATE {names} RESTART IDENTITY CASCADE"))
        connection.execute(text("DELETE FROM ledger_head"))
        first = text("INSERT INTO ledger_head (id, entries, hash) VALUES (1, 0, :hash)")
        connection.execute(first, {"hash": FIRST_HASH})
    return ReviewStore(postgres_database, tmp_path / "var")


@pytest.fixture
def sqlite_store(tmp_path):
    """Where the database makes no difference."""
    opened = Database(f"sqlite:///{tmp_path / 'hemadesk.db'}")
    yield ReviewStore(opened, tmp_path / "var")
    opened.close()


@pytest.fixture
def site(monkeypatch):
    """Changes a setting for one test."""

    def change(**values):
        for name, value in values.items():
            monkeypatch.setattr(settings(), name, value)

    return change


T = TypeVar("T")


def the(value: T | None) -> T:
    """What is there, as the test knows."""
    assert value is not None
    return value


def field_of(seed=0, width=64, height=48, name=None):
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)
    sha256 = hashlib.sha256(pixels.tobytes()).hexdigest()
    return Field(name or f"field-{seed}.png", pixels, sha256)


def call_of(label, probability=0.9, *, abstained=False, novel=False):
    others = [name for name in ("lymphocyte", "monocyte", "blast", "eosinophil") if name != label]
    probabilities = {label: probability}
    probabilities |= {name: (1 - probability) / len(others) for name in others}
    flags = []
    if label in CRITICAL_CLASSES:
        flags.append(Flag("critical_cell", "critical"))
    if novel:
        flags.append(Flag("novel_cell", "not seen before"))
    return WbcCall(
        label, probability, probabilities, (label,), abstained, "wbc@0123abcd", tuple(flags)
    )


def finding_of(field, calls, red=2, flags=()):
    """White cells with these calls, then red cells."""
    boxes = [(4.0 * i, 2.0, 4.0 * i + 3.5, 9.25) for i in range(len(calls) + red)]
    cells = [Cell("wbc", box, 0.8, call) for box, call in zip(boxes, calls, strict=False)]
    cells += [Cell("rbc", box, 0.7) for box in boxes[len(calls) :]]
    counts = CellCounts(
        Estimate(red, max(0, red - 1), red + 1), Estimate(len(calls), 0, 999), Estimate(0, 0, 1)
    )
    return SmearFinding(
        field.name,
        field.width,
        field.height,
        "locator",
        "locator@89abcdef",
        "all_visible",
        counts,
        tuple(cells),
        tuple(flags),
        7.5,
    )


@pytest.fixture
def make_case(people, site):
    """A case with one field of white cells of these classes; no blind cells unless asked for."""

    def make(
        store,
        labels=("lymphocyte", "monocyte", "blast"),
        accession="A-1",
        share=0.0,
        seed=0,
        pseudonym="P-1",
    ):
        site(blind_share=share)
        case = cases.create(
            store, people.technologist, accession, pseudonym=pseudonym, age_years=40
        )
        field = field_of(seed)
        calls = [call_of(label) if isinstance(label, str) else label for label in labels]
        cases.keep_field(store, people.technologist, case.id, field, finding_of(field, calls))
        return cases.get(store, people.viewer, case.id)

    return make
