"""What one screen says, the others and the files say: the first rows of the risk file, seen."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from core.access.people import LOCAL_SUBJECT, Person
from core.imaging import synthetic
from core.records import Flag
from core.review.case import cases
from core.review.record.review_store import ReviewStore
from core.store.database import Database
from core.taxonomy import title
from pages.parts.wording import percent, set_words
from tests.browser.test_analyse_smear import (
    send,
    take_away,
    value_of,
    wait_for_counts,
    wait_for_fields,
)
from tests.browser.test_review import finding, ready, step
from tests.fixtures.browser import PATIENCE_MS, served

pytestmark = pytest.mark.browser


def table_of(page: Page, button: str) -> list[dict[str, str]]:
    """The rows of a CSV that a button of the screen gives."""
    with page.expect_download() as got:
        take_away(page, button)
    return list(csv.DictReader(Path(got.value.path()).read_text().splitlines()))


def enter(page: Page, name: str, value: str) -> None:
    box = page.get_by_label(name, exact=True)
    box.fill(value)
    box.press("Enter")


WHO = Person("local user", "local", LOCAL_SUBJECT)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[str]:
    """A case whose one critical cell is a lymphocyte by its likeliest class."""
    store = ReviewStore(Database(f"sqlite:///{tmp_path / 'hemadesk.db'}"), tmp_path)
    case = cases.create(store, WHO, "H-2026/17 A-9", pseudonym="P-3")
    item = synthetic.draw(3, wbc=["lymphocyte", "monocyte", "eosinophil"], platelets=1)
    found = finding(item, ["lymphocyte", "monocyte", "eosinophil"])
    cells = list(found.cells)
    place = next(n for n, cell in enumerate(cells) if cell.wbc is not None)
    call = cells[place].wbc
    assert call is not None
    rule = Flag("critical_cell", "This could be a blast or an immature granulocyte.")
    cells[place] = replace(cells[place], wbc=replace(call, flags=(rule,)))
    cases.keep_field(store, WHO, case.id, item.field, replace(found, cells=tuple(cells)))
    store.database.close()
    with served(tmp_path / "log.txt", HEMADESK_VAR=str(tmp_path)) as address:
        yield address


@pytest.fixture
def window(chromium: Browser, site: str) -> Iterator[Page]:
    context = chromium.new_context(viewport={"width": 1366, "height": 768}, reduced_motion="reduce")
    context.set_default_timeout(PATIENCE_MS)
    yield context.new_page()
    context.close()


def test_a_critical_cell_is_critical_on_every_screen(window: Page, site: str) -> None:
    window.goto(f"{site}/home")
    tile = window.get_by_test_id("stMetric").filter(has_text="Critical")
    expect(tile.get_by_test_id("stMetricValue")).to_have_text("1")
    window.goto(f"{site}/worklist")
    expect(window.get_by_text("1 critical cell")).to_be_visible()
    # The accession number, copied from the screen as it stands there, opens its case, as a scanner
    # that types it does.
    shown = window.locator("strong", has_text="H-2026").first.inner_text()
    assert shown == "H-2026/17 A-9"
    search = window.get_by_placeholder("Accession number")
    search.fill(shown)
    search.press("Enter")
    expect(window.get_by_text(f"Case {shown}")).to_be_visible()
    window.goto(f"{site}/worklist")
    search.fill("no such case")
    search.press("Enter")
    expect(window.get_by_text("No case is like this.")).to_be_visible()

    window.goto(f"{site}/review?case=1")
    desk = ready(window)
    # The critical one leads, and neither Enter nor a held key accepts it.
    expect(desk.locator(".film .cell").first.locator(".critical")).to_have_text("critical")
    window.keyboard.press("Home")
    window.keyboard.press("Enter")
    expect(desk.locator(".notice")).to_contain_text("press the letter of its class")
    expect(desk.locator(".progress")).to_have_text("0 of 3 reviewed, 0 changed")
    window.keyboard.press("l")
    expect(desk.locator(".progress")).to_have_text("1 of 3 reviewed, 0 changed")
    for _ in range(12):  # from the second on the browser sends repeats, as of a key held down
        window.keyboard.down("Enter")
    window.keyboard.up("Enter")
    expect(desk.locator(".progress")).to_have_text("2 of 3 reviewed, 0 changed")
    expect(desk.locator(".saved")).to_have_text("all saved")
    window.keyboard.press("z")
    window.keyboard.press("z")
    expect(desk.locator(".progress")).to_have_text("0 of 3 reviewed, 0 changed")
    expect(desk.locator(".saved")).to_have_text("all saved")
    step(window, "4 Sign")
    expect(window.get_by_text("Critical: 1 white cell").first).to_be_visible()
    not_assessed = window.get_by_text("Red-cell morphology and platelets: not assessed.")
    expect(not_assessed.first).to_be_visible()
    # The draft stands beside it, and says the same.
    page = window.locator(".report")
    expect(page).to_contain_text("1 critical white cell: 1 called lymphocyte")
    expect(page).to_contain_text("DRAFT")


def test_what_is_no_smear_counts_nowhere_until_a_person_takes_it_in(
    page: Page, tmp_path: Path
) -> None:
    grain = np.random.default_rng(0).normal(0, 6, (240, 320, 1))
    skin = np.clip(np.array([205, 150, 120]) + grain, 0, 255).astype(np.uint8)
    smear = synthetic.draw(61, wbc=["monocyte"]).field
    (tmp_path / "smear.png").write_bytes(synthetic.png_bytes(smear))
    (tmp_path / "hand.png").write_bytes(synthetic.png_bytes(replace(smear, pixels=skin)))
    send(page, tmp_path / "smear.png", tmp_path / "hand.png")
    wait_for_fields(page, 2)
    wait_for_counts(page)
    red = value_of(page, "RBC per field")
    page.get_by_role("tab", name="Fields").click()
    total = page.get_by_test_id("stMetric").filter(has_text="RBC in all fields")
    expect(total.get_by_test_id("stMetricValue")).to_have_text(str(red))
    expect(
        page.get_by_text("1 of 2 fields counts. Left out: hand.png (not a smear)")
    ).to_be_visible()
    with page.expect_download() as got:
        take_away(page, "Fields CSV")
    assert got.value.suggested_filename.startswith("hemadesk-fields-20")
    rows = list(csv.DictReader(Path(got.value.path()).read_text().splitlines()))
    assert [(row["included"], row["left_out"]) for row in rows] == [
        ("True", ""),
        ("False", "not_a_smear"),
    ]
    # Nothing was entered and nothing is calibrated: no estimate, no alarm.
    page.get_by_role("tab", name="Blood count").click()
    expect(page.get_by_text("Nothing is estimated by factor: no calibration")).to_be_visible()
    expect(page.get_by_text("critical low")).to_have_count(0)
    # A person's word goes before the program's.
    page.get_by_role("button", name="Leave this field out").click()
    expect(page.get_by_text("no field counts")).to_be_visible()
    page.get_by_role("button", name="Take this field in").click()
    expect(page.get_by_text("Fields still needed").first).to_be_visible()


def test_nothing_entered_raises_no_alarm_and_what_is_entered_stays(page: Page) -> None:
    page.get_by_role("button", name="Analyse a synthetic smear").click()
    wait_for_counts(page)
    page.get_by_role("tab", name="Blood count").click()
    expect(page.get_by_text("Nothing is estimated by factor: no calibration")).to_be_visible()
    table = page.get_by_role("table").last
    expect(table).to_contain_text("too few to judge")
    expect(table).not_to_contain_text("per µL")
    expect(table).not_to_contain_text(re.compile("critical|low|high"))

    # The ratio to the red cells alone; of so few cells it is shown and not judged.
    enter(page, "Analyser's RBC, 10⁶/µL", "4.5")
    expect(table).to_contain_text("Platelets per µL, by ratio to RBC")
    enter(page, "Age, years", "40")
    expect(page.get_by_text("Without an age nothing is marked")).to_have_count(0)
    expect(table).not_to_contain_text(re.compile("critical|low|high"))
    page.get_by_role("button", name="Site").click()
    page.get_by_role("menuitem", name="Help").click()
    expect(page.get_by_role("heading", name="Help", exact=True)).to_be_visible()
    page.get_by_role("button", name="Work").click()
    page.get_by_role("menuitem", name="Analyse smear").click()
    page.get_by_role("tab", name="Blood count").click()
    expect(page.get_by_label("Analyser's RBC, 10⁶/µL", exact=True)).to_have_value("4.5")
    expect(page.get_by_label("Age, years", exact=True)).to_have_value("40")


def test_the_files_say_of_a_critical_cell_what_the_screen_says(page: Page, data_dir: Path) -> None:
    send(page, data_dir / "cbc" / "Testing" / "Images" / "BloodImage_00347.jpg")
    wait_for_counts(page)
    gallery = page.get_by_role("tabpanel").first
    expect(gallery.get_by_text("critical", exact=True)).to_be_visible()
    shown = gallery.inner_text()

    cell = next(row for row in table_of(page, "Cells CSV") if row["kind"] == "wbc")
    could_be = cell["could_be"].split()
    assert f"{title(cell['class'])} {percent(float(cell['probability']))}" in shown
    assert len(could_be) > 1
    assert set_words(tuple(could_be)).lower() in " ".join(shown.lower().split())
    assert cell["critical"] == "True" and cell["model"]
    field = table_of(page, "Fields CSV")[0]
    assert value_of(page, "RBC per field") == int(field["rbc"])
    assert int(field["critical"]) == 1 and field["wbc_model"] == cell["model"]
    with page.expect_download() as got:
        take_away(page, "JSON")
    said = json.loads(Path(got.value.path()).read_text())["fields"][0]
    wbc = next(one["wbc"] for one in said["cells"] if one["kind"] == "wbc")
    assert (wbc["could_be"], wbc["critical"], wbc["model"]) == (could_be, True, cell["model"])
    assert said["included"] is True and said["counts"]["rbc"]["value"] == int(field["rbc"])


def test_a_palms_file_holds_the_figures_of_the_screen(
    page: Page, server: str, data_dir: Path
) -> None:
    page.goto(f"{server}/screen_palm")
    page.locator("input[type=file]").first.set_input_files(
        data_dir / "palm" / "images" / "Anemic-264.png"
    )
    page.get_by_role("button", name="Screen 1 photo").click()
    page.get_by_text("Research result, not shown").click()
    expect(page.get_by_text("of those with such a palm have it")).to_be_visible()
    before = page.get_by_text("of those with such a palm have it").inner_text()
    page.get_by_role("slider").first.press("ArrowRight")
    sentence = page.get_by_text("Where 31 % of the people have anemia")
    expect(sentence).to_be_visible()
    assert sentence.inner_text() != before
    row = table_of(page, "CSV")[0]
    value, low, high = (float(row[name]) for name in ("anemia_probability", "low", "high"))
    assert float(row["prevalence"]) == 0.31
    assert f"about {percent(value)} ({100 * low:.0f} to {percent(high)})" in sentence.inner_text()
