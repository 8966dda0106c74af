"""The wall in Chromium: cells in sight, a drag onto a class, ranges, a target, what is seen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from core.access.people import Person
from core.records import Cell, CellCounts, Estimate, Field, SmearFinding
from core.review.case import cases
from core.review.reading import abnormalities
from core.review.reading.cells import cells
from core.review.record.review_store import ReviewStore
from core.settings import settings
from core.store.database import Database
from tests.fixtures.browser import PATIENCE_MS, served
from tests.fixtures.review import call_of

pytestmark = pytest.mark.browser

ME = Person("local user", "local", "local")
LABELS = ["segmented_neutrophil"] * 70 + ["lymphocyte"] * 40 + ["monocyte"] * 9 + ["blast"]


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ReviewStore]:
    """A case of one field with 120 white cells."""
    monkeypatch.setattr(settings(), "blind_share", 0.0)
    opened = ReviewStore(Database(f"sqlite:///{tmp_path / 'hemadesk.db'}"), tmp_path)
    case = cases.create(opened, ME, "H-120", pseudonym="P-3")
    pixels = np.random.default_rng(0).integers(0, 256, (480, 640, 3)).astype(np.uint8)
    found = tuple(
        Cell(
            "wbc",
            (
                10.0 + 50 * (n % 12),
                5.0 + 45 * (n // 12),
                40.0 + 50 * (n % 12),
                35.0 + 45 * (n // 12),
            ),
            0.9,
            call_of(label, 0.95),
        )
        for n, label in enumerate(LABELS)
    )
    white, none = Estimate(120, 110, 130), Estimate(0, 0, 1)
    finding = SmearFinding(
        "a.png", 640, 480, "locator", "locator@00000000", "all_visible",
        CellCounts(none, white, none), found, (), 20.0,
    )  # fmt: skip
    cases.keep_field(opened, ME, case.id, Field("a.png", pixels, "0" * 64), finding)
    yield opened
    opened.database.close()


@pytest.fixture
def page(store: ReviewStore, tmp_path: Path, chromium: Browser) -> Iterator[Page]:
    with served(tmp_path / "log.txt", HEMADESK_VAR=str(tmp_path)) as address:
        context = chromium.new_context(viewport={"width": 1366, "height": 768})
        context.set_default_timeout(PATIENCE_MS)
        opened = context.new_page()
        opened.goto(f"{address}/review?case=1")
        expect(opened.locator(".desk .cell img[src]").first).to_be_visible()
        opened.locator(".desk .layout").select_option("wall")
        yield opened
        context.close()


def group(page: Page, label: str) -> Locator:
    return page.locator(f'.desk .group[data-label="{label}"] .cell')


def drag(page: Page, cell: Locator, onto: str) -> None:
    """With the mouse, in steps, as a hand does it."""
    cell.scroll_into_view_if_needed()
    start, end = cell.bounding_box(), page.locator(f'.class[data-label="{onto}"]').bounding_box()
    assert start and end
    page.mouse.move(start["x"] + 15, start["y"] + 15)
    page.mouse.down()
    page.mouse.move(start["x"] + 50, start["y"] + 25, steps=3)
    page.mouse.move(end["x"] + 40, end["y"] + 8, steps=5)
    page.mouse.up()


def saved(page: Page, progress: str) -> None:
    expect(page.locator(".desk .progress")).to_contain_text(progress)
    expect(page.locator(".desk .saved")).to_have_text("all saved")


IN_SIGHT = """(film) => {
  const box = film.getBoundingClientRect();
  const whole = (one) => one.top >= box.top - 1 && one.bottom <= box.bottom + 1;
  const cells = [...film.querySelectorAll(".cell")];
  return cells.filter((one) => whole(one.getBoundingClientRect())).length;
}"""


def test_a_case_is_read_on_the_wall(page: Page, store: ReviewStore) -> None:
    page.keyboard.press("Home")
    assert page.locator(".desk .film").evaluate(IN_SIGHT) >= 60
    # What is critical and not named leads, and takes a letter of its own.
    expect(page.locator('.group[data-label="critical"] h4')).to_have_text(
        "Critical, not named yet, 1"
    )
    # One cell is dragged onto a class, and lies there; nothing on the page is selected by it.
    drag(page, group(page, "monocyte").nth(4), "plasma_cell")
    expect(group(page, "plasma_cell")).to_have_count(1)
    saved(page, "1 of 120 reviewed, 1 changed")
    # A range, then all of it.
    group(page, "lymphocyte").nth(0).click()
    group(page, "lymphocyte").nth(5).click(modifiers=["Shift"])
    drag(page, group(page, "lymphocyte").nth(3), "reactive_lymphocyte")
    expect(group(page, "reactive_lymphocyte")).to_have_count(6)
    saved(page, "7 of 120 reviewed, 1 changed")
    assert page.evaluate("String(getSelection())") == ""
    labels = [cell.label for cell in cells(store, ME, 1) if cell.label]
    assert sorted(set(labels)) == ["plasma_cell", "reactive_lymphocyte"]
    # Dropped where there is no class, nothing changes.
    drag_end = page.locator(".desk .lens").bounding_box()
    start = group(page, "monocyte").nth(0).bounding_box()
    assert start and drag_end
    page.mouse.move(start["x"] + 9, start["y"] + 9)
    page.mouse.down()
    page.mouse.move(drag_end["x"] + 40, drag_end["y"] + 40, steps=5)
    page.mouse.up()
    saved(page, "7 of 120 reviewed, 1 changed")

    # Counting stops at the target, and goes on when told to.
    page.locator(".desk .target").select_option("100")
    group(page, "segmented_neutrophil").nth(0).click()
    group(page, "segmented_neutrophil").nth(69).click(modifiers=["Shift"])
    page.keyboard.press("Enter")
    group(page, "lymphocyte").nth(0).click()
    group(page, "lymphocyte").nth(22).click(modifiers=["Shift"])
    page.keyboard.press("l")
    saved(page, "100 of 120 reviewed, 1 changed")
    expect(page.locator(".desk .counted")).to_have_text("target of 100 reached")
    group(page, "lymphocyte").nth(30).click()
    page.keyboard.press("Enter")
    expect(page.locator(".desk .notice")).to_contain_text("The target of 100 white cells")
    saved(page, "100 of 120 reviewed")
    page.keyboard.press("g")
    page.keyboard.press("Enter")
    saved(page, "101 of 120 reviewed")

    # The view changes for the eye alone, and stays from cell to cell; so does the zoom.
    page.locator(".desk .seeing").click()
    contrast = page.locator('[data-look="contrast"]')
    contrast.fill("1.6")
    page.keyboard.press("+")  # letters are for the cells, also while a slider has the arrows
    contrast.blur()
    page.keyboard.press("ArrowRight")
    lens = page.locator(".desk .lens img")
    expect(lens).to_have_css("transform", "matrix(1.3, 0, 0, 1.3, 0, 0)")
    assert "contrast(1.6)" in lens.evaluate("(one) => getComputedStyle(one).filter")
    expect(page.locator(".desk .ruler")).to_have_text("5 µm")

    # Something seen in a cell, by key.
    page.keyboard.press("f")
    page.keyboard.press("a")
    expect(page.locator('.seen [data-term="auer_rods"]')).to_have_attribute("aria-pressed", "true")
    (seen,) = abnormalities.seen_of(store, ME, 1)
    assert seen.is_critical

    # A colleague gets a link to the cell.
    page.locator('[data-act="link"]').click()
    expect(page.locator(".desk .notice")).to_contain_text("/review?case=1&cell=")

    # Why, and what it is compared with: for whoever reads the case, analysing takes another right.
    page.keyboard.press("w")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("This laboratory has signed none in another case yet")
    expect(dialog).to_contain_text("No map can be drawn")  # the model that answered is not here
