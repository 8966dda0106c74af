"""The field's boxes under the mouse, in Chromium but without the app: what is sent to Python."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.fixtures.paths import ROOT

pytestmark = pytest.mark.browser

ASSETS = ROOT / "pages" / "parts" / "review" / "boxes" / "assets"
PIXEL = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw=="
BOX = [100.0, 100.0, 200.0, 180.0]


def data(**more: Any) -> dict[str, Any]:
    return {
        "key": "1-1", "source": PIXEL, "width": 800, "height": 600, "words": "Field",
        "cells": [
            {"id": 7, "kind": "wbc", "box": BOX, "revision": 3},
            {"id": 8, "kind": "platelet", "box": [120.0, 120.0, 150.0, 150.0], "revision": 0},
        ],
        "looks": {
            "wbc": {"colour": "#0072b2", "width": 4, "dash": "solid"},
            "platelet": {"colour": "#009e73", "width": 2, "dash": "4px,3px"},
        },
        "places": [{"title": "Platelet clumps", "box": [400, 300, 480, 360]}],
        "chosen": None, "draws": False, "drawn": None, "spot": 40, "closed": "", **more,
    }  # fmt: skip


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """An empty page of 1366 x 768 with the component's own files."""
    window = chromium.new_page(viewport={"width": 1366, "height": 768})
    html, css, js = (
        (ASSETS / f"field.{ending}").read_text(encoding="utf-8") for ending in ("html", "css", "js")
    )
    window.set_content(f"<style>body {{ margin: 0 }} {css}</style><div id=place>{html}</div>")
    mount = js.replace("export default function", "window.mount = function")
    window.add_script_tag(content=mount)
    window.evaluate("window.sent = []")
    yield window
    window.close()


def draw(page: Page, **more: Any) -> None:
    page.evaluate(
        """(data) => window.mount({
          data, parentElement: document.querySelector("#place"),
          setTriggerValue: (name, value) => window.sent.push([name, value]),
        })""",
        data(**more),
    )


def sent(page: Page) -> list[tuple[str, dict[str, Any]]]:
    return [(name, value) for name, value in page.evaluate("window.sent.splice(0)")]


def scale(page: Page) -> float:
    """Pixels of the screen for one of the picture, at the first zoom."""
    box = page.locator(".stage").bounding_box()
    assert box
    return box["width"] / 800


def at(page: Page, x: float, y: float) -> tuple[float, float]:
    box = page.locator(".stage").bounding_box()
    assert box
    return box["x"] + x * scale(page), box["y"] + y * scale(page)


def drag(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    page.mouse.move(*at(page, *start))
    page.mouse.down()
    page.mouse.move(*at(page, (start[0] + end[0]) / 2, (start[1] + end[1]) / 2))
    page.mouse.move(*at(page, *end))
    page.mouse.up()


def handles(page: Page) -> Locator:
    return page.locator(".handle")


def test_a_box_is_chosen_moved_and_resized(page: Page) -> None:
    draw(page)
    expect(page.locator(".place")).to_have_count(1)
    # The small box lies on top of the large one and can be chosen.
    page.mouse.click(*at(page, 135, 135))
    ((name, value),) = sent(page)
    assert (name, value["cell"]) == ("picked", 8)
    page.mouse.click(*at(page, 190, 170))
    assert sent(page)[0][1]["cell"] == 7
    expect(handles(page)).to_have_count(8)
    # A box that is not chosen is not moved by a drag over it.
    drag(page, (135, 135), (160, 160))
    assert sent(page) == []
    draw(page, chosen=7)
    drag(page, (190, 170), (220, 150))
    ((name, value),) = sent(page)
    assert (name, value["cell"], value["revision"]) == ("moved", 7, 3)
    assert value["box"] == pytest.approx([130, 80, 230, 160], abs=1)
    draw(page, chosen=7)
    drag(page, (200, 180), (240, 210))
    assert sent(page)[0][1]["box"] == pytest.approx([100, 100, 240, 210], abs=1)
    draw(page, chosen=7)
    drag(page, (100, 140), (60, 300))  # the left side moves sideways only
    assert sent(page)[0][1]["box"] == pytest.approx([60, 100, 200, 180], abs=1)
    draw(page, chosen=7)
    drag(page, (200, 180), (20, 20))  # a side is not drawn past the other
    box = sent(page)[0][1]["box"]
    assert box[2] > box[0] and box[3] > box[1]
    draw(page, chosen=7)
    drag(page, (190, 170), (-300, 170))  # and not out of the picture
    assert sent(page)[0][1]["box"] == pytest.approx([0, 100, 100, 180], abs=1)


def test_a_new_box_is_drawn_and_a_click_marks_a_spot(page: Page) -> None:
    draw(page, draws=True)
    drag(page, (500, 400), (450, 350))
    ((name, value),) = sent(page)
    assert name == "drawn" and value["box"] == pytest.approx([450, 350, 500, 400], abs=1)
    page.mouse.click(*at(page, 300, 200))
    assert sent(page)[0][1]["box"] == pytest.approx([280, 180, 320, 220], abs=1)
    drag(page, (780, 580), (900, 700))
    assert sent(page)[0][1]["box"] == pytest.approx([780, 580, 800, 600], abs=1)


def test_it_zooms_pans_and_stays_where_it_was(page: Page) -> None:
    draw(page)
    stage = page.locator(".stage")
    page.mouse.move(*at(page, 150, 140))
    for _ in range(4):
        page.mouse.wheel(0, -100)
    zoomed = stage.get_attribute("viewBox")
    x, y, width, _ = (float(part) for part in str(zoomed).split())
    assert width == pytest.approx(800 / 1.25**4, rel=0.01)
    assert x + 150 / 800 * width == pytest.approx(150, abs=1)
    draw(page)  # an answer of Python zooms nothing out
    assert stage.get_attribute("viewBox") == zoomed
    drag(page, (700, 500), (600, 450))
    moved = [float(part) for part in str(stage.get_attribute("viewBox")).split()]
    assert moved[0] > x and moved[1] > y
    assert sent(page) == []
    page.locator('[data-do="all"]').click()
    assert stage.get_attribute("viewBox") == "0 0 800 600"


def test_nothing_changes_in_a_closed_case(page: Page) -> None:
    draw(page, chosen=7, closed="signed", draws=True)
    expect(handles(page)).to_have_count(0)
    drag(page, (190, 170), (220, 150))
    assert sent(page) == []


@pytest.mark.parametrize(("width", "height"), [(1366, 768), (1920, 1080), (3840, 2160)])
def test_the_picture_fills_its_room(page: Page, width: int, height: int, tmp_path: Path) -> None:
    page.set_viewport_size({"width": width, "height": height})
    draw(page, chosen=7)
    box = page.locator(".stage").bounding_box()
    assert box and box["height"] > 0.58 * height
    assert box["y"] + box["height"] < height
