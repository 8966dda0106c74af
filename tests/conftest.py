"""Settings of the whole test run. The fixtures lie in ``tests/fixtures``, loaded as plugins."""

from __future__ import annotations

import os
import tempfile

import hypothesis
import pytest
from xdist.scheduler import LoadScopeScheduling

# Read by torch and its libraries when they are first imported, here and in child processes. Where
# several processes share the tests, each has one core to itself.
os.environ["OMP_NUM_THREADS"] = "1" if "PYTEST_XDIST_WORKER" in os.environ else "2"

# Runs, caches and databases go to a folder that is removed after the session. Set before anything
# of core is imported (the plugins below import it): the settings are read once and cached.
_var = tempfile.TemporaryDirectory(prefix="hemadesk-tests-")
os.environ["HEMADESK_VAR"] = _var.name

# What can be made again is shared by the processes of the session: the controlling process makes
# the folder, the others inherit its name.
_cache = None
if "PYTEST_XDIST_WORKER" not in os.environ:
    _cache = tempfile.TemporaryDirectory(prefix="hemadesk-tests-cache-")
    os.environ["HEMADESK_CACHE"] = _cache.name

# A shared build machine stalls now and then; a slow example is no failure.
hypothesis.settings.register_profile("hemadesk", deadline=None, print_blob=True)
hypothesis.settings.load_profile("hemadesk")

pytest_plugins = [
    "tests.fixtures.browser",
    "tests.fixtures.cells",
    "tests.fixtures.databases",
    "tests.fixtures.file_server",
    "tests.fixtures.image_sets",
    "tests.fixtures.installations",
    "tests.fixtures.laboratories",
    "tests.fixtures.models",
    "tests.fixtures.review",
    "tests.fixtures.signed_cases",
]


def pytest_unconfigure() -> None:
    """Removes what the tests wrote."""
    _var.cleanup()
    if _cache is not None:
        _cache.cleanup()


_LONG = ("browser", "training", "pages", "studies")


def _place(item: pytest.Item) -> int:
    """Folders that take long come first, so that no process ends long after the others."""
    folder = item.path.relative_to(item.config.rootpath).parts[1]
    return _LONG.index(folder) if folder in _LONG else len(_LONG)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks the users of ``data_dir`` as ``data``, and brings the tests into their order."""
    for item in items:
        if "data_dir" in getattr(item, "fixturenames", ()):
            item.add_marker("data")
    items.sort(key=_place)


class _ByFile(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """Gives whole files to the processes, for fixtures are made once a file.

    All browser tests go to one process: they share a server, and Chromium takes the other core.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.split("::", 1)[0]
        return "browser" if "/browser/" in file else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> LoadScopeScheduling:
    config.option.loadscopereorder = False  # the order is that of _place
    return _ByFile(config, log)
