"""Hostile words on every page in Chromium, and whom the server asks through the whole session."""

from __future__ import annotations

from playwright.sync_api import Dialog, expect

from core.review.record.review_store import review_store
from pages.parts.navigation import SCREENS
from tests.fixtures.browser import PATIENCE_MS, served
from tests.fixtures.hostile import HOSTILE, fill
from tests.fixtures.sockets import asked_elsewhere, watch

# Shadow roots and frames of the same site too: the desk draws in one.
TAKEN = """() => {
  const found = [], texts = [];
  const look = (root) => {
    for (const one of root.querySelectorAll("*")) {
      if (one.hasAttribute("onerror")) found.push(one.outerHTML);
      if (one.tagName === "IMG" && one.getAttribute("src") === "x") found.push(one.outerHTML);
      if (one.tagName === "A" && one.href.includes("evil.example")) found.push(one.outerHTML);
      if (one.classList.contains("katex")) found.push(one.outerHTML);
      if (one.shadowRoot) look(one.shadowRoot);
      if (one.tagName === "IFRAME" && one.contentDocument) look(one.contentDocument);
    }
    texts.push(root.textContent || root.body?.textContent || "");
  };
  look(document);
  return [found, document.body.textContent + texts.join(" ")];
}"""
"""Elements that the words became, and the text of the screen."""


def _check(window, screen, shown):
    window.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
    found, text = window.evaluate(TAKEN)
    assert found == [], screen
    if HOSTILE[:40] in text:
        shown.add(screen.split("?")[0])


def test_words_stay_words_on_every_page(chromium, own_var, tmp_path):
    case = fill(review_store())
    review_store().database.close()
    more = {
        **watch(tmp_path),
        "HEMADESK_VAR": str(own_var),
        "HEMADESK_KEEP_FILE_NAMES": "true",
        "HEMADESK_LABORATORY": HOSTILE[:120],
    }
    shown: set[str] = set()
    with served(tmp_path / "log.txt", **more) as address:
        context = chromium.new_context(reduced_motion="reduce")
        context.set_default_timeout(PATIENCE_MS)
        window = context.new_page()
        dialogs: list[str] = []
        asked: list[str] = []

        def dismiss(dialog: Dialog) -> None:
            dialogs.append(dialog.message)
            dialog.dismiss()

        window.on("dialog", dismiss)
        window.on("request", lambda request: asked.append(request.url))
        screens = [one.file for group in SCREENS.values() for one in group]
        for screen in (*screens, f"review?case={case.id}", f"review?case={case.id + 1}"):
            window.goto(f"{address}/{screen}")
            expect(window.get_by_text("Research use").last).to_be_attached()
            _check(window, screen, shown)
        window.goto(f"{address}/review?case={case.id}")
        window.get_by_text("4 Sign", exact=True).click()
        expect(window.get_by_role("button", name="Add comment")).to_be_visible()
        _check(window, "sign", shown)
        assert dialogs == []
        # What the check looks for: the same words where a page takes them for HTML.
        with window.expect_event("dialog"):
            window.set_content(HOSTILE)
        assert dialogs == ["1"] and window.evaluate(TAKEN)[0]
        context.close()
    assert {"worklist", "review", "settings", "sign"} <= shown, "the words were there, as letters"
    own = (address, address.replace("http", "ws"), "data:", "blob:")
    assert [url for url in asked if not url.startswith(own)] == []
    assert asked_elsewhere(tmp_path) == []
