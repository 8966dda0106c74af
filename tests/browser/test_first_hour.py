"""A technologist's first slide: named, analysed, kept by one click, opened by the next.

With HEMADESK_PICTURE set to a file, the picture of the README is written there (``make picture``).
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from core.demo.cases import PICTURES
from tests.browser.test_analyse_smear import send, take_away, wait_for_counts, wait_for_fields

pytestmark = pytest.mark.browser

FIELDS = ("BloodImage_00012.jpg", "BloodImage_00008.jpg", "BloodImage_00020.jpg")


def test_a_slide_is_named_analysed_kept_and_opened(page: Page, tmp_path: Path) -> None:
    page.get_by_placeholder("Accession number of the slide").fill("F-2026-1")
    page.get_by_placeholder("Accession number of the slide").press("Tab")
    send(page, *(PICTURES / name for name in FIELDS))
    wait_for_fields(page, len(FIELDS))
    wait_for_counts(page)
    picture = os.environ.get("HEMADESK_PICTURE")
    if picture:
        page.set_viewport_size({"width": 1366, "height": 960})
        page.wait_for_timeout(3000)  # the plot's last letters; nothing is judged by it
        page.screenshot(path=picture)
    with page.expect_download() as got:
        take_away(page, "Result as Excel")
    assert got.value.suggested_filename.startswith("hemadesk-F-2026-1-20")
    page.keyboard.press("Escape")
    page.reload()
    expect(page.get_by_text("Continue where you were")).to_be_visible()
    page.get_by_role("button", name="Continue", exact=True).click()
    page.get_by_role("button", name="Keep as F-2026-1").click()
    page.get_by_role("link", name="Open the case").click()
    expect(page.get_by_text("Case F-2026-1")).to_be_visible()
