"""Each screen on which a model answers says whether this laboratory has accepted it."""

from __future__ import annotations

import pytest

from core.access.people import Person
from core.imaging import synthetic
from core.inference.batch import Source
from core.models import registry
from core.review.acceptance import records
from core.review.acceptance.limits import Limit
from core.review.acceptance.measured import Measured
from core.review.acceptance.status import in_review_store, models_of
from core.review.case import cases
from core.review.record.review_store import review_store
from tests.fixtures.screens import HUNG_AFTER_S, opened, words

ME = Person("local user", "local", "local")


def sign(accuracy):
    """An acceptance of the live pair, whose limit an accuracy below 0.9 does not meet."""
    live = {task: registry.live(task).identity for task in ("locator", "wbc")}
    measured = Measured(
        live, 1, 1, 1, 0, (), (),
        {"accuracy": {"value": accuracy, "low": accuracy, "high": accuracy, "n": 9}}, (), {}, {},
    )  # fmt: skip
    records.sign(review_store(), ME, "Giemsa", measured, [Limit("accuracy", "at least", 0.9)])


@pytest.fixture
def analysed(own_var):
    """Analyse smear with one field on show, as a photograph."""
    app = opened("analyse_smear")
    app.session_state["smear"].begin(
        [Source("field.png", lambda: synthetic.draw(1).field)], registry.smear_models()
    )
    assert app.session_state["smear"].batch.wait(HUNG_AFTER_S)
    return app.run()


def test_analyse_and_review_say_it_of_the_models_that_answered(analysed):
    assert "not accepted by this laboratory yet" in words(analysed)
    assert "badge[not accepted here]" not in words(analysed), "never used: a quiet line, no badge"
    session = analysed.session_state["smear"]
    case = cases.create(review_store(), ME, "A-1")
    cases.keep_field(review_store(), ME, case.id, synthetic.draw(1).field, session.field().finding)

    def review():
        app = opened()
        app.session_state["review_case"] = case.id
        app.switch_page("pages/review.py").run()
        assert not app.exception
        return words(app)

    assert "Models of the smear: not accepted by this laboratory yet" in review()
    sign(0.5)
    for said in (words(analysed.run()), review()):
        assert "red-badge[failed here]" in said and "failed the lab acceptance" in said
    sign(0.95)
    for said in (words(analysed.run()), review(), words(opened())):
        assert "failed here" not in said and "accepted by this laboratory on" in said


def test_models_of_which_others_were_accepted_are_marked(analysed):
    sign(0.95)
    other = "wbc@00000000"
    found = analysed.session_state["smear"].field().finding
    now = in_review_store().of(models_of(found) | {"wbc": other})
    assert (now.status, now.is_quiet) == ("not_accepted_here", False)
    assert in_review_store().of_finding(found).status == "accepted"
