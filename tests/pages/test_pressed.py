"""A press is kept until the page has acted on it, and no page asks a button in one run only."""

from __future__ import annotations

import ast

import pytest
from streamlit.testing.v1 import AppTest

from tests.fixtures.paths import ROOT

PAGES = sorted((ROOT / "pages").rglob("*.py"))

OF_ONE_RUN = {"button", "form_submit_button"}


def _used(tree: ast.AST) -> list[int]:
    """Lines where the value of a button, true in one run only, is used."""
    dropped = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    return [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in OF_ONE_RUN
        and id(node) not in dropped
    ]


@pytest.mark.parametrize("line", ["if st.button('a'): pass", "x = st.form_submit_button('a')"])
def test_the_check_finds_what_it_looks_for(line: str) -> None:
    assert _used(ast.parse(line)) == [1]


def test_no_action_hangs_on_the_run_in_which_a_button_was_pressed() -> None:
    # Another request of the browser interrupts that run, and the press would be gone.
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in PAGES
        for line in _used(ast.parse(path.read_text()))
    ]
    assert found == []


def _counting() -> None:
    import streamlit as st

    from pages.parts import pressed

    pressed.enter_page(st.session_state.get("at", "first"))
    st.button("Start", key="start", on_click=pressed.keep, args=("start",))
    if st.session_state.get("interrupted"):
        # As a second request does that comes before the page knows what to start with.
        st.session_state["interrupted"] = False
        st.stop()
    if pressed.take("start"):
        st.session_state["started"] = st.session_state.get("started", 0) + 1


def test_a_press_outlasts_an_interrupted_run_and_is_acted_on_once() -> None:
    app = AppTest.from_function(_counting).run()
    app.session_state["interrupted"] = True
    app.button(key="start").click().run()
    assert "started" not in app.session_state
    app.run()
    assert app.session_state["started"] == 1
    app.run()
    assert app.session_state["started"] == 1


def test_a_press_is_forgotten_when_the_page_is_left() -> None:
    app = AppTest.from_function(_counting).run()
    app.session_state["interrupted"] = True
    app.button(key="start").click().run()
    app.session_state["at"] = "second"
    app.run()
    assert "started" not in app.session_state
