"""The drawing in docs/architecture.md shows the imports between packages, no more and no fewer."""

import re

from tests.fixtures.paths import ROOT
from tests.test_project import imports_of_modules

Graph = dict[str, set[str]]

ROOMS = {
    "core": "cli",  # core/__main__.py, core/cli.py and core/installation.py
    "__main__": "cli",
    "commands": "cli",
    "installation": "cli",
    "taxonomy": "records",
    "site_classes": "records",
    "settings": "records",
    "log_file": "records",
    "files": "records",
}
"""What has no box of its own in the drawing -> the box that stands for it."""


def drawn(text: str) -> Graph:
    """Box -> boxes that its arrows point to."""
    block = text.partition("```mermaid")[2].partition("```")[0]
    arrows: Graph = {}
    for line in block.splitlines():
        if (found := re.match(r"\s+(\w+)\[.*?\](?: --> (.*))?$", line)) is not None:
            arrows[found[1]] = set((found[2] or "").split(" & ")) - {""}
    return arrows


def imported() -> Graph:
    """Box -> other boxes whose code it imports."""

    def box(module: str) -> str:
        top, _, rest = module.partition(".")
        room = rest.partition(".")[0] or top
        return "pages" if top == "pages" else ROOMS.get(room, room)

    found: Graph = {}
    for module, targets in imports_of_modules().items():
        found.setdefault(box(module), set()).update(map(box, targets))
    return {name: targets - {name} for name, targets in found.items()}


def reached(graph: Graph, start: str) -> set[str]:
    """Everything below ``start``, directly or through others."""
    return graph[start] | {far for near in graph[start] for far in reached(graph, near)}


ARCHITECTURE = drawn((ROOT / "docs" / "architecture.md").read_text())


def test_every_package_has_a_box() -> None:
    assert ARCHITECTURE.keys() == imported().keys()


def test_every_arrow_is_an_import() -> None:
    imports = imported()
    untrue = {name: arrows - imports[name] for name, arrows in ARCHITECTURE.items()}
    assert not {name: arrows for name, arrows in untrue.items() if arrows}


def test_every_import_follows_from_the_arrows() -> None:
    hidden = {name: found - reached(ARCHITECTURE, name) for name, found in imported().items()}
    assert not {name: found for name, found in hidden.items() if found}


def test_an_arrow_that_follows_from_others_is_left_out() -> None:
    needless = {
        (name, arrow)
        for name, arrows in ARCHITECTURE.items()
        for arrow in arrows
        if any(arrow in reached(ARCHITECTURE, other) for other in arrows - {arrow})
    }
    assert not needless
