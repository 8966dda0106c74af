"""Every screen asks for its right, whatever the menu shows; driven without a browser."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr
from streamlit.testing.v1 import AppTest

from core.access.rights import RIGHTS, ROLES
from core.settings import settings

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 120

NEEDED = {
    "home": "view",
    "analyse_smear": "analyse",
    "worklist": "view",
    "review": "review",
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


@pytest.fixture
def site(tmp_path, monkeypatch):
    """An installation of its own; gives a function that changes its settings."""
    monkeypatch.setenv("HEMADESK_VAR", str(tmp_path / "var"))
    settings.cache_clear()

    def change(**values):
        for name, value in values.items():
            monkeypatch.setattr(settings(), name, value)

    yield change
    settings.cache_clear()


def opened():
    return AppTest.from_file(str(ROOT / "app.py"), default_timeout=SECONDS).run()


def words(app):
    kinds = (app.title, app.subheader, app.markdown, app.caption, app.warning, app.error, app.info)
    text = "\n".join(str(part.value) for kind in kinds for part in kind)
    return text.replace("\u2060", "").replace("\\", "")


@pytest.mark.parametrize("role", ROLES)
def test_a_screen_opens_for_those_it_is_for_and_says_so_to_the_others(site, role):
    site(local_role=role, local_person="Sam")
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


def test_the_list_of_people_is_for_administrators(site):
    site(local_role="pathologist", local_person="Paul")
    app = opened().switch_page("pages/settings.py").run()
    assert "The list of people is shown to administrators." in words(app)
    assert not app.text_input
    site(local_role="administrator")
    app = opened().switch_page("pages/settings.py").run()
    app.text_input(key="new_name").set_value("Petra")
    app.text_input(key="new_subject").set_value("Petra@lab.example")
    app.selectbox(key="new_role").set_value("pathologist")
    app.button[[b.label for b in app.button].index("Add person")].click().run()
    assert "Petra was added as pathologist." in words(app)
    assert "petra@lab.example" in words(app)
    app.selectbox(key="role_petra@lab.example").set_value("trainer").run()
    assert not app.exception
    assert app.selectbox(key="role_petra@lab.example").value == "trainer"
    app.button(key="active_petra@lab.example").click().run()
    assert "may not sign in" in words(app)


def test_an_address_that_others_reach_is_not_served_without_a_sign_in(site, monkeypatch):
    monkeypatch.setattr("streamlit.get_option", lambda name: "0.0.0.0")
    app = opened()
    assert not app.exception
    assert "Hemadesk does not serve 0.0.0.0: others could reach it" in words(app)
    assert not app.button and "Live models" not in words(app)


def test_without_the_proxys_secret_nobody_is_let_in(site):
    site(proxy_header="X-Remote-User", proxy_secret=SecretStr("a secret of the proxy"))
    app = opened()
    assert not app.exception
    assert "did not come through the sign-in of this site" in words(app)
    assert not app.button and "Live models" not in words(app)
