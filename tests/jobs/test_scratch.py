"""What a process needs while it lives goes with it, and nobody else can read the installation."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from core import files
from core.inference.originals import Originals
from core.installation import _var_is_private
from core.jobs import scratch
from tests.fixtures.paths import ROOT
from tests.fixtures.review import field_of

OLD = 10 * 24 * 3600


def aged(path: Path) -> None:
    then = path.stat().st_mtime - OLD
    os.utime(path, (then, then))


KILLED = """
import os, sys
from pathlib import Path
from core.inference.originals import Originals
from tests.fixtures.review import field_of
kept = Originals()
kept.put_aside(lambda: field_of(1))()
os._exit(9)
"""


def test_pictures_of_a_killed_process_are_swept_at_the_next_start(own_var):
    environment = {**os.environ, "HEMADESK_VAR": str(own_var)}
    subprocess.run([sys.executable, "-c", KILLED], cwd=ROOT, env=environment, check=False)
    (left,) = (own_var / scratch.FOLDER).iterdir()
    assert [*left.glob("*.png")]
    alive = Originals()
    alive.put_aside(lambda: field_of(2))()
    for folder in (own_var / scratch.FOLDER).iterdir():
        aged(folder)
    scratch.prepare(own_var)
    (folder,) = (own_var / scratch.FOLDER).iterdir()
    assert folder != left and alive.field(field_of(2).sha256, "b.png").width == 64
    del alive
    assert not [*(own_var / scratch.FOLDER).iterdir()]


def test_a_folder_that_is_being_made_is_left_alone(tmp_path):
    young = tmp_path / scratch.FOLDER / "young"
    young.mkdir(parents=True)
    scratch.prepare(tmp_path)
    assert young.is_dir()


def test_files_that_were_never_finished_are_swept(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    old, young, whole = folder / "a.png.1.writing", folder / "b.png.2.writing", folder / "c.png"
    for file in (old, young, whole):
        file.write_bytes(b"x")
    aged(old)
    aged(whole)
    scratch.prepare(tmp_path)
    assert sorted(folder.iterdir()) == [young, whole]


@pytest.mark.skipif(os.name != "posix", reason="modes of POSIX")
def test_nobody_else_can_read_the_installation(own_var, tmp_path):
    folder = own_var / "pictures" / "ab"
    folder.mkdir(parents=True)
    for file in (own_var / "hemadesk.db", folder / "1.png"):
        file.write_bytes(b"x")
        file.chmod(0o644)
    for one in (own_var, folder, folder.parent):
        one.chmod(0o755)
    outside = tmp_path / "outside"
    outside.write_text("")
    outside.chmod(0o644)
    (folder / "link").symlink_to(outside)
    check = _var_is_private()
    assert not check.passed and "5 can be read" in check.seen
    scratch.prepare(own_var)
    assert _var_is_private().passed and files.open_to_others(own_var) == []
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "1.png").stat().st_mode & 0o777 == 0o600
    assert outside.stat().st_mode & 0o777 == 0o644, "a link leads to what is not ours"


def test_what_commands_write_is_private(own_var, tmp_path):
    environment = {**os.environ, "HEMADESK_VAR": str(own_var)}
    command = [sys.executable, "-m", "core", "cases", "verify"]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)
    assert [*own_var.glob("hemadesk.db*")] and files.open_to_others(own_var) == []
