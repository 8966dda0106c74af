"""What all tests share: a place to write, the public image sets, a fixed number of threads."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import hypothesis
import pytest

# Read by torch and its libraries when they are first imported, here and in child processes.
os.environ["OMP_NUM_THREADS"] = "2"

# A shared build machine stalls now and then; a slow example is no failure.
hypothesis.settings.register_profile("hemadesk", deadline=None, print_blob=True)
hypothesis.settings.load_profile("hemadesk")

_written = pytest.StashKey[tempfile.TemporaryDirectory[str]]()


def pytest_configure(config: pytest.Config) -> None:
    """Sends runs, caches and databases to a folder that goes with the session.

    Here and not in a fixture: modules read the settings when they are imported, at collection.
    """
    folder = tempfile.TemporaryDirectory(prefix="hemadesk-tests-")
    config.stash[_written] = folder
    os.environ["HEMADESK_VAR"] = folder.name


def pytest_unconfigure(config: pytest.Config) -> None:
    """Removes what the tests wrote."""
    if _written in config.stash:
        config.stash[_written].cleanup()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks the users of ``data_dir`` as ``data``; the browser comes last, since it is slowest."""
    for item in items:
        if "data_dir" in getattr(item, "fixturenames", ()):
            item.add_marker("data")
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skips what is marked ``data`` where there is none."""
    if item.get_closest_marker("data"):
        _image_sets()


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of the public image sets, ``cbc/``, ``txl/``, ``pbc/`` and so on."""
    return _image_sets()


def _image_sets() -> Path:
    from core.settings import settings

    folder = settings().data
    if not folder.is_dir():
        pytest.skip(f"no public image sets in {folder}; HEMADESK_DATA names their folder")
    return folder
