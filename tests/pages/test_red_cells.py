"""Shapes of red cells on Analyse: shown where the model is there, and nothing where it is not."""

from __future__ import annotations

import pytest

from core.access.people import Person
from core.inference.batch import AnalysedField
from core.inference.smear import analyse
from core.review.case import cases
from core.review.reading.cells import cells
from core.review.reading.red_cells.shapes import NewShape, give_shapes
from core.review.record.review_store import review_store
from core.review.signature.signing import finish_reading
from core.slide.red_cells.summary import red_cells_of
from pages.parts.smear import field_shapes, red_cells_tab
from pages.parts.smear.field_view import figure
from tests.fixtures.red_cells import shape_of, shaped_finding, with_shapes
from tests.fixtures.review import field_of, the
from tests.fixtures.screens import opened, wait_for_batch, words


@pytest.fixture
def shaped(monkeypatch):
    """An analysis names a teardrop cell among normal ones, and one that lies on another."""
    shapes = [shape_of("normal"), shape_of("teardrop"), shape_of("", "overlapped")]

    def with_model(field, models):
        return with_shapes(analyse(field, models), shapes)

    monkeypatch.setattr("core.inference.batch.analyse", with_model)


@pytest.fixture
def two_readers(own_var):
    """A case in which two readers called one red cell differently, and another alike."""
    store = review_store()
    one, two = Person("local user", "local", "local"), Person("Petra", "local", "petra")
    made = cases.create(store, one, "R-1", pseudonym="P-9")
    field = field_of(1, 400, 400)
    finding = shaped_finding([shape_of("normal")] * 9, field.name, 400, 400)
    cases.keep_field(store, one, made.id, field, finding)
    first, second = sorted(c.id for c in cells(store, one, made.id, kind="rbc"))[:2]
    for who, shape in ((one, "teardrop"), (two, "schistocyte")):
        given = [NewShape(first, shape), NewShape(second, "teardrop")]
        give_shapes(store, who, made.id, given)
        finish_reading(store, who, made.id)


def analysed():
    app = opened("analyse_smear")
    app.button(key="synthetic").click().run()
    return wait_for_batch(app)


def test_without_the_model_the_screen_is_as_before():
    app = analysed()
    assert not app.exception
    assert [tab.label for tab in app.tabs] == [
        "White cells", "Differential", "Blood count", "Fields", "Why"
    ]  # fmt: skip
    assert not app.toggle


def test_with_it_there_is_a_tab_and_a_switch_with_a_filter(shaped):
    app = analysed()
    assert "Red cells" in [tab.label for tab in app.tabs]
    (switch,) = [one for one in app.toggle if one.label == "Colour by shape"]
    switch.set_value(True).run()
    assert not app.exception
    (chosen,) = [one for one in app.multiselect if one.label == "Shapes shown"]
    assert chosen.options == ["Normal", "Teardrop cell", "Not judged"]
    app.session_state["tabs"] = "Red cells"
    app.run()
    assert not app.exception
    said = words(app)
    assert "overlapped by another cell" in said and "too few" in said
    assert "a qualified person decides" in said
    odd = {one.label for one in app.button if one.key.startswith("odd-")}
    assert odd == {"Teardrop cell 80 %"}


def test_only_the_chosen_shapes_are_drawn_each_with_its_letter():
    cells = [shape_of("normal"), shape_of("teardrop"), shape_of("schistocyte"), None]
    finding = shaped_finding(cells)

    shown_field = AnalysedField(("a",), finding, b"\xff\xd8", b"", ())

    def names(shown):
        drawing = figure(shown_field, finding, None, shown)
        texts = {t for trace in drawing.data if trace.mode == "text" for t in trace.text}
        return [trace.name for trace in drawing.data if trace.showlegend], texts

    entries, texts = names(frozenset(["teardrop", "normal"]))
    assert [name for name in entries if name.split()[0] in ("Normal", "Teardrop")] == [
        "Normal 1", "Teardrop cell 1"
    ]  # fmt: skip
    assert texts == {"<b>D</b>"}
    assert "Red cells 4" in names(None)[0]
    assert field_shapes.hover_line(finding.cells[1]) == "Teardrop cell 80 %"
    assert field_shapes.hover_line(finding.cells[3]) == ""


def test_the_table_says_too_few_until_there_are_enough():
    few = the(red_cells_of([shaped_finding([shape_of("normal")] * 9 + [shape_of("teardrop")])]))
    rows = red_cells_tab.table(few).set_index("Shape")
    assert rows.loc["Teardrop cell", "Proposed grade"] == "too few cells"
    assert rows.loc["Normal", "Proposed grade"] == ""
    many = shaped_finding([shape_of("normal")] * 950 + [shape_of("teardrop")] * 50)
    rows = red_cells_tab.table(the(red_cells_of([many]))).set_index("Shape")
    # 3.7 to 6.5 %: the interval crosses the limit of 5 %.
    assert rows.loc["Teardrop cell", "Proposed grade"] == "2 moderate (0 to 2)"
    assert rows.loc["Teardrop cell", "Share (95 %)"] == "5.0 % (3.7 to 6.5)"


def test_cells_that_two_readers_called_differently_are_offered_in_review(two_readers):
    app = opened("review")
    app.query_params["case"] = "1"
    app.session_state["step_1"] = "3 Red cells and platelets"
    app.run()
    assert not app.exception
    (press,) = [one for one in app.button if one.key == "shape_cells_differing"]
    assert press.label == "1 cell to which the readers gave different shapes"
    press.click().run()
    assert not app.exception
    assert "gave different shapes" in words(app)
    app.button(key="shape_grid_close").click().run()
    assert not [one for one in app.button if one.key == "shape_grid_close"]
