"""From a drawn field to a signed and amended case, driven without a browser.

The desk of step 1 is a component of its own and is driven in Chromium (tests/browser).
"""

from __future__ import annotations

import pytest

from core.access.people import Person
from core.imaging import synthetic
from core.inference.batch import Source
from core.models import registry
from core.review.case import cases
from core.review.reading import abnormalities, answers, boxes, remarks
from core.review.reading.answers import NewAnswer
from core.review.reading.cells import cells
from core.review.record.review_store import review_store
from core.review.signature import signing
from core.settings import settings
from core.taxonomy import title
from tests.fixtures.review import the
from tests.fixtures.screens import HUNG_AFTER_S, opened, press, words

ME = Person("local user", "local", "local")


def step(app, name):
    app.session_state["step_1"] = name
    app.run()
    assert not app.exception
    return app


@pytest.fixture
def kept(own_var):
    """The app with one drawn field that was kept in a case."""
    app = opened("analyse_smear")
    # As a photograph: what the program says it drew is kept in no case.
    app.session_state["smear"].begin(
        [Source("field.png", lambda: synthetic.draw(1).field)], registry.smear_models()
    )
    assert app.session_state["smear"].batch.wait(HUNG_AFTER_S)
    app.run()
    app.text_input(key="keep_accession").set_value("no *such* number").run()
    press(app, "Keep 1 field")
    assert "Not kept: an accession number has 1 to 64 letters" in words(app)
    app.text_input(key="keep_accession").set_value("H-1")
    app.text_input(key="keep_pseudonym").set_value("P-9").run()
    press(app, "Keep 1 field")
    assert "1 field kept in case H-1." in words(app)
    return app


def test_an_empty_worklist_says_what_comes_here(own_var):
    app = opened("worklist")
    assert "No case is waiting." in words(app)
    app.switch_page("pages/review.py").run()
    assert "No case is open" in words(app)
    app.switch_page("pages/home.py").run()
    assert "Nothing is waiting" in words(app)


def test_from_a_drawn_field_to_a_signed_and_amended_case(kept):
    app = kept
    stored = cases.case_pictures_of(review_store(), ME, 1)
    shown = app.session_state["smear"].field()
    # The whole picture is kept, not the smaller view of the screen.
    assert [p.source_sha256 for p in stored] == [shown.key[0]]
    assert stored[0].finding().cells == shown.finding.cells

    app.switch_page("pages/worklist.py").run()
    assert "H-1" in words(app) and "P-9" in words(app)
    press(app, "Review")
    assert cases.get(review_store(), ME, 1).assigned_to == "local"

    app.switch_page("pages/review.py").run()
    assert "Case H-1" in words(app)
    white = cells(review_store(), ME, 1)
    assert f"0 of {len(white)} white cell" in words(app)

    # A box is taken away, and counts follow; it comes back.
    step(app, "2 Fields")
    red = cells(review_store(), ME, 1, kind="rbc")
    app.selectbox(key="review_box").set_value(red[0].id).run()
    press(app, "Take it away")
    assert len(cells(review_store(), ME, 1, kind="rbc")) == len(red) - 1
    assert str(len(red) - 1) in [metric.value for metric in app.metric]
    press(app, "Bring it back")
    assert len(cells(review_store(), ME, 1, kind="rbc")) == len(red)
    # One of unknown kind is drawn.
    app.session_state["review_drawn"] = (10.0, 12.0, 60.0, 70.0)
    app.segmented_control(key="review_mode").set_value("Draw a box").run()
    press(app, "Add platelet")
    drawn = [c for c in cells(review_store(), ME, 1, kind="platelet") if c.place is None]
    assert [c.box_xyxy_px for c in drawn] == [(10.0, 12.0, 60.0, 70.0)]
    # A drawn white cell has the model's proposal at once, which one press accepts.
    app.session_state["review_drawn"] = white[0].box_xyxy_px
    app.run()
    press(app, "Add white cell")
    (added,) = [c for c in cells(review_store(), ME, 1) if c.place is None]
    assert "Model: **" in words(app)
    (accept,) = [b.label for b in app.button if b.label.startswith("Accept ")]
    press(app, accept)
    (added,) = [c for c in cells(review_store(), ME, 1) if c.place is None]
    assert title(the(added.label)).lower() == accept.removeprefix("Accept ")
    assert added.call is None
    assert "Model: **" not in words(app)
    app.session_state["review_box"] = added.id
    app.segmented_control(key="review_mode").set_value("Pick a cell").run()
    press(app, "Take it away")
    # A finding is marked with its place, and taken back.
    app.session_state["review_drawn"] = (20.0, 30.0, 60.0, 80.0)
    app.segmented_control(key="review_mode").set_value("Draw a box").run()
    press(app, "Platelet clumps")
    (seen,) = abnormalities.seen_of(review_store(), ME, 1)
    assert (seen.term, seen.box_xyxy_px) == ("platelet_clumps", (20.0, 30.0, 60.0, 80.0))
    press(app, "Platelet clumps at 20, 30: not there")
    assert abnormalities.seen_of(review_store(), ME, 1) == []

    step(app, "3 Red cells and platelets")
    assert "0 of 22 terms graded" in words(app)
    press(app, "Grade the rest as normal")
    assert "22 of 22 terms graded" in words(app)

    # No cell was reviewed: it cannot be signed without a reason.
    step(app, "4 Sign")
    assert f"{len(white)} white cell" in words(app) and "not reviewed" in words(app)
    assert app.button(key="sign").disabled
    app.text_area[0].set_value("Thick smear.")
    press(app, "Add comment")
    assert [r.text for r in remarks.remarks_of(review_store(), ME, 1)] == ["Thick smear."]
    # Its author changes the words; and takes another comment back.
    (said,) = remarks.remarks_of(review_store(), ME, 1)
    app.text_area(key=f"comment_text_{said.id}_1").set_value("Thick smear, field 1.")
    press(app, "Save")
    assert "Thick smear, field 1." in words(app)
    other = remarks.remark(review_store(), ME, 1, "written twice")
    app.run()
    labels = [n for n, b in enumerate(app.button) if b.label == "Take it back"]
    app.button[labels[-1]].click().run()
    assert [r.text for r in remarks.remarks_of(review_store(), ME, 1)] == ["Thick smear, field 1."]
    assert other.text not in words(app)
    app.text_input(key="sign_reason").set_value("a drawn field").run()
    app.button(key="sign").click().run()
    app.button(key="sign_now").click().run()
    assert not app.exception
    assert "Signed, version 1" in words(app) and "a drawn field" in words(app)
    app.text_input(key="amend_reason").set_value("a cell was missed")
    press(app, "Open a new version")
    assert cases.get(review_store(), ME, 1).version == 2
    assert [s.version for s in signing.versions(review_store(), ME, 1)] == [1]
    step(app, "4 Sign")
    assert "Version 1: signed by local user" in words(app)
    # What stood under a signature is changed no more.
    assert "Take it back" not in [button.label for button in app.button]


def test_the_lists_of_cells_open_a_cell_in_its_case(kept):
    app = kept.switch_page("pages/worklist.py").run()
    app.segmented_control(key="work_view").set_value("Worth a second look").run()
    assert "No verified label looks wrong." in words(app)
    app.segmented_control(key="work_view").set_value("To label next").run()
    assert not app.exception
    waiting = {c.id for c in cells(review_store(), ME, 1) if not c.blind}
    shown = {int((b.key or "").removeprefix("label_next_")) for b in app.button if b.key}
    assert shown == waiting and "H-1" in words(app)
    number = max(waiting)
    app.button(key=f"label_next_{number}").click().run()
    assert not app.exception
    assert "Case H-1" in words(app)
    assert app.session_state["review_jump"]["cell"] == number
    assert app.session_state["review_opened_at_cell"] == 1
    # A colleague's link opens the case at its cell.
    app.query_params["case"], app.query_params["cell"] = "1", str(min(waiting))
    app.switch_page("pages/review.py").run()
    assert app.session_state["review_jump"]["cell"] == min(waiting) and not app.exception
    # A scanner types a whole number: the case opens. Part of one only narrows the list.
    app.switch_page("pages/worklist.py").run()
    app.segmented_control(key="work_view").set_value("Turnaround").run()
    assert "No case was signed in this time." in words(app)
    app.segmented_control(key="work_view").set_value("Release rule").run()
    assert "It would have released 0 of 0 signed cases." in words(app)
    app.segmented_control(key="work_view").set_value("Cases").run()
    app.text_input(key="work_search").set_value("H-").run()
    assert "H-1" in words(app) and not app.exception
    app.text_input(key="work_search").set_value("h-1").run()
    assert not app.exception and "Case H-1" in words(app)


def test_nucleated_red_cells_correct_an_analysers_count(kept):
    """By hand: 1 to 1 white cell is 100 per 100, so half of the analyser's cells are left."""
    app = kept
    picture = cells(review_store(), ME, 1)[0].picture_id
    boxes.add_box(review_store(), ME, 1, picture, "wbc", (10.0, 12.0, 60.0, 70.0))
    found = sorted(cells(review_store(), ME, 1), key=lambda cell: cell.id)
    said = ["erythroblast", "lymphocyte", *["unidentified"] * (len(found) - 2)]
    given = [NewAnswer(c.id, label) for c, label in zip(found, said, strict=True)]
    answers.answer(review_store(), ME, 1, given)
    app.session_state["review_case"] = 1
    app.switch_page("pages/review.py").run()
    step(app, "4 Sign")
    assert "100.0 per 100 white cells" in words(app)
    app.number_input(key="analyser_wbc_1").set_value(20_000).run()
    assert "Corrected: **10,000 per" in words(app)


def test_a_viewer_opens_a_case_and_cannot_review_it(kept, monkeypatch):
    monkeypatch.setattr(settings(), "local_role", "viewer")
    app = kept.switch_page("pages/worklist.py").run()
    assert "H-1" in words(app)
    heads = [button for button in app.button if str(button.key).startswith("sort_")]
    assert [b.label for b in app.button if b not in heads] == ["Open"]
