"""One case and two readers in Chromium: keys, a stale edit, second reading, signature."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, WebSocketRoute, expect

from core.access.people import AT_THE_TERMINAL, Person
from core.imaging import synthetic
from core.records import Cell, CellCounts, Estimate, SmearFinding, WbcCall
from core.review.case import cases
from core.review.reading import boxes, grades
from core.review.reading.cells import cells
from core.review.record import roster
from core.review.record.review_store import ReviewStore
from core.review.signature import signing
from core.settings import settings
from core.store.database import Database
from tests.fixtures.browser import PATIENCE_MS, served
from tests.fixtures.proxy import signing_in

pytestmark = pytest.mark.browser

SECRET = "known to the proxy alone"
PAUL = Person("Paul", "pathologist", "paul")
PETRA = Person("Petra", "pathologist", "petra")


def finding(item: synthetic.SyntheticField, says: list[str]) -> SmearFinding:
    """What a model would have found: every drawn cell, and ``says`` of the white ones."""
    labels = iter(says)
    found = []
    for drawn in item.cells:
        call = None
        if drawn.kind == "wbc":
            label = next(labels)
            rest = dict.fromkeys(("lymphocyte", "monocyte", "eosinophil"), 0.05)
            shares = {**rest, label: 0.9}
            call = WbcCall(label, 0.9, shares, (label,), False, "wbc@00000000")
        found.append(Cell(drawn.kind, drawn.box_xyxy_px, 0.9, call))

    def count(kind: str) -> Estimate:
        number = sum(cell.kind == kind for cell in found)
        return Estimate(number, number, number)

    field = item.field
    return SmearFinding(
        file=field.name,
        width=field.width,
        height=field.height,
        method="locator",
        model="locator@00000000",
        counting_rule="all_visible",
        counts=CellCounts(count("rbc"), count("wbc"), count("platelet")),
        cells=tuple(found),
        rbc_diameter_px=item.rbc_diameter_px,
    )


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ReviewStore]:
    """A case of two fields with three white cells each, and two readers on the list."""
    monkeypatch.setattr(settings(), "blind_share", 0.0)
    opened = ReviewStore(Database(f"sqlite:///{tmp_path / 'hemadesk.db'}"), tmp_path)
    for person in (PAUL, PETRA):
        roster.add(
            opened,
            AT_THE_TERMINAL,
            subject=person.subject,
            name=person.name,
            role=person.role,
        )
    case = cases.create(opened, AT_THE_TERMINAL, "H-2026-17", pseudonym="P-3")
    says = ["lymphocyte", "monocyte", "eosinophil"]
    for seed in (3, 4):
        item = synthetic.draw(seed, wbc=["lymphocyte", "monocyte", "eosinophil"], platelets=1)
        cases.keep_field(opened, AT_THE_TERMINAL, case.id, item.field, finding(item, says))
    yield opened
    opened.database.close()


@pytest.fixture
def site(store: ReviewStore, tmp_path: Path) -> Iterator[str]:
    """The app behind a proxy that signs people in, where a second reader is always asked for."""
    with served(
        tmp_path / "log.txt",
        HEMADESK_VAR=str(tmp_path),
        HEMADESK_PROXY_HEADER="X-Remote-User",
        HEMADESK_PROXY_SECRET=SECRET,
        HEMADESK_SECOND_READER="always",
    ) as address:
        yield address


@contextmanager
def window(chromium: Browser, site: str, subject: str) -> Iterator[Page]:
    """A browser whose proxy says that this is ``subject``, on the case."""
    headers = {"X_Remote_User": subject, "X_Hemadesk_Proxy_Secret": SECRET}
    with signing_in(site, **headers) as address:
        context = chromium.new_context(
            viewport={"width": 1366, "height": 768}, reduced_motion="reduce"
        )
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        page.goto(f"{address}/review?case=1")
        yield page
        context.close()


class Line:
    """The way from a page to the server; what is sent while it is dead never arrives."""

    def __init__(self) -> None:
        self.dead = False

    def carry(self, page: WebSocketRoute) -> None:
        server = page.connect_to_server()
        page.on_message(lambda message: None if self.dead else server.send(message))


def ready(page: Page) -> Locator:
    """The desk, once it has its pictures."""
    expect(page.locator(".desk .cell img[src]").first).to_be_visible()
    return page.locator(".desk")


def saved(page: Page, progress: str) -> None:
    expect(page.locator(".desk .progress")).to_have_text(progress)
    expect(page.locator(".desk .saved")).to_have_text("all saved")


def step(page: Page, name: str) -> None:
    page.get_by_role("radio", name=name).or_(page.get_by_text(name, exact=True)).first.click()


def grade_both(store: ReviewStore, person: Person, grade: int, platelets: str) -> None:
    grades.grade(store, person, 1, "spherocytes", grade)
    grades.grade(store, person, 1, grades.PLATELETS, platelets, against_count=True)


def settle_grades(page: Page, store: ReviewStore) -> None:
    """What they graded apart stands side by side; nothing is taken for either until it is settled.

    Each term by itself: for the spherocytes the first reader, for the platelets the second.
    """
    step(page, "3 Red cells and platelets")
    apart = page.get_by_text("the readers differ.")
    expect(apart).to_have_count(2)
    expect(apart.filter(has_text="Spherocytes")).to_contain_text("Paul: few; Petra: many.")
    expect(apart.filter(has_text="Platelets")).to_contain_text("Paul: adequate; Petra: decreased.")
    assert not {"spherocytes", grades.PLATELETS} & grades.grades_of(store, PAUL, 1).keys()
    page.locator(".st-key-settle_grade_First_spherocytes button").click()
    expect(apart.filter(has_text="Spherocytes")).to_contain_text("Settled: few.")
    page.locator(".st-key-settle_grade_Second_platelets button").click()
    expect(apart.filter(has_text="Platelets")).to_contain_text("Settled: decreased.")


def said_by(store: ReviewStore, person: Person) -> dict[int, str | None]:
    return {cell.id: cell.label for cell in cells(store, person, 1)}


def test_two_readers_from_the_first_key_to_the_signature(
    chromium: Browser, site: str, store: ReviewStore
) -> None:
    order = [cell.id for cell in cells(store, PAUL, 1)]
    with (
        window(chromium, site, "paul") as paul,
        window(chromium, site, "petra") as petra,
    ):
        ready(paul)
        ready(petra)
        expect(paul.get_by_text("Signed in: Paul, pathologist.")).to_be_visible()

        # Corrections by keys; one is taken back, and is taken back in the database too.
        paul.keyboard.press("m")
        paul.keyboard.press("l")
        saved(paul, "2 of 6 reviewed, 2 changed")
        assert [said_by(store, PAUL)[cell] for cell in order[:3]] == [
            "monocyte",
            "lymphocyte",
            None,
        ]
        paul.keyboard.press("z")
        saved(paul, "1 of 6 reviewed, 1 changed")
        assert said_by(store, PAUL)[order[1]] is None

        # The other reader has still the page as it was, and is told instead of overwriting.
        petra.keyboard.press("e")
        notice = petra.locator(".desk .notice")
        expect(notice).to_contain_text("Paul has saved monocyte for this cell")
        expect(notice).to_contain_text("yours is eosinophil. Nothing was overwritten.")
        assert said_by(store, PAUL)[order[0]] == "monocyte"
        notice.get_by_role("button", name="Keep theirs").click()

        # The signature is blocked while cells are open.
        step(paul, "4 Sign")
        expect(paul.get_by_text("5 white cells not reviewed.")).to_be_visible()
        paul.get_by_role("button", name="Finish my reading").click()
        expect(paul.get_by_text("Not yet")).to_be_visible()
        assert cases.get(store, PAUL, 1).reading == 1
        step(paul, "1 Cells")
        ready(paul)
        # The field has its boxes again, and Enter goes past what is answered without changing it.
        expect(paul.locator(".desk .marks .mark")).to_have_count(3)
        paul.keyboard.press("Home")
        paul.keyboard.press("Enter")
        saved(paul, "1 of 6 reviewed, 1 changed")
        for _ in range(5):
            paul.keyboard.press("Enter")
        saved(paul, "6 of 6 reviewed, 1 changed")
        # A platelet that he sees in the first field, and the second reader will not.
        field = cases.case_pictures_of(store, PAUL, 1)[0]
        boxes.add_box(store, PAUL, 1, field.id, "platelet", (8.0, 8.0, 30.0, 30.0))
        grade_both(store, PAUL, 1, "adequate")
        step(paul, "2 Fields")
        expect(paul.get_by_text("3 in the case", exact=True)).to_be_visible()
        step(paul, "4 Sign")
        paul.get_by_role("button", name="Finish my reading").click()
        expect(paul.get_by_text("second review").first).to_be_visible()

        # The second reader begins with nothing, and sees nothing of the first.
        petra.reload()
        ready(petra)
        saved(petra, "0 of 6 reviewed, 0 changed")
        assert "Paul" not in petra.locator(".desk").inner_text()
        for _ in range(6):
            petra.keyboard.press("Enter")
        saved(petra, "6 of 6 reviewed, 0 changed")
        grade_both(store, PETRA, 3, "decreased")
        step(petra, "2 Fields")
        expect(petra.get_by_text("2 in the case", exact=True)).to_be_visible()
        step(petra, "4 Sign")
        petra.get_by_role("button", name="Finish my reading").click()
        expect(petra.get_by_text("The two readers differ in 1 box")).to_be_visible()
        expect(petra.get_by_text("The two readers differ in 1 white cell")).to_be_visible()
        expect(petra.get_by_text("spherocytes, platelets")).to_be_visible()
        expect(petra.get_by_role("button", name="Sign case")).to_be_disabled()

        # Boxes and answers of both stand side by side; settled, it is signed.
        step(petra, "2 Fields")
        expect(petra.get_by_text("The readers differ in 1 box here.")).to_be_visible()
        expect(petra.get_by_text("Second reader: no cell")).to_be_visible()
        petra.get_by_role("button", name="Second is right").click()
        expect(petra.get_by_text("The readers differ in")).to_have_count(0)
        step(petra, "1 Cells")
        desk_of_petra = ready(petra)
        expect(desk_of_petra.get_by_text("Paul: Monocyte")).to_be_visible()
        expect(desk_of_petra.get_by_text("Petra: Lymphocyte")).to_be_visible()
        petra.keyboard.press("m")
        saved(petra, "6 of 6 reviewed, 1 changed")
        settle_grades(petra, store)
        step(petra, "4 Sign")
        petra.get_by_role("button", name="Sign case").click()
        # Everything that will be signed is listed, and it is asked for once more by name.
        dialog = petra.get_by_role("dialog")
        expect(dialog).to_contain_text(
            "Platelets: Paul adequate, Petra decreased; settled by Petra"
        )
        dialog.get_by_role("button", name="Sign as Petra").click()
        expect(petra.get_by_text("Signed, version 1")).to_be_visible()

    signature = signing.versions(store, PETRA, 1)[-1]
    assert signature.signed_by == "petra"
    assert said_by(store, PETRA)[order[0]] == "monocyte"
    with store.database.read() as connection:
        from core.review.record.ledger import entries

        told = entries(connection, 1)
    assert [entry.action for entry in told][-1] == "sign"
    assert {entry.who for entry in told if entry.action == "answer"} == {"paul", "petra"}


def test_a_case_is_read_by_two_a_half_each(
    chromium: Browser, site: str, store: ReviewStore, tmp_path: Path
) -> None:
    with (
        window(chromium, site, "paul") as paul,
        window(chromium, site, "petra") as petra,
    ):
        ready(paul)
        paul.get_by_role("button", name="Case", exact=True).click()
        paul.get_by_role("button", name="Two readers, a half each").click()
        saved(paul, "0 of 3 reviewed, 0 changed")
        expect(paul.get_by_text("Read by two, a half of the cells each.")).to_be_visible()
        paul.keyboard.press("Escape")
        # Enter is the menu's button's until a cell is clicked.
        paul.locator(".desk .cell").first.click()
        for _ in range(3):
            paul.keyboard.press("Enter")
        saved(paul, "3 of 3 reviewed, 0 changed")
        # What stands under the desk follows once he rests.
        expect(paul.get_by_text("Your half: 3 of 3 white cells reviewed")).to_be_visible()
        paul.screenshot(path=str(tmp_path / "half.png"))
        # A half alone is handed on, never signed.
        step(paul, "4 Sign")
        expect(paul.get_by_role("button", name="Sign case")).to_have_count(0)
        paul.get_by_role("button", name="Finish my reading").click()
        expect(paul.get_by_text("second review").first).to_be_visible()

        petra.reload()
        ready(petra)
        saved(petra, "0 of 3 reviewed, 0 changed")
        petra.keyboard.press("m")
        petra.keyboard.press("m")
        petra.keyboard.press("m")
        expect(petra.locator(".desk .progress")).to_contain_text("3 of 3 reviewed")
        step(petra, "4 Sign")
        petra.get_by_role("button", name="Finish my reading").click()
        expect(petra.get_by_role("button", name="Sign case")).to_be_enabled()
        step(petra, "1 Cells")
        ready(petra)
        expect(petra.locator(".desk .progress")).to_contain_text("6 of 6 reviewed")
        expect(
            petra.get_by_text("Each reader read other cells, 3 cells and 3 cells")
        ).to_be_visible()
        petra.screenshot(path=str(tmp_path / "both.png"), full_page=True)
        step(petra, "4 Sign")
        petra.get_by_role("button", name="Sign case").click()
        petra.get_by_role("dialog").get_by_role("button", name="Sign as Petra").click()
        expect(petra.get_by_text("Signed, version 1")).to_be_visible()
        report = petra.locator(".st-key-report_beside")
        expect(report).to_contain_text("Each reader read a half of the cells: the first 3")
        petra.screenshot(path=str(tmp_path / "signed.png"))
    labels = list(said_by(store, PETRA).values())
    assert labels.count("monocyte") >= 3 and None not in labels


def test_no_answer_waits_for_a_reader_who_has_left(
    chromium: Browser, site: str, store: ReviewStore
) -> None:
    order = [cell.id for cell in cells(store, PAUL, 1)]

    def press_at_once(page: Page, keys: str) -> None:
        """Quicker than anything can be saved."""
        page.evaluate(
            """keys => { for (const key of keys.split(" ")) document.dispatchEvent(
              new KeyboardEvent("keydown", { key, bubbles: true, composed: true })); }""",
            keys,
        )

    with window(chromium, site, "paul") as paul:
        ready(paul)
        # The first cell is called twice, its first answer being on its way.
        press_at_once(paul, "m ArrowLeft e l s")
        paul.get_by_text("2 Fields", exact=True).click()
        expect(paul.get_by_text("White cells here")).to_be_visible()
        for _ in range(100):
            found = [said_by(store, PAUL)[cell] for cell in order[:3]]
            if found == ["eosinophil", "lymphocyte", "segmented_neutrophil"]:
                break
            paul.wait_for_timeout(100)
        assert found == ["eosinophil", "lymphocyte", "segmented_neutrophil"]
        step(paul, "1 Cells")
        ready(paul)
        saved(paul, "3 of 6 reviewed, 3 changed")
        found = [said_by(store, PAUL)[cell] for cell in order[:3]]
        assert found == ["eosinophil", "lymphocyte", "segmented_neutrophil"]

        # The window is closed before an answer has reached the server: it is saved on return.
        context, address = paul.context, paul.url
        paul.close()
        line = Line()
        context.route_web_socket(re.compile("/_stcore/stream"), line.carry)
        leaving = context.new_page()
        leaving.goto(address)
        ready(leaving)
        saved(leaving, "3 of 6 reviewed, 3 changed")
        line.dead = True
        press_at_once(leaving, "End b")
        leaving.close()
        assert said_by(store, PAUL)[order[-1]] != "band_neutrophil"
        line.dead = False
        again = context.new_page()
        again.goto(address)
        ready(again)
        saved(again, "4 of 6 reviewed, 4 changed")
        expect(again.locator(".desk .notice")).to_contain_text("not saved when this page was left")
    assert said_by(store, PAUL)[order[-1]] == "band_neutrophil"


def test_nobody_gets_past_the_proxy(chromium: Browser, site: str) -> None:
    page = chromium.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(f"{site}/review?case=1")
    # Up to the hyphen: in words that came from outside, signs cannot become Markdown.
    expect(page.get_by_text("This request did not come through the sign")).to_be_visible()
    assert page.locator(".desk").count() == 0
    page.close()
