"""Every screen asks for its right, whatever the menu shows; driven without a browser."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from core.access.rights import RIGHTS, ROLES
from tests.fixtures.paths import ROOT
from tests.fixtures.screens import opened, words

NEEDED = {
    "home": "view",
    "acquaintance": "read",
    "analyse_smear": "analyse",
    "worklist": "read",
    "review": "read",
    "fine_tune": "train",
    "models": "view",
    "settings": "view",
    "help": "view",
    "agreement": "view",
    "lab_acceptance": "view",
    "screen_palm": "analyse",
}


def test_no_screen_is_forgotten_here():
    assert {file.stem for file in (ROOT / "pages").glob("*.py")} == set(NEEDED)


@pytest.mark.parametrize("role", ROLES)
def test_a_screen_opens_for_those_it_is_for_and_says_so_to_the_others(
    own_var, change_settings, role
):
    change_settings(local_role=role, local_person="Sam")
    app = opened()
    assert f"Signed in: Sam, {role}." in words(app)
    for name, right in NEEDED.items():
        app.switch_page(f"pages/{name}.py").run()
        assert not app.exception, name
        refused = f"Sam ({role}) may not"
        if right in RIGHTS[role]:
            assert refused not in words(app), name
        else:
            assert refused in words(app), name
            assert "that takes the role" in words(app), name
            # Nothing of the screen itself is drawn behind the refusal.
            assert not app.button and not app.text_input and not app.selectbox, name


def test_the_list_of_people_is_for_administrators(own_var, change_settings):
    change_settings(local_role="pathologist", local_person="Paul")
    app = opened("settings")
    assert "The list of people is shown to administrators." in words(app)
    assert not app.text_input
    change_settings(local_role="administrator")
    app = opened("settings")
    app.text_input(key="new_name").set_value("Petra")
    app.text_input(key="new_subject").set_value("Petra@lab.example")
    app.multiselect(key="new_roles").set_value(["pathologist"])
    app.button[[b.label for b in app.button].index("Add person")].click().run()
    assert "Petra was added as pathologist." in words(app)
    assert "petra@lab.example" in words(app)
    app.multiselect(key="roles_petra@lab.example").set_value(["pathologist", "trainer"]).run()
    assert not app.exception
    assert app.multiselect(key="roles_petra@lab.example").value == ["pathologist", "trainer"]
    # Nobody can be left without a role, and what was refused is not shown as chosen.
    app.multiselect(key="roles_petra@lab.example").set_value([]).run()
    assert "at least one role" in words(app)
    assert app.multiselect(key="roles_petra@lab.example").value == ["pathologist", "trainer"]
    app.button(key="active_petra@lab.example").click().run()
    assert "may not sign in" in words(app)


def test_an_address_that_others_reach_is_not_served_without_a_sign_in(own_var, monkeypatch):
    monkeypatch.setattr("streamlit.get_option", lambda name: "0.0.0.0")
    app = opened()
    assert not app.exception
    assert "Hemadesk does not serve 0.0.0.0: others could reach it" in words(app)
    assert not app.button and "Live models" not in words(app)


def test_without_the_proxys_secret_nobody_is_let_in(own_var, change_settings):
    change_settings(proxy_header="X-Remote-User", proxy_secret=SecretStr("a secret of the proxy"))
    app = opened()
    assert not app.exception
    assert "did not come through the sign-in of this site" in words(app)
    assert not app.button and "Live models" not in words(app)
