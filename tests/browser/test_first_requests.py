"""Several people open a server that has just started: each gets the whole app."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.fixtures.browser import PATIENCE_MS, served

pytestmark = pytest.mark.browser


def test_everybody_gets_menu_and_foot(chromium: Browser, tmp_path: Path) -> None:
    # Both requests run the page's file alone at first, see signed_in._through_the_app.
    with served(tmp_path / "log.txt", HEMADESK_VAR=str(tmp_path)) as address:
        context = chromium.new_context(reduced_motion="reduce")
        context.set_default_timeout(PATIENCE_MS)
        windows = [context.new_page() for _ in range(2)]
        for window in windows:
            window.goto(f"{address}/help", wait_until="commit")
        for window in windows:
            expect(window.get_by_role("heading", name="Help", exact=True)).to_be_visible()
            expect(window.get_by_text("Signed in:")).to_be_visible()
            expect(window.get_by_role("button", name="Review")).to_be_visible()
        context.close()
