"""What a person types is shown as typed on every page: no HTML, Markdown, link or formula."""

from __future__ import annotations

import pytest
from google.protobuf.json_format import MessageToDict  # type: ignore[import-untyped]

from core.access.people import Person
from core.review.case import cases, lifecycle
from core.review.reading import remarks
from core.review.record import roster
from core.review.record.review_store import review_store
from core.settings import settings
from tests.fixtures.review import call_of, field_of, finding_of
from tests.fixtures.screens import opened

ME = Person("local user", "local", "local")
HOSTILE = "<img src=x onerror=alert(1)> **b** [c](http://evil.example) :red[x] $x^2$ `d`"
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
    case = cases.create(
        store, ME, "A-1", pseudonym=HOSTILE[:64], pseudonym_confirmed=True, indication=HOSTILE
    )
    field = field_of(1, name=f"{HOSTILE}.png")
    finding = finding_of(field, [call_of("blast"), call_of("monocyte")])
    kept = cases.keep_field(store, ME, case.id, field, finding, slide=HOSTILE[:64])
    remarks.remark(store, ME, case.id, HOSTILE)
    remarks.remark(store, ME, case.id, HOSTILE, picture_id=kept.id)
    other = cases.create(store, ME, "A-2", indication=HOSTILE)
    lifecycle.cancel(store, ME, other.id, HOSTILE)
    roster.add(store, ME, subject="eve", name=HOSTILE[:120], role="pathologist")
    return case


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
