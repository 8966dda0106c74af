"""``python -m core datasets look``: what a training would understand of a set."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from core.cli import app
from core.settings import settings
from tests.datasets.intake.test_exports_of_programs import picture, table, text, voc

PARTS = ("training", "validation", "test")


def look(tmp_path: Path, path: Path, kind: str, *options: str) -> tuple[int, list[str], str]:
    empty = {"HEMADESK_DATA": str(tmp_path / "none"), "HEMADESK_VAR": str(tmp_path / "var")}
    settings.cache_clear()  # they are read once, and the command must read those above
    words = ["datasets", "look", str(path), "--as", kind, *options]
    done = CliRunner().invoke(app, words, env=empty)
    settings.cache_clear()
    assert done.exception is None or isinstance(done.exception, SystemExit)
    return done.exit_code, done.stdout.splitlines(), done.stderr


def made(root: Path, kind: str) -> None:
    """Twelve pictures of each class, one file that is none, a ``.DS_Store``."""
    for n in range(12):
        if kind == "cells":
            for name in ("Neutrophil", "Lymphocyte"):
                picture(root / name / f"{n}.jpg", (100, 100))
        elif kind == "palms":
            for name in ("a", "b"):
                picture(root / "images" / f"{name}{n}.jpg", (100, 100))
        else:
            picture(root / f"{n}.jpg")
            if kind == "boxes":
                voc(root / f"{n}.xml", f"{n}.jpg", boxes=2)
    if kind == "counts":
        table(
            root / "counts.csv", ["file,rbc,wbc,platelet", *(f"{n}.jpg,{n},1,0" for n in range(12))]
        )
    if kind == "palms":
        rows = [f"{name}{n}.jpg,{int(name == 'a')},p{name}{n}" for n in range(12) for name in "ab"]
        table(root / "labels.csv", ["file,anemic,patient", *rows])
    folder = {"cells": "Lymphocyte/", "palms": "images/"}.get(kind, "")
    text(root / folder / "broken.jpg", "no picture")
    text(root / ".DS_Store", "x")


@pytest.mark.parametrize("kind", ["cells", "boxes", "counts", "palms"])
@pytest.mark.parametrize("packed", [False, True], ids=["folder", "zip"])
def test_one_line_for_each_picture_in_path_order(tmp_path: Path, kind: str, packed: bool) -> None:
    root = tmp_path / "set"
    made(root, kind)
    path = root
    if packed:
        path = tmp_path / "sent.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for file in sorted(root.rglob("*")):
                if file.is_file():
                    archive.write(file, Path("top") / file.relative_to(root))
    status, lines, _ = look(tmp_path, path, kind, "--json")
    rows: list[dict[str, Any]] = [json.loads(line) for line in lines]
    top = "top/" if packed else ""
    files = [row["file"] for row in rows]
    assert status == 0
    assert files == sorted(files, key=lambda file: file.split("/"))
    assert len(rows) == (25 if kind in ("cells", "palms") else 13)
    bad = [row for row in rows if "left_out" in row]
    assert [row["file"].rpartition("/")[2] for row in bad] == ["broken.jpg"] and bad[0]["left_out"]
    used = [row for row in rows if "left_out" not in row]
    assert all(row["part"] in PARTS and row["group"] for row in used)
    assert {row["part"] for row in used} == {*PARTS}
    if kind == "cells":
        assert {row["file"].split("/")[-2]: row["label"] for row in used} == {
            "Neutrophil": "neutrophil", "Lymphocyte": "lymphocyte"}  # fmt: skip
    elif kind == "boxes":
        assert used[0]["boxes"][0] == {
            "class": "RBC", "kind": "rbc", "box_xyxy": [10.0, 10.0, 30.0, 30.0]}  # fmt: skip
    elif kind == "counts":
        assert {row["file"]: row["counts"]["rbc"] for row in used} == {
            f"{top}{n}.jpg": n for n in range(12)}  # fmt: skip
    else:
        assert all(row["anemic"] == row["file"].split("/")[-1].startswith("a") for row in used)
        assert used[0]["group"] == "patient pa0"


@pytest.mark.parametrize(
    ("kind", "what"),
    [
        (kind, what)
        for kind in ("cells", "boxes", "counts", "palms")
        for what in ("empty", "missing", "not a zip", "no labels")
        if (kind, what) != ("cells", "no labels")  # these are listed one by one
    ],
)
def test_a_set_that_is_refused_is_one_line(tmp_path: Path, kind: str, what: str) -> None:
    path = tmp_path / "set"
    if what == "not a zip":
        text(path, "PK no")
    elif what != "missing":
        path.mkdir()
    if what == "no labels":
        picture(path / "0.jpg")
    status, lines, _ = look(tmp_path, path, kind, "--json")
    assert status == 1 and len(lines) == 1
    assert list(json.loads(lines[0])) == ["refused"] and json.loads(lines[0])["refused"]


def test_it_can_be_read_without_json(tmp_path: Path) -> None:
    made(tmp_path / "set", "cells")
    status, lines, _ = look(tmp_path, tmp_path / "set", "cells")
    assert status == 0 and lines[0] == "25 pictures: 24 used, 1 left out"
    assert any(line.startswith("neutrophil: training ") for line in lines)
    assert "left out: Lymphocyte/broken.jpg" in lines[-1]
