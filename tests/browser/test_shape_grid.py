"""The cells behind a proposed grade in Chromium: a letter corrects one, and it is kept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from core.access.people import Person
from core.review.case import cases
from core.review.reading.cells import cells
from core.review.record.review_store import ReviewStore
from core.store.database import Database
from tests.fixtures.browser import PATIENCE_MS, served
from tests.fixtures.red_cells import shape_of, shaped_finding
from tests.fixtures.review import field_of

pytestmark = pytest.mark.browser

ME = Person("local user", "local", "local")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ReviewStore]:
    """A case of one field: 1,001 normal red cells and five target cells."""
    opened = ReviewStore(Database(f"sqlite:///{tmp_path / 'hemadesk.db'}"), tmp_path)
    case = cases.create(opened, ME, "R-1", pseudonym="P-3")
    field = field_of(1, 1000, 1000)
    shapes = [shape_of("target_cell")] * 5 + [shape_of("normal")] * 1001
    cases.keep_field(opened, ME, case.id, field, shaped_finding(shapes, field.name))
    yield opened
    opened.database.close()


@pytest.fixture
def page(store: ReviewStore, tmp_path: Path, chromium: Browser) -> Iterator[Page]:
    with served(tmp_path / "log.txt", HEMADESK_VAR=str(tmp_path)) as address:
        context = chromium.new_context(viewport={"width": 1366, "height": 768})
        context.set_default_timeout(PATIENCE_MS)
        opened = context.new_page()
        opened.goto(f"{address}/review?case=1")
        opened.get_by_text("3 Red cells and platelets").click()
        yield opened
        context.close()


def test_letters_correct_the_cells_behind_a_grade(page: Page, store: ReviewStore) -> None:
    row = page.locator(".st-key-proposed_target_cells")
    expect(row).to_contain_text("Proposed 0 normal, 0.5 %")
    row.get_by_text("Cells", exact=True).click()
    figures = page.locator(".shapes figure")
    expect(figures).to_have_count(5)
    page.keyboard.press("f")  # the first cell is a fragment
    page.keyboard.press("x")  # nobody can tell the second
    page.keyboard.press("ArrowRight")
    page.keyboard.press("n")  # the fourth is normal
    expect(figures.nth(0)).to_contain_text("Schistocyte")
    expect(figures.nth(1)).to_contain_text("Not judged")
    expect(figures.nth(3)).to_contain_text("Normal")
    expect(page.locator(".shapes .state")).to_contain_text("Saved.")
    expect(row).to_contain_text("0.2 %")
    expect(page.locator(".st-key-proposed_schistocytes")).to_contain_text("Proposed 1 few, 0.1 %")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Backspace")  # the fourth is as the model said after all
    expect(row).to_contain_text("0.3 %")
    red = sorted(cells(store, ME, 1, kind="rbc"), key=lambda cell: cell.id)
    given = [cell.given_shape.shape if cell.given_shape else None for cell in red[:5]]
    assert given == ["schistocyte", "not_judged", None, None, None]

    page.locator(".st-key-shape_confirm_schistocytes button").click()
    expect(page.locator(".st-key-shape_confirm_schistocytes")).to_have_count(0)
    expect(page.get_by_text("1 of 22 terms graded")).to_be_visible()
    page.locator(".st-key-shape_grid_close button").click()
    expect(page.locator(".shapes")).to_have_count(0)
