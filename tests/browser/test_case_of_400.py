"""A case of 400 cells in Chromium, from the order to the signed report: wall, keys and mouse."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from core.access.people import AT_THE_TERMINAL, Person
from core.imaging import synthetic
from core.review.case import cases
from core.review.exchange.orders import read_orders
from core.review.reading import abnormalities
from core.review.reading.cells import cells
from core.review.record.review_store import ReviewStore
from core.review.signature.signing import versions
from core.settings import settings
from core.store.database import Database
from core.studies.benchmarks.screens import _finding as finding_of
from core.taxonomy import CRITICAL_CLASSES
from tests.fixtures.browser import PATIENCE_MS, served

pytestmark = pytest.mark.browser

ME = Person("local user", "local", "local")
ORDER = (
    "MSH|^~\\&|LIS|LAB|||20261101||ORM^O01|1|P|2.5.1\rPID|1||P-400||||19700101|F\rORC|NW\r"
    "OBR|1||H-400|58410-2^CBC^LN"
)
FIELDS = 4


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ReviewStore]:
    """The order, and four fields of a hundred white cells each."""
    monkeypatch.setattr(settings(), "blind_share", 0.0)
    opened = ReviewStore(Database(f"sqlite:///{tmp_path / 'hemadesk.db'}"), tmp_path)
    assert read_orders(opened, AT_THE_TERMINAL, ORDER.encode()).made == ("H-400",)
    case = cases.find(opened, AT_THE_TERMINAL, "H-400")
    for seed in range(FIELDS):
        field = synthetic.draw(seed, width=1200, height=900, wbc=["lymphocyte"], rbc=10).field
        cases.keep_field(opened, AT_THE_TERMINAL, case.id, field, finding_of(field, 100))
    yield opened
    opened.database.close()


def shot(page: Page, folder: Path, name: str) -> None:
    page.screenshot(path=str(folder / f"{name}.png"))


def at_rest(page: Page) -> None:
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()


def middle(place: Locator) -> tuple[float, float]:
    box = place.bounding_box()
    assert box
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def drag(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move((start[0] + end[0]) / 2, (start[1] + end[1]) / 2, steps=3)
    page.mouse.move(*end, steps=3)
    page.mouse.up()


def open_case(page: Page, address: str) -> None:
    """From the worklist, as a scanner does it: the accession, then Enter."""
    page.goto(f"{address}/worklist")
    page.get_by_role("button", name="Case", exact=True).click()
    expect(page.get_by_role("button", name="Case ↓", exact=True)).to_be_visible()
    search = page.get_by_placeholder("Accession number, pseudonym or indication")
    search.fill("H-400")
    search.press("Enter")
    expect(page.locator(".desk .cell img[src]").first).to_be_visible()


def read_on_the_wall(page: Page, shots: Path) -> None:
    desk = page.locator(".desk")
    desk.locator(".layout").select_option("wall")
    desk.locator(".target").select_option("0")
    shot(page, shots, "wall")
    # Critical cells one by one, with the letter of the class that the model gave them.
    page.keyboard.press("Home")
    critical = page.locator('.group[data-label="critical"] .cell')
    while critical.count():
        before = critical.count()
        critical.first.click()
        said = desk.locator(".class.says").get_attribute("data-label")
        desk.locator(f'.class[data-label="{said}"]').click()
        expect(critical).to_have_count(before - 1)
    # One with the mouse, onto another class.
    monocytes = page.locator('.group[data-label="monocyte"] .cell')
    plasma = page.locator('.group[data-label="plasma_cell"] .cell')
    for _ in range(20):  # the wall may be laid out anew while the mouse moves
        monocytes.first.scroll_into_view_if_needed()
        drag(
            page, middle(monocytes.first), middle(desk.locator('.class[data-label="plasma_cell"]'))
        )
        page.wait_for_timeout(2000)
        if plasma.count():
            break
    expect(plasma).to_have_count(1)
    # The others group by group: a range with Shift, and Enter accepts it.
    for label in desk.locator(".group:not([hidden])").evaluate_all(
        "(all) => all.map((one) => one.dataset.label)"
    ):
        group = page.locator(f'.group[data-label="{label}"] .cell:not(.done)')
        if not group.count():
            continue
        group.first.click()
        group.last.click(modifiers=["Shift"])
        page.keyboard.press("Enter")
    expect(desk.locator(".progress")).to_contain_text("400 of 400 reviewed")
    expect(desk.locator(".saved")).to_have_text("all saved")
    shot(page, shots, "read")


def correct_boxes(page: Page, store: ReviewStore, shots: Path) -> None:
    """A box is chosen, made larger at a corner and moved; a finding is marked with its place."""
    page.get_by_text("2 Fields", exact=True).click()
    stage = page.locator(".field-editor .stage")
    stage.locator(".box").first.wait_for()
    first = int(stage.locator(".box").nth(44).get_attribute("data-cell") or 0)
    box = stage.locator(f'.box[data-cell="{first}"]')

    def now() -> tuple[float, ...]:
        return next(c.box_xyxy_px for c in cells(store, ME, 1, kind=None) if c.id == first)

    def changed(last: tuple[float, ...], act: Callable[[], None]) -> tuple[float, ...]:
        """What is stored after ``act``; a drag that a redraw cut off is done again."""
        for _ in range(20):
            with suppress(AssertionError):  # redrawn while the mouse was on its way
                act()
            for _ in range(30):
                if now() != last:
                    at_rest(page)
                    return now()
                page.wait_for_timeout(100)
        raise AssertionError("the box did not change")

    def enlarge() -> None:
        if not corner.is_visible():  # a redraw lets go of the chosen box
            page.mouse.click(*middle(box))
            corner.wait_for()
        x, y = middle(corner)
        drag(page, (x, y), (x + 15, y + 12))

    def shift() -> None:
        x, y = middle(box)
        drag(page, (x, y), (x - 20, y))

    before = now()
    page.mouse.click(*middle(box))
    corner = stage.locator('.handle[data-side="1,1"]')
    corner.wait_for()
    at_rest(page)
    resized = changed(before, enlarge)
    expect(page.get_by_text("Move the box")).to_be_visible()
    assert resized[:2] == before[:2] and resized[2] > before[2] and resized[3] > before[3]
    moved = changed(resized, shift)
    assert moved[0] < resized[0]
    assert moved[2] - moved[0] == pytest.approx(resized[2] - resized[0])
    page.get_by_text("Draw a box", exact=True).click()
    expect(page.locator(".stage.draws")).to_be_visible()
    x, y = middle(stage)
    drag(page, (x, y), (x + 60, y + 50))
    page.get_by_role("button", name="Platelet clumps", exact=True).click()
    expect(page.locator(".places .place")).to_have_count(1)
    (seen,) = abnormalities.seen_of(store, ME, 1)
    assert seen.term == "platelet_clumps" and seen.box_xyxy_px is not None
    shot(page, shots, "fields")
    for width, height in ((1920, 1080), (3840, 2160)):
        page.set_viewport_size({"width": width, "height": height})
        drawn = stage.bounding_box()
        assert drawn and drawn["height"] > 0.6 * height, drawn
        shot(page, shots, f"fields-{width}")
    page.set_viewport_size({"width": 1366, "height": 768})


def test_from_the_order_to_the_signed_report(
    store: ReviewStore, tmp_path: Path, chromium: Browser
) -> None:
    with served(tmp_path / "log.txt", HEMADESK_VAR=str(tmp_path)) as address:
        context = chromium.new_context(viewport={"width": 1366, "height": 768})
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        open_case(page, address)
        read_on_the_wall(page, tmp_path)
        correct_boxes(page, store, tmp_path)
        page.get_by_text("4 Sign", exact=True).click()
        page.get_by_role("button", name="Sign case", exact=True).click()
        page.get_by_role("dialog").get_by_role("button", name="Sign", exact=False).last.click()
        expect(page.get_by_text("Signed, version 1").first).to_be_visible()
        expect(page.locator(".st-key-report_beside")).not_to_contain_text("DRAFT")
        at_rest(page)
        shot(page, tmp_path, "signed")
        # On paper it is the report alone.
        page.emulate_media(media="print")
        expect(page.get_by_role("button")).to_have_count(0)
        expect(page.locator(".st-key-report_beside")).to_be_visible()
        expect(page.locator(".st-key-report_beside")).to_contain_text("White-cell differential")
        page.pdf(path=str(tmp_path / "printed.pdf"), prefer_css_page_size=True)
        shot(page, tmp_path, "printed")
        context.close()
    (signature,) = versions(store, ME, 1)
    snapshot = signature.snapshot
    assert (snapshot["white_cells"], snapshot["reviewed"], snapshot["changed"]) == (400, 400, 1)
    assert snapshot["case"]["pseudonym"] == "P-400"
    assert snapshot["abnormalities"][0]["term"] == "platelet_clumps"
    called = {cell.get("label") for cell in snapshot["cells"]}
    assert called > set(CRITICAL_CLASSES)
