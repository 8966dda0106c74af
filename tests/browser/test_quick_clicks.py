"""A click that comes while the page is still being drawn is not lost."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser


def test_a_click_counts_as_soon_as_its_button_is_there(page: Page) -> None:
    words = "Analyse a synthetic smear"
    for _ in range(2):
        page.get_by_role("button", name="Site").click()
        page.get_by_role("menuitem", name="Help").click()
        expect(page.get_by_role("heading", name="Help", exact=True)).to_be_visible()
        page.get_by_role("button", name="Work").click()
        page.get_by_role("menuitem", name="Analyse smear").click()
        # By the page itself: Playwright would wait until the button stands still.
        page.wait_for_function(
            """words => {
                const button = [...document.querySelectorAll('button')]
                    .find(element => element.innerText.trim() === words);
                if (button) button.click();
                return Boolean(button);
            }""",
            arg=words,
            polling="raf",
        )
        page.get_by_role("button", name="Start over").click()
        expect(page.get_by_text("No picture at hand?")).to_be_visible()
