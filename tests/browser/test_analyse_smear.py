"""The screen Analyse smear in Chromium: what only a browser can show."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import FilePayload, Page, expect
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from core.imaging import synthetic

pytestmark = pytest.mark.browser


def value_of(page: Page, label: str) -> int:
    metric = page.get_by_test_id("stMetric").filter(has_text=label)
    return int(metric.get_by_test_id("stMetricValue").inner_text())


def wait_for_counts(page: Page) -> None:
    page.get_by_test_id("stMetricValue").first.wait_for()
    page.locator(".js-plotly-plot .main-svg").first.wait_for()


def wait_for_fields(page: Page, number: int) -> None:
    """Until the strip holds so many fields and the batch is over."""
    expect(page.locator(".st-key-filmstrip img")).to_have_count(number)
    expect(page.get_by_role("button", name="Stop", exact=True)).to_have_count(0)


def take_away(page: Page, name: str) -> None:
    """Press a button of the menu Take away, which stays open once it was opened."""
    button = page.get_by_role("button", name=name, exact=True)
    if not button.is_visible():
        page.get_by_role("button", name="Take away").click()
    button.click()


def send(page: Page, *files: Any) -> None:
    page.locator("input[type=file]").set_input_files(list(files))
    noun = "field" if len(files) == 1 else "fields"
    page.get_by_role("button", name=f"Analyse {len(files)} {noun}", exact=True).click()


def assert_no_sideways_scroll(page: Page) -> None:
    wide = page.evaluate(
        """() => [document.documentElement, document.querySelector('[data-testid=stMain]')]
            .filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.tagName)"""
    )
    assert wide == []


def place_of(page: Page, kind: str) -> tuple[float, float, int]:
    """Where the first cell of a kind is on the screen, and its place in the finding."""
    found = page.evaluate(
        """(kind) => {
            const plot = document.querySelector('.st-key-field_view .js-plotly-plot');
            const points = plot._fullData.find(t => t.legendgroup === kind && t.mode === 'markers');
            const at = plot.getBoundingClientRect(), l = plot._fullLayout;
            return [at.x + l.xaxis._offset + l.xaxis.l2p(points.x[0]),
                    at.y + l.yaxis._offset + l.yaxis.l2p(points.y[0]), points.customdata[0][0]];
        }""",
        kind,
    )
    return found[0], found[1], found[2]


def shown_width(page: Page) -> float:
    """Width of the part of the field that is in the picture, in its pixels."""
    return page.evaluate(
        """() => {
            const at = document.querySelector('.st-key-field_view .js-plotly-plot');
            const [left, right] = at._fullLayout.xaxis.range;
            return right - left;
        }"""
    )


def test_a_synthetic_smear_from_the_button_to_the_map(page: Page) -> None:
    expect(page.get_by_text("Research use: a qualified person decides.")).to_be_visible()
    assert_no_sideways_scroll(page)
    page.get_by_role("button", name="Analyse a synthetic smear").click()
    wait_for_counts(page)
    assert value_of(page, "RBC per field") > 5
    assert_no_sideways_scroll(page)
    assert page.locator(".st-key-field_view [aria-label*='with a box round every cell']").count()
    for image in page.locator("[data-testid=stImage] img").all():
        assert image.get_attribute("alt")

    # The legend switches a kind off and on.
    legend = page.locator(".legendtoggle").first
    legend.click()
    page.wait_for_function(
        """() => document.querySelector('.st-key-field_view .js-plotly-plot')._fullData
            .filter(t => t.legendgroup === 'rbc').every(t => t.visible === 'legendonly')"""
    )
    legend.click()

    # Zoom outlives a redraw by the server.
    page.locator(".modebar-btn[data-title='Zoom in']").click()
    page.get_by_text("Counting chamber", exact=True).click()
    expect(page.get_by_text("No remarks").or_(page.get_by_text("check")).first).to_be_visible()
    assert shown_width(page) < 640
    page.locator(".modebar-btn[data-title='Reset axes']").click()
    page.wait_for_function(
        """() => document.querySelector('.st-key-field_view .js-plotly-plot')
            ._fullLayout.xaxis.range[1] === 640"""
    )

    # A click on the white cell selects it and offers its map.
    x, y, _ = place_of(page, "wbc")
    page.mouse.click(x, y)
    why = page.get_by_role("button", name="Why this class")
    why.wait_for()
    why.press("Enter")
    dialog = page.get_by_role("dialog")
    # The cell and its map; where PBC is at hand, pictures of like training cells follow.
    expect(dialog.locator("img").nth(1)).to_be_visible()
    dialog.get_by_role("slider").press("ArrowRight")
    expect(dialog.get_by_text("65", exact=True)).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)


def test_the_rule_the_tabs_and_the_downloads(page: Page, tmp_path: Path) -> None:
    page.get_by_role("button", name="Analyse a synthetic smear").click()
    wait_for_counts(page)
    everything = value_of(page, "RBC per field")
    page.get_by_text("Counting chamber", exact=True).click()
    expect(page.get_by_test_id("stMetric").filter(has_text="RBC per field")).not_to_contain_text(
        re.compile(rf"field{everything}$")
    )
    assert value_of(page, "RBC per field") < everything

    page.get_by_role("button", name="Analyse a synthetic smear").click()
    wait_for_fields(page, 2)
    page.get_by_role("button", name=re.compile("^1( check)?$")).click()
    page.wait_for_function(
        """() => document.querySelector('[aria-label*="Field synthetic-0001.png"]')"""
    )
    page.get_by_role("tab", name="Differential").click()
    expect(page.get_by_text("Rests on")).to_be_visible()
    expect(page.get_by_role("table")).to_contain_text("Neutrophils, all")
    page.get_by_role("tab", name="Fields").click()
    expect(page.get_by_text("RBC in all fields")).to_be_visible()
    page.get_by_role("tab", name="Why").click()
    page.get_by_text("RBC count", exact=True).click()
    expect(page.get_by_text("What led to RBC")).to_be_visible()
    assert_no_sideways_scroll(page)

    with page.expect_download() as got:
        take_away(page, "Fields CSV")
    got.value.save_as(tmp_path / "fields.csv")
    rows = list(csv.DictReader((tmp_path / "fields.csv").open()))
    assert [row["file"] for row in rows] == ["synthetic-0001.png", "synthetic-0002.png"]
    assert {row["counting_rule"] for row in rows} == {"chamber"}
    with page.expect_download() as got:
        take_away(page, "JSON")
    got.value.save_as(tmp_path / "fields.json")
    assert len(json.loads((tmp_path / "fields.json").read_text())["fields"]) == 2


def test_files_a_broken_one_and_a_folder(page: Page, tmp_path: Path) -> None:
    good = synthetic.png_bytes(synthetic.draw(61).field)
    name = "broken <b>*not bold*</b> :red[x].png"
    send(
        page,
        {"name": "field.png", "mimeType": "image/png", "buffer": good},
        {"name": name, "mimeType": "image/png", "buffer": good[:2000]},
    )
    wait_for_counts(page)
    expect(page.get_by_text("1 file was not analysed. The others were analysed.")).to_be_visible()
    refused = page.get_by_test_id("stExpander").locator("li").inner_text()
    assert refused.startswith(name)

    folder = tmp_path / "slide 7"
    folder.mkdir()
    for seed in (61, 62):
        item = synthetic.draw(seed, width=400, height=300)
        (folder / f"{seed}.png").write_bytes(synthetic.png_bytes(item.field))
    (folder / "notes.txt").write_text("not a picture")
    page.get_by_role("button", name="Add fields").click()
    page.get_by_text("A folder", exact=True).click()
    page.locator("input[type=file][webkitdirectory]").set_input_files(folder)
    page.get_by_role("button", name="Analyse 2 fields", exact=True).click()
    wait_for_fields(page, 3)
    page.get_by_role("button", name="Start over").click()
    expect(page.get_by_text("No picture at hand?")).to_be_visible()


def test_it_fits_a_narrow_and_a_dark_screen(page: Page) -> None:
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size({"width": 683, "height": 384})  # 1366 x 768 at 200 %
    page.get_by_role("button", name="Analyse a synthetic smear").click()
    wait_for_counts(page)
    assert_no_sideways_scroll(page)


def test_three_real_fields(page: Page, data_dir: Path) -> None:
    pictures = sorted((data_dir / "cbc" / "Testing" / "Images").iterdir())[:3]
    send(page, *pictures)
    wait_for_counts(page)
    wait_for_fields(page, 3)
    assert 8 <= value_of(page, "RBC per field") <= 45
    page.get_by_role("tab", name="Fields").click()
    total = page.get_by_test_id("stMetric").filter(has_text="RBC in all fields")
    expect(total).to_contain_text(re.compile(r"mean \d+\.\d, fields \d+ to \d+"))
    page.get_by_role("tab", name="White cells").click()
    page.get_by_role("button", name="Why", exact=True).first.click()
    expect(page.get_by_role("dialog").locator("img").nth(1)).to_be_visible()


def test_fields_that_finish_do_not_redraw_the_whole_page(page: Page, server: str) -> None:
    whole: list[str] = []

    def note(frame: str | bytes) -> None:
        message = ForwardMsg()
        message.ParseFromString(frame if isinstance(frame, bytes) else frame.encode())
        # Outside every fragment, so it comes once with each drawing of the whole page.
        if message.delta.new_element.heading.body == "Analyse smear":
            whole.append(message.hash)

    page.on("websocket", lambda socket: socket.on("framereceived", note))
    page.goto(f"{server}/analyse_smear")
    number = 12
    files: list[FilePayload] = [
        {
            "name": f"{seed}.png",
            "mimeType": "image/png",
            "buffer": synthetic.png_bytes(synthetic.draw(700 + seed, width=640, height=480).field),
        }
        for seed in range(number)
    ]
    page.locator("input[type=file]").set_input_files(files)
    button = page.get_by_role("button", name=f"Analyse {number} fields", exact=True)
    expect(button).to_be_enabled()
    whole.clear()
    button.click()
    wait_for_fields(page, number)
    wait_for_counts(page)
    # The press, the first picture, the end, and one more where a press and a tick meet.
    assert 2 <= len(whole) <= 4
