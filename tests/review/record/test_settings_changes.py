"""Settings changed on the page: who may, what is allowed, what wins, that nothing is forgotten."""

from __future__ import annotations

import pytest
from sqlalchemy import insert

from core.access.rights import NotAllowed
from core.review.record import integrity, settings_changes
from core.review.record.ledger import entries
from core.review.record.settings_changes import SettingRefused
from core.settings import Settings, settings
from core.store import kept_settings
from core.store.kept_settings import CHANGEABLE
from core.store.review_schema import site_settings


@pytest.fixture(autouse=True)
def own_settings(monkeypatch):
    """A settings object of the test's own: nothing of it reaches the next test."""
    for name in CHANGEABLE:
        monkeypatch.delenv(f"HEMADESK_{name.upper()}", raising=False)
    settings.cache_clear()
    yield
    settings.cache_clear()


def _of(store, person, name):
    return next(one for one in settings_changes.known(store, person) if one.name == name)


def test_a_change_counts_at_once_and_is_in_the_ledger(store, people):
    held = settings()  # as a gate holds it, from before
    assert settings_changes.change(store, people.administrator, "minimum_cells", 150)
    assert settings().minimum_cells == held.minimum_cells == 150
    one = _of(store, people.administrator, "minimum_cells")
    assert (one.value, one.default, one.source, one.allowed) == (150, 100, "page", "0 to 10,000")
    (made,) = settings_changes.changes(store, people.administrator)
    assert (made.name, made.was, made.value) == ("minimum_cells", 100, 150)
    assert made.by == people.administrator.name
    with store.database.read() as connection:
        last = entries(connection)[-1]
    assert last.action == "setting" and last.detail == "minimum_cells: 100 to 150"
    assert integrity.verify(store).is_sound


def test_another_process_reads_it_from_the_database(sqlite_store, people):
    settings_changes.change(sqlite_store, people.administrator, "second_reader", "always")
    settings.cache_clear()  # as a new process begins
    assert settings().second_reader == "never" and not kept_settings.are_applied()
    settings_changes.refresh(sqlite_store)
    assert settings().second_reader == "always"


def test_back_to_the_default_and_what_stands_already_is_not_written(sqlite_store, people):
    admin = people.administrator
    assert settings_changes.change(sqlite_store, admin, "blind_share", 0.2)
    assert not settings_changes.change(sqlite_store, admin, "blind_share", 0.2)
    assert settings_changes.change(sqlite_store, admin, "blind_share", None)
    assert settings().blind_share == 0.05
    assert _of(sqlite_store, admin, "blind_share").source == "default"
    assert [one.value for one in settings_changes.changes(sqlite_store, admin)] == [None, 0.2]


def test_the_environment_wins_and_is_said_to(sqlite_store, people, monkeypatch):
    settings_changes.change(sqlite_store, people.administrator, "target_cells", 400)
    monkeypatch.setenv("HEMADESK_TARGET_CELLS", "100")
    settings.cache_clear()
    settings_changes.refresh(sqlite_store)
    assert settings().target_cells == 100
    assert _of(sqlite_store, people.administrator, "target_cells").source == "environment"
    with pytest.raises(SettingRefused, match="HEMADESK_TARGET_CELLS is set in the environment"):
        settings_changes.change(sqlite_store, people.administrator, "target_cells", 200)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("minimum_cells", -1, "greater than or equal to 0"),
        ("blind_share", 0.9, "less than or equal to 0.5"),
        ("second_reader", "sometimes", "'never', 'critical' or 'always'"),
        ("database_url", "sqlite://", "cannot be changed here"),
        ("no_such_setting", 1, "cannot be changed here"),
        ("min_side_px", 9000, "larger than the largest side"),
    ],
)
def test_what_is_not_allowed_is_refused_and_said(sqlite_store, people, name, value, says):
    with pytest.raises(SettingRefused, match=says):
        settings_changes.change(sqlite_store, people.administrator, name, value)
    assert not settings_changes.changes(sqlite_store, people.administrator)


def test_only_an_administrator_sees_and_changes_them(sqlite_store, people):
    with pytest.raises(NotAllowed):
        settings_changes.change(sqlite_store, people.viewer, "max_files", 10)
    with pytest.raises(NotAllowed):
        settings_changes.known(sqlite_store, people.viewer)
    with pytest.raises(NotAllowed):
        settings_changes.changes(sqlite_store, people.viewer)


def test_a_kept_value_that_is_not_allowed_any_more_is_left_out(sqlite_store, people):
    settings_changes.change(sqlite_store, people.administrator, "max_files", 20)
    row = {"name": "threads", "value": "9999", "was": "2", "changed_by": "a", "changed_name": "a"}
    moment = settings_changes.changes(sqlite_store, people.administrator)[0].at
    with sqlite_store.database.write() as connection:
        connection.execute(insert(site_settings).values(**row, changed_at=moment))
    settings_changes.refresh(sqlite_store)
    assert (settings().threads, settings().max_files) == (2, 20)


def test_no_secret_folder_or_door_is_changed_on_the_page():
    assert CHANGEABLE.keys() <= Settings.model_fields.keys()
    doors = {"smtp_url", "proxy_secret", "metrics_token", "database_url", "administrators", "var"}
    assert not CHANGEABLE.keys() & (doors | {"folders", "proxy_header", "local_role", "demo"})
