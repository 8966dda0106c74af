"""Whatever stands in an address, a page opens or says in a sentence what is wrong with it."""

from __future__ import annotations

import ast

import pytest

from tests.fixtures.paths import ROOT
from tests.fixtures.screens import opened, words

PAGES = sorted(path.stem for path in (ROOT / "pages").glob("*.py"))
VALUES = (
    "99999999999999999999",
    "9" * 5000,
    "-1",
    "0",
    "1.5",
    "१२",
    "",
    " ",
    "null",
    "<b>:red[x]</b>",
    "../../etc/passwd",
    "x" * 20_000,
    "a\x00b",
    "'; drop table cases; --",
)


def _read() -> set[str]:
    """The names of all values that some page reads from its address."""
    names = set()
    for path in (ROOT / "pages").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            where = None
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                if node.func.attr == "get" and node.args:
                    where, name = node.func.value, node.args[0]
            elif isinstance(node, ast.Subscript):
                where, name = node.value, node.slice
            if isinstance(where, ast.Attribute) and where.attr == "query_params":
                assert isinstance(name, ast.Constant)
                names.add(str(name.value))
    return names


NAMES = ("case", "cell", "challenger", "run")


def test_these_are_the_names_that_pages_read() -> None:
    assert sorted(_read()) == sorted(NAMES)


@pytest.mark.parametrize("page", PAGES)
def test_no_value_of_an_address_breaks_a_page(page: str) -> None:
    app = opened(page)
    for name in NAMES:
        for value in VALUES:
            app.query_params[name] = value
            app.run()
            assert not app.exception, (name, value[:40])
            assert "Traceback" not in words(app)
        del app.query_params[name]


@pytest.mark.parametrize("value", VALUES)
def test_review_says_that_there_is_no_such_case(value: str) -> None:
    app = opened("review")
    app.query_params["case"] = value
    app.run()
    assert not app.exception
    if value:
        assert "There is no case" in words(app)
    # And what to do instead: choose one that is open, or analyse a smear where none is.
    shown = words(app)
    assert "Choose a case" in shown or "Here the cells of a case are looked at" in shown
