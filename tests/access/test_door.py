"""The door that the app puts in front of itself, where the settings let nobody in."""

import pytest
from anyio.from_thread import start_blocking_portal
from streamlit import config
from streamlit.starlette import App

from core.access.guard import Guard
from pages.parts import door
from tests.fixtures.paths import ROOT


@pytest.fixture
def served_to_others(own_var, monkeypatch):
    """An address that others reach, and nothing that says how people sign in."""
    monkeypatch.setenv("HEMADESK_LOCAL_TOKEN", "once")
    before = config.get_option("server.address")
    config.set_option("server.address", "0.0.0.0")
    door._tokens.cache_clear()
    yield
    config.set_option("server.address", before)
    door._tokens.cache_clear()


def test_a_server_that_lets_nobody_in_starts_and_prints_no_token(served_to_others, capsys):
    async def start():
        async with door.opening(App(ROOT / "app.py")):
            return door.guarded(None)

    with start_blocking_portal() as portal:
        assert isinstance(portal.call(start), Guard)
    assert "token" not in capsys.readouterr().out
