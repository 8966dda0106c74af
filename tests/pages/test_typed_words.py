"""What a person types is shown as typed on every page: no HTML, Markdown, link or formula."""

from __future__ import annotations

import pytest
from google.protobuf.json_format import MessageToDict  # type: ignore[import-untyped]

from core.review.record.review_store import review_store
from core.settings import settings
from tests.fixtures.hostile import HOSTILE, fill
from tests.fixtures.screens import opened

_MARKDOWN = ("body", "label", "help", "caption", "captions", "text", "title", "placeholder")
"""Values of Streamlit's elements in which it reads Markdown."""


def _shown_as_markdown(node):
    """Texts of an element and below it that are read as Markdown, or (True) as HTML."""
    proto = getattr(node, "proto", None)
    if proto is not None and hasattr(proto, "DESCRIPTOR"):
        for name, value in MessageToDict(proto, preserving_proto_field_name=True).items():
            if name in _MARKDOWN:
                texts = [value] if isinstance(value, str) else map(str, value)
                yield from ((text, node.type == "html") for text in texts)
    for child in getattr(node, "children", {}).values():
        yield from _shown_as_markdown(child)


@pytest.fixture
def site(own_var, monkeypatch):
    """An installation in which every field that a person can fill holds the hostile words."""
    store = review_store()
    monkeypatch.setattr(settings(), "keep_file_names", True)
    monkeypatch.setattr(settings(), "laboratory", HOSTILE[:120])
    return fill(store)


def _check(app, where):
    assert not app.exception
    for text, is_html in _shown_as_markdown(app._tree):
        assert "<img src=x" not in text.replace("\\<", ""), f"{where}: {text}"
        if is_html:  # the rest is no more than letters there
            continue
        for raw in ("**b**", "[c](http", ":red[x]", "$x^2$", "`d`"):
            assert raw not in text, f"{where}: {text}"


@pytest.mark.parametrize(
    "screen", ["home", "worklist", "agreement", "models", "settings", "acquaintance"]
)
def test_a_page_shows_it_as_it_was_typed(site, screen):
    _check(opened(screen), screen)


def test_each_step_of_the_review_does(site):
    app = opened("review")
    for number in (1, 2):
        app.query_params["case"] = str(number)
        app.run()
        for step in ("1 Cells", "2 Fields", "3 Red cells and platelets", "4 Sign"):
            app.session_state[f"step_{number}"] = step
            app.run()
            _check(app, f"{step} of case {number}")


def test_the_check_finds_what_it_looks_for():
    from streamlit.testing.v1 import AppTest

    for script in (
        f"import streamlit as st; st.markdown({HOSTILE!r})",
        f"import streamlit as st; st.checkbox({HOSTILE!r})",
        f"import streamlit as st; st.error('bad: ' + {HOSTILE!r})",
    ):
        with pytest.raises(AssertionError):
            _check(AppTest.from_string(script).run(), "script")
