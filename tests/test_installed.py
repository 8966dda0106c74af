"""``pip install .``: a wheel of the folder, and the command hemadesk as ``python -m core``."""

import os
import shutil
import subprocess
import sys

import pytest
from typer.testing import CliRunner

import core
from core.cli import app
from tests.fixtures.paths import ROOT

PARTS = ("core", "pages", "packaging", ".streamlit")
FILES = ("app.py", "setup.py", "pyproject.toml", "README.md", "LICENSE", "requirements.txt")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder into which the wheel is installed, without what it requires."""
    source = tmp_path_factory.mktemp("source")
    for part in PARTS:
        shutil.copytree(ROOT / part, source / part, ignore=shutil.ignore_patterns("__pycache__"))
    for name in FILES:
        shutil.copy(ROOT / name, source / name)
    (source / "weights").symlink_to(ROOT / "weights")
    wheels, target = tmp_path_factory.mktemp("wheels"), tmp_path_factory.mktemp("site")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    build = ["wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(wheels), "."]
    subprocess.run([*pip, *build], cwd=source, check=True)
    (wheel,) = wheels.glob("hemadesk-*.whl")
    subprocess.run([*pip, "install", "--no-deps", "--target", str(target), str(wheel)], check=True)
    return target


def test_the_command_answers_as_the_folder_does(site, tmp_path):
    def run(*arguments):
        kept = {n: v for n, v in os.environ.items() if not n.startswith("HEMADESK_")}
        ran = subprocess.run(
            [sys.executable, str(site / "bin" / "hemadesk"), *arguments],
            env={**kept, "PYTHONPATH": str(site), "HOME": str(tmp_path / "home")},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        )
        return ran.stdout

    assert run("--version") == f"hemadesk {core.__version__}\n"
    assert run("weights") == CliRunner().invoke(app, ["weights"]).output
    assert not list(site.rglob("var"))  # what is written goes into the user's own folder
