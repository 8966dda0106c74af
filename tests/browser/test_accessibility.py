"""WCAG 2.2 AA by axe-core on every page, filled with the demo's cases, in both themes.

What axe finds in Streamlit's own elements is named in `STREAMLITS_OWN` with its reason; anything
else fails. axe sees some of what the standard asks for: the main path by keyboard is a test of its
own.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from pages.parts.navigation import SCREENS
from tests.fixtures.browser import PATIENCE_MS, served

pytestmark = pytest.mark.browser

Theme = Literal["light", "dark"]

TAGS: Final = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")

STREAMLITS_OWN: Final[dict[tuple[str, str], str]] = {}
"""(rule, part of the element's HTML): why it is not ours to mend."""

PAGES: Final = tuple(one.file for screens in SCREENS.values() for one in screens)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The app with invented cases, so that every page has something to show."""
    folder = tmp_path_factory.mktemp("accessible")
    with served(folder / "log.txt", HEMADESK_DEMO="on", HEMADESK_VAR=str(folder / "var")) as at:
        yield at


@pytest.fixture(scope="module", params=("light", "dark"))
def window(request: pytest.FixtureRequest, chromium: Browser) -> Iterator[Page]:
    """A window of each theme."""
    theme: Theme = request.param
    context = chromium.new_context(
        viewport={"width": 1366, "height": 768}, color_scheme=theme, reduced_motion="reduce"
    )
    context.set_default_timeout(PATIENCE_MS)
    yield context.new_page()
    context.close()


def _axe() -> str:
    found = find_spec("axe_playwright_python")
    assert found is not None and found.origin is not None, "make test installs it"
    return Path(found.origin).with_name("axe.min.js").read_text()


def violations(page: Page) -> list[str]:
    """What axe finds on the page that is not Streamlit's own, a line for each element."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(_axe())
    found: dict[str, Any] = page.evaluate(
        "tags => axe.run(document, {runOnly: tags, resultTypes: ['violations']})", list(TAGS)
    )
    return [
        f"{rule['id']}: {node['html'][:300]} | {node['failureSummary'][:300]}"
        for rule in found["violations"]
        for node in rule["nodes"]
        if not any(rule["id"] == name and part in node["html"] for name, part in STREAMLITS_OWN)
    ]


def wait_until_drawn(page: Page) -> None:
    """Until the run of the script has ended and nothing of the one before is left."""
    expect(page.locator("h1").first).to_be_visible()
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
    expect(page.locator("[data-stale=true]")).to_have_count(0)


@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_on_a_page(window: Page, demo: str, name: str) -> None:
    window.goto(f"{demo}/{name}")
    wait_until_drawn(window)
    found = violations(window)
    assert not found, "\n".join(found)


def test_axe_finds_nothing_on_a_smear_that_was_analysed(window: Page, demo: str) -> None:
    window.goto(f"{demo}/analyse_smear")
    wait_until_drawn(window)
    window.get_by_role("button", name="Analyse a synthetic smear").click()
    expect(window.get_by_text("RBC per field")).to_be_visible()
    wait_until_drawn(window)
    found = violations(window)
    assert not found, "\n".join(found)


def test_axe_sees_a_fault(window: Page, demo: str) -> None:
    """Otherwise all of the above would pass for nothing."""
    window.goto(f"{demo}/help")
    wait_until_drawn(window)
    window.evaluate(
        """() => {
        const faint = document.createElement('p');
        faint.textContent = 'hardly to be read';
        faint.style.cssText = 'color: #777; background: #888';
        document.querySelector('h1').after(faint);
    }"""
    )
    assert [line for line in violations(window) if line.startswith("color-contrast")]
