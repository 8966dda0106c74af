"""Folders: every accepted ending, whatever lies below, and a word on what is passed over."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from core.cli import app
from core.datasets.catalogue import PICTURES
from core.imaging import synthetic
from core.imaging.folders import list_pictures, with_folders_opened

FIELD = Image.fromarray(synthetic.draw(2, width=320, height=240).field.pixels)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a.jpg", "b.WEBP", "c.jfif", "slide B/0001.JPG", "slide A/deep/0001.tif", "d.jpe"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        kind = {".tif": "TIFF", ".webp": "WEBP"}.get(path.suffix.lower(), "JPEG")
        FIELD.save(path, kind)
    (tmp_path / "notes.txt").write_text("nothing")
    (tmp_path / "slide A" / "Thumbs.db").write_text("nothing")
    (tmp_path / "__MACOSX").mkdir()
    FIELD.save(tmp_path / "__MACOSX" / "._a.jpg", "JPEG")
    return tmp_path


def test_pictures_of_every_ending_and_depth(folder: Path) -> None:
    found = list_pictures(folder)
    shown = [path.relative_to(folder).as_posix() for path in found.pictures]
    assert shown == ["a.jpg", "b.WEBP", "c.jfif", "d.jpe", "slide A/deep/0001.tif",
                     "slide B/0001.JPG"]  # fmt: skip
    assert found.summary() == "1 file was passed over: 1 not a picture by its ending (notes.txt)."
    assert {".webp", ".jfif", ".jpe", ".tiff"} <= set(PICTURES)


def test_links_are_not_followed(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    secret = tmp_path_factory.mktemp("elsewhere") / "x.jpg"
    FIELD.save(secret)
    (folder / "link.jpg").symlink_to(secret)
    (folder / "below").symlink_to(secret.parent)
    found = list_pictures(folder)
    assert len(found.pictures) == 6
    assert "1 a link (link.jpg)" in found.summary()


def test_a_folder_without_pictures_stays_a_folder(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x")
    files, sentences = with_folders_opened([tmp_path, Path("b.jpg")])
    assert files == [tmp_path, Path("b.jpg")]
    assert sentences == [
        f"{tmp_path}: 1 file was passed over: 1 not a picture by its ending (a.txt)."
    ]


def test_the_command_line_analyses_all_of_them_and_says_what_it_passed_over(folder: Path) -> None:
    result = CliRunner().invoke(app, ["analyse", str(folder), "--json"])
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert len(rows) == 6 and all("counts" in row for row in rows)
    assert "notes.txt" in result.stderr
    result = CliRunner().invoke(app, ["palm", str(folder), "--json"])
    assert len(result.stdout.splitlines()) == 6
