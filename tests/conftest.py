"""What all tests share: a place to write, image sets, a number of threads, both databases."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
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


@pytest.fixture(scope="session")
def known_models(tmp_path_factory):
    """Class -> file of a white-cell model that always says it."""
    from tests.known_models import make_models

    return make_models(tmp_path_factory.mktemp("models"))


# ---- SQLite, and a real PostgreSQL server started for the session ----


def _postgres_programs():
    found = shutil.which("initdb")
    if found:
        return Path(found).parent
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return installed[-1].parent if installed else None


def _unprivileged():
    """Words before a command: PostgreSQL refuses to run as root."""
    if os.getuid() != 0:
        return []
    names = {entry.pw_name for entry in pwd.getpwall()}
    name = "postgres" if "postgres" in names else "nobody"
    return ["runuser", "-u", name, "--"]


@pytest.fixture(scope="session")
def postgres_server():
    """URL of a server of our own, on a socket in a temporary folder; no network port."""
    programs = _postgres_programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed (no initdb on PATH or in /usr/lib/postgresql)")
    prefix = _unprivileged()
    # Not pytest's tmp_path: only root may enter that one, and a socket's path must be short.
    with tempfile.TemporaryDirectory(prefix="hemadesk-pg-") as name:
        folder = Path(name)
        folder.chmod(0o777)

        def run(*command):
            ran = subprocess.run(
                [*prefix, *map(str, command)], capture_output=True, text=True, check=False, cwd="/"
            )
            assert ran.returncode == 0, f"{command[0]}: {ran.stdout}{ran.stderr}"

        run(programs / "initdb", "-D", folder / "data", "-U", "hemadesk", "-A", "trust", "-N")
        options = f"-k {folder} -c listen_addresses= -c fsync=off"
        ctl = [programs / "pg_ctl", "-D", folder / "data", "-w", "-l", folder / "log"]
        run(*ctl, "-o", options, "start")
        try:
            yield f"postgresql://hemadesk@/postgres?host={folder}"
        finally:
            run(*ctl, "-m", "immediate", "stop")


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    """URL of an empty database."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'hemadesk.db'}"
        return
    import psycopg

    server = request.getfixturevalue("postgres_server")
    name = f"test_{abs(hash(str(tmp_path)))}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    yield server.replace("/postgres?", f"/{name}?")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def database(url):
    from core.store.database import Database

    opened = Database(url)
    yield opened
    opened.close()
