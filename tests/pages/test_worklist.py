"""The worklist without a browser: heads that sort, and a release rule from its trial to a batch."""

from core.access.people import Person
from core.review.reading.answers import NewAnswer, answer
from core.review.reading.cells import cells
from core.review.record.review_store import review_store
from core.review.signature.signing import sign, versions
from tests.fixtures.screens import opened, press, words

ME = Person("local user", "local", "local")
USUAL = ["segmented_neutrophil"] * 6 + ["lymphocyte"] * 3 + ["monocyte"]


def listed(app):
    text = words(app)
    return sorted(("A-1", "B-2", "C-3"), key=text.index)


def test_a_click_on_a_head_sorts_and_a_second_one_turns_it(own_var, make_case):
    for seed, name in enumerate(("B-2", "C-3", "A-1")):
        make_case(review_store(), USUAL, name, seed=seed)
    app = opened("worklist")
    assert listed(app) == ["B-2", "C-3", "A-1"]
    press(app, "Case")
    assert listed(app) == ["A-1", "B-2", "C-3"]
    press(app, "Case ↓")
    assert listed(app) == ["C-3", "B-2", "A-1"]
    press(app, "received")
    assert listed(app) == ["B-2", "C-3", "A-1"]
    assert app.selectbox(key="work_order").value == "received"


def test_a_rule_is_tried_turned_on_and_signs_a_batch(own_var, make_case, change_settings):
    store = review_store()
    read = make_case(store, USUAL, "A-1", seed=1)
    change_settings(release_trial_cases=1)
    named = [NewAnswer(c.id, c.call.label) for c in cells(store, ME, read.id) if c.call]
    answer(store, ME, read.id, named)
    sign(store, ME, read.id)
    for seed, name in ((2, "B-2"), (3, "C-3")):
        make_case(store, USUAL, name, seed=seed)
    change_settings(release_trial_cases=1)
    app = opened("worklist")
    app.segmented_control(key="work_view").set_value("Release rule").run()
    app.pills(key="release_conditions").set_value(["every cell is sure"]).run()
    assert app.button(key="release_on").disabled
    assert "a rule that releases cases has to ask that nothing is critical" in words(app)
    app.pills(key="release_conditions").set_value(
        ["every cell is sure", "nothing is critical"]
    ).run()
    assert "It would have released 1 of 1 signed cases; all agreed" in words(app)
    press(app, "Turn this rule on")
    assert "Rule 1 is on" in words(app)
    press(app, "Sign 2 cases")
    assert "2 cases signed." in words(app) and "No open case meets the rule." in words(app)
    (signature,) = versions(store, ME, 2)
    assert signature.signed_name == "local user" and signature.snapshot["released"]["rule"] == 1
    press(app, "Turn the rule off")
    assert "No rule is on" in words(app)
