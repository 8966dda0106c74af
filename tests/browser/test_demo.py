"""The demo in a browser: its tour goes from step to step, and it removes itself."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from pages.parts.demo import tour
from tests.fixtures.browser import PATIENCE_MS, served

pytestmark = pytest.mark.browser


def test_next_leads_through_the_tour_and_the_demo_removes_itself(
    chromium: Browser, tmp_path: Path
) -> None:
    context = chromium.new_context(viewport={"width": 1366, "height": 768}, reduced_motion="reduce")
    context.set_default_timeout(PATIENCE_MS)
    more = {"HEMADESK_DEMO": "on", "HEMADESK_VAR": str(tmp_path / "var")}
    with served(tmp_path / "log.txt", **more) as address:
        page = context.new_page()
        page.goto(f"{address}/home")
        page.get_by_role("button", name="Take the tour").click()
        for number, step in enumerate(tour.STEPS):
            if number:
                page.get_by_role("button", name="Next", exact=True).click()
            title = f"{number + 1} of {len(tour.STEPS)}: {step.title}."
            expect(page.get_by_text(title)).to_be_visible()
            page.wait_for_url(f"**/{step.page}**")
            expect(page.locator(f".st-key-{step.part}").first).to_be_visible()
        expect(page.get_by_role("button", name="Next", exact=True)).to_be_disabled()
        page.get_by_role("button", name="End", exact=True).click()
        page.goto(f"{address}/home")
        page.get_by_role("button", name="Remove the demo").click()
        expect(page.get_by_text("The demo is removed. Close this window.")).to_be_visible()
        assert not (tmp_path / "var" / "demo").exists()
    context.close()
