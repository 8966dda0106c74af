"""The screen Screen palm, driven without a browser."""

import json

import cv2
import numpy as np
import pytest

from core.access.people import LOCAL_SUBJECT, Person
from core.imaging.synthetic import draw
from core.models import registry
from core.models.cards import PalmCard
from core.models.cards.figures import AurocRow, PalmFigures
from core.review.case import worklist
from core.review.exchange.case_tables import case_json
from core.review.exchange.contents import gather
from core.review.exchange.report import case_page
from core.review.record.review_store import review_store
from core.settings import Settings
from core.slide import palm_words
from pages.parts.palm import compared as palm_compared
from pages.parts.palm import how as palm_how
from pages.parts.palm import verdict as palm_verdict
from pages.parts.wording import percent
from tests.fixtures.screens import opened


@pytest.fixture(scope="module")
def palm_screen():
    return opened("screen_palm")


def png(pixels):
    return cv2.imencode(".png", np.ascontiguousarray(pixels[..., ::-1]))[1].tobytes()


def palm():
    rng = np.random.default_rng(0)
    grain = rng.normal(0, 6, (200, 200, 1))
    picture = np.clip(np.array([205.0, 150, 120]) + grain, 0, 255).astype(np.uint8)
    for offset in (50, 90, 140):
        cv2.line(picture, (0, offset), (200, offset + 30), (120, 75, 60), 2)
    return picture


def test_an_empty_screen_says_how_good_it_is(palm_screen):
    assert not palm_screen.exception
    locked = registry.live("palm").card_as(PalmCard).evaluation["locked"]["auroc"]
    assert any(f"{locked['value']:.2f}" in warning.value for warning in palm_screen.warning)
    assert palm_screen.button(key="palm_go").disabled


@pytest.fixture
def drawn_palms_are_usual(monkeypatch):
    """A drawn palm is unlike a real one, and real ones are not in the repository."""
    model = registry.live("palm")
    card = model.card.model_copy(update={"unusual_above": 100.0})
    monkeypatch.setitem(vars(model), "card", card)  # the loaded model is frozen and shared


@pytest.mark.usefixtures("drawn_palms_are_usual")
def test_palms_are_judged_and_something_else_is_refused_kindly(palm_screen):
    upload = palm_screen.file_uploader(key="palm_files_0")
    upload = upload.upload("palm.png", png(palm()), "image/png")
    upload = upload.upload("smear.png", png(draw(3).field.pixels), "image/png")
    upload.upload("letter.png", b"%PDF-1.4 not a picture", "image/png")
    app = palm_screen.run().button(key="palm_go").click().run()
    assert not app.exception
    words = " ".join(item.value for item in app.markdown)
    captions = " ".join(item.value for item in app.caption)
    assert "not accepted by this laboratory" in captions, "beside the palm model's name"
    # While chance is not excluded: what to do, and is the photo good enough; no answer, no figure.
    assert registry.live("palm").card_as(PalmCard).evaluation["locked"]["auroc"]["low"] <= 0.5
    assert words.index(palm_words.BLOOD_TEST) < words.index(palm_words.GOOD_PHOTO)
    everything = words + " ".join(app.selectbox(key="palm_front").options)
    assert not any(said in everything.lower() for said in palm_words.DECISIONS.values())
    assert "of those with such a palm have it" not in words
    assert [tab.label for tab in app.tabs] == ["A better photo", "How good is it"]
    app.toggle(key="palm_research").set_value(True).run()
    words = " ".join(item.value for item in app.markdown)
    assert any(said in words.lower() for said in palm_words.DECISIONS.values())
    assert "of them would be told that it is not suspected" in words
    assert any("PDF" in warning.value for warning in app.warning)
    # More anemia around: the same palm means more.
    before = [m.value for m in app.markdown if m.value.startswith("Where")]
    app.slider(key="palm_prevalence").set_value(70).run()
    after = [m.value for m in app.markdown if m.value.startswith("Where")]
    assert after != before and "Where 70 %" in after[0]
    # The slider's tab is shut, the prevalence stays.
    app.session_state["palm_tabs_True"] = "How good is it"
    app.run()
    assert [m.value for m in app.markdown if m.value.startswith("Where")] == after
    session = app.session_state["palm"]
    assert [photo.reading is not None for photo in session.photos] == [True, False]
    session.front = 1
    app.run()
    assert not app.exception
    said = " ".join(item.value for item in app.markdown)
    assert "Not judged" in said and "smear" in said
    app.button(key="palm_clear").click().run()
    assert not app.session_state["palm"].photos


@pytest.mark.usefixtures("drawn_palms_are_usual")
def test_a_kept_palm_and_its_files_hold_the_prevalence_of_the_screen(palm_screen):
    app = palm_screen
    app.file_uploader[0].upload("kept.png", png(palm()), "image/png")
    app.run().button(key="palm_go").click().run()
    app.toggle(key="palm_research").set_value(True).run()
    app.session_state["palm_tabs_True"] = "Of 1,000 people like this"
    app.run().slider(key="palm_prevalence").set_value(12).run()
    shown = next(m.value for m in app.markdown if m.value.startswith("Where 12 %"))
    app.text_input(key="palm_keep_accession").set_value("PREV-12")
    next(b for b in app.button if b.label == "Keep this palm").click().run()
    assert not app.exception
    # What is set afterwards is of the next palm.
    app.slider(key="palm_prevalence").set_value(80).run()

    who = Person("local user", "local", LOCAL_SUBJECT)
    row = next(r for r in worklist.worklist(review_store(), who) if r.case.accession == "PREV-12")
    contents = gather(review_store(), who, row.case.id)
    call = json.loads(case_json(contents))["pictures"][0]["palm"]
    assert call["prevalence"] == call["read_with"]["prevalence"] == 0.12
    assert f"about **{percent(call['anemia_probability'])}**" in shown
    assert "where 12 % of all people like this have it" in " ".join(
        case_page(contents, Settings()).split()
    )
    app.button(key="palm_clear").click().run()


def test_every_choice_of_a_photo_is_followed(palm_screen):
    for name in ("one", "two", "three"):
        palm_screen.file_uploader[0].upload(f"{name}.png", png(palm()), "image/png")
    app = palm_screen.run().button(key="palm_go").click().run()
    for place in (1, 2, 0, 2):
        app.selectbox(key="palm_front").select_index(place).run()
        assert not app.exception
        assert app.session_state["palm"].front == place
    app.button(key="palm_clear").click().run()


def test_a_photo_that_cannot_be_judged_has_no_figure(palm_screen):
    soft = cv2.GaussianBlur(palm(), (0, 0), 4)
    palm_screen.file_uploader[0].upload("soft.png", png(soft), "image/png")
    app = palm_screen.run().button(key="palm_go").click().run()
    words = " ".join(item.value for item in app.markdown)
    assert "This photo cannot be judged" in words and "out of focus" in words
    assert "of those with such a palm have it" not in words
    assert [tab.label for tab in app.tabs] == ["A better photo", "How good is it"]
    app.button(key="palm_clear").click().run()


def test_the_table_sets_the_model_beside_simpler_ones():
    shipped = registry.live("palm").card_as(PalmCard).evaluation["held_out"]
    row: AurocRow = {"value": 0.6, "low": 0.5, "high": 0.7, "n": 30, "anemic": 9, "blocks": 6}
    plain: PalmFigures = {**shipped, "auroc": row}
    beside: PalmFigures = {**plain, "published_cnn": {**row, "value": 0.55}}
    rows = palm_compared._lines([("One", beside), ("Two", plain)])
    assert rows[2] == "| Hemadesk | 0.60 (0.50 to 0.70) | 0.60 (0.50 to 0.70) |"
    assert not any("CNN" in line for line in rows)  # not measured on both parts: no half a line
    parts = [("One", beside)] * 2
    assert any("CNN (Rizal 2022) | 0.55" in line for line in palm_compared._lines(parts))
    assert len({line.count("|") for line in rows}) == 1


def test_the_drawings_are_whole(monkeypatch):
    from xml.etree import ElementTree

    monkeypatch.setattr(palm_how, "ink", lambda: "#555555")
    monkeypatch.setattr(palm_verdict, "ink", lambda: "#555555")
    ElementTree.fromstring(palm_how._drawing())
    limits = {"clear_below": 0.3, "suspect_from": 0.7}
    card = registry.live("palm").card_as(PalmCard).model_copy(update=limits)
    svg, words = palm_verdict._line(0.6, 0.4, 0.8, card)
    ElementTree.fromstring(svg)
    assert "60%" in words and "40% to 80%" in words
