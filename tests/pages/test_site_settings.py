"""The administrator changes a setting on the page; what the environment names is only shown."""

from __future__ import annotations

import pytest

from core.settings import settings
from tests.fixtures.screens import opened, press, words


@pytest.fixture
def site(own_var, monkeypatch):
    monkeypatch.setenv("HEMADESK_TARGET_CELLS", "400")
    settings.cache_clear()


def _table(app):
    (found,) = [table.value for table in app.table if "Counts from" in table.value.columns]
    return found


def test_a_setting_is_changed_and_taken_back_on_the_page(site):
    app = opened("settings")
    app.selectbox(key="site_setting").set_value("minimum_cells").run()
    app.number_input(key="site_setting_minimum_cells").set_value(150)
    press(app, "Save")
    assert settings().minimum_cells == 150
    row = _table(app).set_index("What it is for").loc[_said("minimum_cells")]
    assert (row["Value"], row["Default"], row["Allowed"]) == ("150", "100", "0 to 10,000")
    assert row["Set by"].startswith("local user, 20")
    press(app, "Back to the default")
    assert settings().minimum_cells == 100


def test_what_is_not_allowed_is_said_and_nothing_changes(site):
    app = opened("settings")
    app.selectbox(key="site_setting").set_value("blind_share").run()
    app.number_input(key="site_setting_blind_share").set_value(0.9)
    press(app, "Save")
    assert "Nothing was changed: 0.9 is not allowed for blind_share" in words(app)
    assert settings().blind_share == 0.05


def test_the_environment_wins_and_is_said_to(site):
    app = opened("settings")
    offered = [str(one).lower() for one in app.selectbox(key="site_setting").options]
    described = {n: str(f.description) for n, f in type(settings()).model_fields.items()}
    assert described["minimum_cells"].lower() in offered
    assert described["target_cells"].lower() not in offered
    row = _table(app).set_index("What it is for").loc[_said("target_cells")]
    assert row["Value"] == "400"
    assert "the environment (HEMADESK_TARGET_CELLS), which wins" in row["Set by"].replace("\\", "")


def _said(name):
    from pages.parts.wording import plain

    return plain(str(type(settings()).model_fields[name].description))
