"""Each test of the store runs on SQLite and on a real PostgreSQL server started for the session."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from core.store.database import Database


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
    opened = Database(url)
    yield opened
    opened.close()
