"""Clicks that come close together, or while the page is still being drawn: none is lost."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

BOTH = """([first, second, gap]) => {
    const find = words => [...document.querySelectorAll('button, [role=radio]')]
        .find(element => element.innerText.trim() === words);
    find(first).click();
    setTimeout(() => find(second).click(), gap);
}"""
"""Clicks one and, so many milliseconds later, another: sooner than a page is drawn again."""


def test_a_click_is_acted_on_though_another_follows_at_once(page: Page) -> None:
    words = "Analyse a synthetic smear"
    button = page.get_by_role("button", name=words, exact=True)
    for gap in (30, 70):
        button.wait_for()
        page.evaluate(BOTH, [words, "A folder", gap])
        page.get_by_role("button", name="Start over").click()
        expect(page.get_by_text("No picture at hand?")).to_be_visible()
        page.get_by_text("Files", exact=True).click()


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
