"""The screen Models, driven without a browser; comparisons run in processes of their own."""

from __future__ import annotations

import time
from pathlib import Path

from core.jobs import job
from core.models import registry
from core.review.reading import answers, cells
from core.review.reading.answers import NewAnswer
from core.review.record.review_store import review_store
from core.review.signature import signing
from core.settings import settings
from core.training.promote import comparisons
from core.training.white_cells.adaptation import adaptations
from tests.fixtures.models import ADA, finished_run
from tests.fixtures.review import the
from tests.fixtures.screens import HUNG_AFTER_S, opened, words


def _button(app, label):
    return next((b for b in app.button if b.label == label), None)


def _compared(app, run):
    """Press the button; then another session, as after closing the browser."""
    app.button(key="compare").click().run()
    assert not app.exception
    deadline = time.monotonic() + HUNG_AFTER_S
    while (asked := comparisons.latest(run)) is None or asked.state == "running":
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return opened("models")


def test_the_screen_promotes_and_rolls_back(site, known_models):
    shipped = registry.live("wbc").identity
    run = finished_run(known_models, "lymphocyte", site, lymphocyte=20)
    app = opened("models")
    assert "has been live since this was installed" in words(app)
    app = _compared(app, run)
    assert "Nothing in the evidence speaks against it" in words(app)
    assert "difference +100.0 points" in words(app)
    _button(app, "Make it the live model").click().run()
    assert "a reason is needed" in words(app)
    app.text_input(key="promote_reason").input("sees our lymphocytes")
    _button(app, "Make it the live model").click().run()
    assert not app.exception
    assert f"{Path(str(run.model_path)).stem}@" in words(app)
    assert registry.live("wbc").identity != shipped
    # There is nothing to promote any more.
    assert "This challenger is the live model now" in words(app)
    assert not any("live model" in button.label for button in app.button)
    assert _button(app, "Make it the live model") is None
    app.text_input(key="roll_back_reason_wbc").input("only a trial")
    _button(app, "Roll back now").click().run()
    assert "is live again" in words(app)
    assert registry.live("wbc").identity == shipped


def test_the_screen_says_why_a_challenger_stays_out(site, known_models):
    run = finished_run(known_models, "lymphocyte", site, lymphocyte=8, monocyte=5)
    app = _compared(opened("models"), run)
    assert "It cannot go live: it has not shown to be better on our cells" in words(app)
    assert _button(app, "Make it the live model") is None


def test_while_it_is_made_it_can_be_stopped(site, known_models):
    run = finished_run(known_models, "lymphocyte", site, lymphocyte=20)
    folder, lock = comparisons.begin_here(run, ADA)
    app = opened("models")
    assert "It goes on when this page is closed" in words(app)
    assert _button(app, "Compare on the locked test sets") is None
    app.button(key="stop_comparing").click().run()
    assert job.read(folder).stopping
    lock.close()
    assert "was lost: its process died" in words(opened("models"))


def test_who_may_only_look_compares_nothing(site, known_models, monkeypatch):
    finished_run(known_models, "lymphocyte", site, lymphocyte=2)
    monkeypatch.setenv("HEMADESK_LOCAL_ROLE", "viewer")
    settings.cache_clear()
    app = opened("models")
    assert _button(app, "Compare on the locked test sets") is None
    assert "Comparing takes the role trainer" in words(app)


def _sign(store, person, case):
    found = cells.cells(store, person, case.id)
    answers.answer(store, person, case.id, [NewAnswer(c.id, the(c.call).label, 0) for c in found])
    signing.sign(store, person, case.id, "for the test")


def test_signed_cells_are_offered_once_they_are_enough(site, people, make_case):
    store = review_store()
    _sign(store, people.pathologist, make_case(store, ["lymphocyte", "monocyte"], "A-0"))
    app = opened("models")
    said = [line for line in words(app).splitlines() if "erified" in line or "Signed cases" in line]
    assert said == [
        "2 verified white cells of 1 signed case: lymphocyte 1, monocyte 1. "
        "Adapting takes at least twenty, two of each of two classes."
    ]
    assert _button(app, "Adapt to these 20 cells") is None
    for n in range(1, 10):
        case = make_case(store, ["lymphocyte", "monocyte"], f"A-{n}", seed=n)
        _sign(store, people.pathologist, case)
    _button(opened("models"), "Adapt to these 20 cells").click().run()
    deadline = time.monotonic() + HUNG_AFTER_S
    while (last := adaptations.latest()) is None or last.state == "running":
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert "has no stored cells to keep its knowledge with" in words(opened("models"))


def test_what_came_of_an_adaptation_is_found_by_another_session(site):
    app = opened("models")
    app.text_input(key="adapt_folder").input("/nowhere/at/all")
    _button(app, "Adapt").click().run()
    assert not app.exception
    deadline = time.monotonic() + HUNG_AFTER_S
    while (last := adaptations.latest()) is None or last.state == "running":
        assert time.monotonic() < deadline
        time.sleep(0.1)
    # The models here were never characterised, so there is nothing to keep their knowledge with.
    assert "has no stored cells to keep its knowledge with" in words(opened("models"))
