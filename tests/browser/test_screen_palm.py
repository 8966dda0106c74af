"""Screen palm in Chromium: a picture that is no palm is refused in a sentence that helps."""

from __future__ import annotations

import pytest
from playwright.sync_api import FilePayload, Page, expect

from core.imaging import synthetic

pytestmark = pytest.mark.browser


def test_a_smear_is_refused_with_what_to_do_instead(page: Page, server: str) -> None:
    page.goto(f"{server}/screen_palm")
    expect(page.get_by_role("button", name="Screen photos")).to_be_disabled()
    drawn = synthetic.draw(430, width=320, height=240).field
    smear: FilePayload = {
        "name": "smear.png",
        "mimeType": "image/png",
        "buffer": synthetic.png_bytes(drawn),
    }
    page.locator("input[type=file]").first.set_input_files([smear])
    page.get_by_role("button", name="Screen 1 photo").click()
    expect(page.get_by_role("heading", name="Not judged")).to_be_visible()
    # Which file, what is wrong, and what to send; never a verdict or its download.
    expect(page.get_by_text("shows no open palm")).to_be_visible()
    expect(page.get_by_text("Daylight from a window")).to_be_visible()
    expect(page.get_by_text("Anemia", exact=False)).to_have_count(0)
    expect(page.get_by_role("button", name="CSV")).to_have_count(0)
    page.get_by_role("button", name="Start over").click()
    expect(page.get_by_role("button", name="Screen photos")).to_be_disabled()
