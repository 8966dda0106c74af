"""An erased case is nowhere any more, and the ledger is whole and says who erased it and why."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from core.access.rights import NotAllowed
from core.review.case import cases, worklist
from core.review.learning import training_sets
from core.review.reading import answers, cells, grades, remarks
from core.review.reading.answers import NewAnswer
from core.review.record import integrity
from core.review.record.backup import back_up, restore
from core.review.record.errors import CaseRefused
from core.review.record.ledger import RECORDED, entries, hash_of
from core.review.record.review_store import ReviewStore
from core.review.retention import copies, erasing, rules
from core.review.signature import signing
from core.store.database import Database
from core.store.review_schema import ledger
from tests.fixtures.review import call_of, field_of, finding_of, the

SECRETS = ("Q-81x22", "H-4711-x", "Zebrawood", "Oleander", "Periwinkle")
"""Accession, pseudonym and the words that people typed into the case that is erased."""


@pytest.fixture
def two_cases(people, make_case):
    """A signed case full of names, one with the same picture, and training sets of both."""

    def make(store):
        case = make_case(store, accession=SECRETS[1], pseudonym=SECRETS[0])
        paul, tina = people.pathologist, people.technologist
        now = cases.get(store, paul, case.id)
        cases.change(store, paul, case.id, now.revision, indication=f"seen by {SECRETS[2]}")
        found = cells.cells(store, paul, case.id)
        answers.answer(store, paul, case.id, [NewAnswer(c.id, the(c.call).label) for c in found])
        grades.all_as_normal(store, paul, case.id)
        remarks.remark(store, paul, case.id, f"like {SECRETS[3]}")
        signing.sign(store, paul, case.id, f"because {SECRETS[4]}")
        other = make_case(store, ["monocyte"], "A-2", seed=1, pseudonym="P-2")
        field = field_of(0)
        cases.keep_field(
            store,
            tina,
            other.id,
            field,
            finding_of(field, [call_of("blast")]),
            same_picture_because="one slide, two orders",
        )
        answers.answer(
            store,
            paul,
            other.id,
            [NewAnswer(c.id, the(c.call).label) for c in cells.cells(store, paul, other.id)],
        )
        grades.all_as_normal(store, paul, other.id)
        signing.sign(store, paul, other.id)
        training_sets.make(store, people.trainer, "cells", "cells")
        return case, other

    return make


def everything_in(store):
    """Every value of every table, and every file below the store's folder and the database's."""
    with store.database.read() as connection:
        found = [
            str(row) for table in (*RECORDED, ledger) for row in connection.execute(select(table))
        ]
    files = [path for path in store.folder.rglob("*") if path.is_file()]
    if store.database.is_sqlite:
        files += [
            path
            for path in Path(the(store.database.url.database)).parent.glob("hemadesk.db*")
            if path.is_file()
        ]
    return "\n".join(found).encode() + b"".join(path.read_bytes() for path in files)


def test_nothing_of_it_is_left_and_the_chain_is_whole(store, people, two_cases):
    case, other = two_cases(store)
    assert all(word.encode() in everything_in(store) for word in SECRETS)
    (done,) = erasing.erase(store, people.administrator, [case.id], "the patient asked for it")
    left = everything_in(store)
    assert [word for word in SECRETS if word.encode() in left] == []
    found = integrity.verify(store)
    assert found.tampered == () and found.erased > 5
    assert (done.case_id, done.by, done.reason) == (case.id, "Anna", "the patient asked for it")
    assert [row.case.id for row in worklist.worklist(store, people.viewer, states=("signed",))] == [
        other.id
    ]
    with pytest.raises(CaseRefused, match="there is no case"):
        cases.get(store, people.viewer, case.id)
    # What the other case has stays: its own copy of the picture, its answers, its signature.
    assert len(cases.case_pictures_of(store, people.viewer, other.id)) == 2
    for picture in cases.case_pictures_of(store, people.viewer, other.id):
        assert cases.picture_png(store, people.viewer, picture)
    signing.amend(store, people.pathologist, other.id, "work goes on")
    assert integrity.verify(store).is_sound


def test_its_cells_leave_the_training_sets(sqlite_store, people, two_cases):
    store = sqlite_store
    case, other = two_cases(store)
    (made,) = training_sets.all_sets(store, people.trainer)
    before = [path.name for path in made.path(store).rglob("*.png")]
    assert any(name.startswith(f"case{case.id}-") for name in before)
    assert erasing.extent(store, people.administrator, case.id).training_sets == ("cells v1",)
    erasing.erase(store, people.administrator, [case.id], "asked")
    (left,) = training_sets.all_sets(store, people.trainer)
    names = [path.name for path in left.path(store).rglob("*.png")]
    assert names and all(name.startswith(f"case{other.id}-") for name in names)
    assert training_sets.changed_files(store, people.trainer, left) == []
    assert (left.items, left.cases) == (len(names), 1)
    assert f"case{case.id}-" not in (left.path(store) / training_sets.GROUPS).read_text()


def test_a_start_after_a_crash_removes_the_rest(sqlite_store, people, two_cases, monkeypatch):
    """The process dies between the rows and the files."""
    store = sqlite_store
    case, _ = two_cases(store)
    (own,) = cases.case_pictures_of(store, people.viewer, case.id)
    extra = field_of(7)
    third = cases.create(store, people.technologist, "A-3")
    kept = cases.keep_field(
        store, people.technologist, third.id, extra, finding_of(extra, [call_of("blast")])
    )
    with monkeypatch.context() as patch:
        patch.setattr(erasing, "finish", lambda store: None)
        erasing.erase(store, people.administrator, [case.id, third.id], "asked")
    (found,) = integrity.verify(store).tampered
    assert "its file is still there" in found.message and found.row == kept.id
    erasing.finish(store)
    assert integrity.verify(store).is_sound
    assert not (store.pictures / kept.sha256[:2] / f"{kept.sha256}.png").exists()
    assert (store.pictures / own.sha256[:2] / f"{own.sha256}.png").exists(), "the other case's too"
    erasing.finish(store)


def test_entries_of_an_earlier_version_can_be_erased_too(store, people, two_cases):
    """Their hash covers their content; the entry of the erasing says what they are without it."""
    case, _ = two_cases(store)
    _as_earlier_version(store)
    assert integrity.verify(store).is_sound
    erasing.erase(store, people.administrator, [case.id], "asked")
    assert integrity.verify(store).tampered == ()
    left = everything_in(store)
    assert [word for word in SECRETS if word.encode() in left] == []


def _as_earlier_version(store):
    with store.database.write() as connection:
        previous = "0" * 64
        for entry in entries(connection):
            query = select(ledger).where(ledger.c.number == entry.number)
            row = dict(connection.execute(query).one()._mapping)
            row |= {"salt": None, "content_hash": None, "previous_hash": previous}
            previous = row["hash"] = hash_of(row)
            connection.execute(ledger.update().where(ledger.c.number == entry.number).values(row))
        connection.execute(text("UPDATE ledger_head SET hash = :hash"), {"hash": previous})
    store.anchors.unlink()


FORGED = {
    "the content put back": "UPDATE ledger SET detail = 'nothing happened' WHERE number = 3",
    "who did it": "UPDATE ledger SET who_name = 'Vera' WHERE number = 3",
    "the entry of the erasing": "UPDATE ledger SET detail = 'x' WHERE action = 'erase_case'",
    "another entry emptied": (
        "UPDATE ledger SET detail = '', changes = '[]', salt = NULL WHERE case_id = 2"
    ),
    "the case put back": (
        "INSERT INTO cases (id, accession, pseudonym, sex, indication, state, version, reading, "
        "second_reader, created_by, created_at, revision) VALUES (1, 'B', '', 'unknown', '', "
        "'new', 1, 1, :no, 'x', '2026-01-01 00:00:00.000000', 1)"
    ),
}


@pytest.mark.parametrize("name", FORGED)
def test_erasing_is_no_cover_for_tampering(sqlite_store, people, two_cases, name):
    case, _ = two_cases(sqlite_store)
    erasing.erase(sqlite_store, people.administrator, [case.id], "asked")
    with sqlite_store.database.write() as connection:
        assert connection.execute(text(FORGED[name]), {"no": False}).rowcount
    assert not integrity.verify(sqlite_store).is_sound


def test_a_backup_after_it_is_whole_and_its_number_is_not_given_again(
    store, people, two_cases, tmp_path
):
    case, other = two_cases(store)
    erasing.erase(store, people.administrator, [other.id], "asked")
    _, found = back_up(store, people.administrator, tmp_path / "backup")
    assert found.is_sound
    new = ReviewStore(Database(f"sqlite:///{tmp_path / 'new' / 'hemadesk.db'}"), tmp_path / "new")
    restore(new, people.administrator, tmp_path / "backup")
    assert integrity.verify(new).is_sound
    assert cases.create(new, people.technologist, "A-9").id > other.id > case.id
    new.database.close()


def test_who_may_and_what_is_asked_for(sqlite_store, people, make_case, change_settings):
    store, anna = sqlite_store, people.administrator
    case = make_case(store)
    for person in (people.technologist, people.pathologist, people.trainer, people.viewer):
        with pytest.raises(NotAllowed, match="erase cases"):
            erasing.erase(store, person, [case.id], "asked")
        with pytest.raises(NotAllowed):
            erasing.extent(store, person, case.id)
    with pytest.raises(CaseRefused, match="needs a reason"):
        erasing.erase(store, anna, [case.id], "  ")
    with pytest.raises(CaseRefused, match="keeps the reason for good"):
        erasing.erase(store, anna, [case.id], "p-1 asked for it")
    with pytest.raises(CaseRefused, match="there is no case 99"):
        erasing.erase(store, anna, [case.id, 99], "asked")
    signing.sign(store, people.pathologist, case.id, "for the test")
    change_settings(keep_signed_years=10.0)
    with pytest.raises(CaseRefused, match=r"is kept for 10 years, until 20\d\d-"):
        erasing.erase(store, anna, [case.id], "asked")
    assert cases.get(store, anna, case.id).is_closed
    assert erasing.erased(store, anna) == []


def test_the_rule_by_age(sqlite_store, people, make_case, change_settings):
    store, anna = sqlite_store, people.administrator
    case = make_case(store)
    later = datetime.now(UTC) + timedelta(days=366)
    assert rules.due(store, anna, later) == [], "no rule, nothing is due"
    change_settings(erase_after_years=1.0)
    assert rules.due(store, anna) == []
    assert [one.case_id for one in rules.due(store, anna, later)] == [case.id]
    with pytest.raises(NotAllowed):
        rules.due(store, people.viewer)


def test_a_copy_holds_report_data_and_pictures(case_store, signed_case, reader):
    files = dict(copies.case_files(case_store, reader, signed_case.id))
    assert [name.rsplit(".", 1)[1] for name in files] == ["pdf", "json", "png", "png", "png"]
    assert json.loads(next(data for name, data in files.items() if name.endswith("json")))


def test_every_table_of_a_case_is_emptied(sqlite_store, people, two_cases):
    """A table added later with a column ``case_id`` goes too; one of another kind is asked for."""
    case, _ = two_cases(sqlite_store)
    erasing.erase(sqlite_store, people.administrator, [case.id], "asked")
    with sqlite_store.database.read() as connection:
        for table in RECORDED:
            assert "case_id" in table.c or table.name in (
                "people", "cases", "training_sets", "acceptances", "release_rules",
                "site_settings",
            )  # fmt: skip
            if "case_id" in table.c:
                query = select(func.count()).select_from(table)
                assert connection.execute(query.where(table.c.case_id == case.id)).scalar() == 0
