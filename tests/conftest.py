"""Settings of the whole test run. The fixtures lie in ``tests/fixtures``, loaded as plugins."""

from __future__ import annotations

import os
import tempfile

import hypothesis
import pytest

# Read by torch and its libraries when they are first imported, here and in child processes.
os.environ["OMP_NUM_THREADS"] = "2"

# Runs, caches and databases go to a folder that is removed after the session. Set before anything
# of core is imported (the plugins below import it): the settings are read once and cached.
_var = tempfile.TemporaryDirectory(prefix="hemadesk-tests-")
os.environ["HEMADESK_VAR"] = _var.name

# A shared build machine stalls now and then; a slow example is no failure.
hypothesis.settings.register_profile("hemadesk", deadline=None, print_blob=True)
hypothesis.settings.load_profile("hemadesk")

pytest_plugins = [
    "tests.fixtures.browser",
    "tests.fixtures.cells",
    "tests.fixtures.databases",
    "tests.fixtures.image_sets",
    "tests.fixtures.installations",
    "tests.fixtures.models",
    "tests.fixtures.review",
    "tests.fixtures.signed_cases",
]


def pytest_unconfigure() -> None:
    """Removes what the tests wrote."""
    _var.cleanup()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks the users of ``data_dir`` as ``data``; the browser comes last, since it is slowest."""
    for item in items:
        if "data_dir" in getattr(item, "fixturenames", ()):
            item.add_marker("data")
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)
