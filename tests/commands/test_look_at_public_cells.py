"""``datasets look --as bodzas`` and ``--as raabin``: what the readers of these sets find."""

import json

import cv2
import pytest
from typer.testing import CliRunner

from core.cli import app
from core.imaging.synthetic import draw_cell


def write(file, seed, label="lymphocyte"):
    file.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(file), draw_cell(seed, label).pixels[:, :, ::-1])


def look(folder, name, *more):
    return CliRunner().invoke(app, ["datasets", "look", str(folder), "--as", name, *more])


@pytest.fixture
def raabin(tmp_path):
    write(tmp_path / "Train" / "Burst" / "a.png", 1)
    write(tmp_path / "Train" / "Small lymph" / "b.png", 2)
    write(tmp_path / "TestB" / "Neutrophil" / "c.png", 3)
    (tmp_path / "TestB" / "Neutrophil" / "d.png").write_bytes(b"no picture")
    return tmp_path


def test_each_part_and_class_is_counted_and_what_cannot_be_read_is_named(raabin):
    ran = look(raabin, "raabin")
    assert ran.exit_code == 0, ran.stderr
    lines = ran.stdout.splitlines()
    assert lines[0] == "4 pictures: 3 used, 1 left out"
    assert lines[1:4] == ["TestB, neutrophil: 1", "Train, lymphocyte: 1", "Train, smudge: 1"]
    assert lines[4].startswith("left out: TestB/Neutrophil/d.png: ")


def test_as_json_there_is_a_line_for_each_picture(raabin):
    rows = [json.loads(line) for line in look(raabin, "raabin", "--json").stdout.splitlines()]
    used = {row["file"]: (row["part"], row["label"]) for row in rows if "label" in row}
    assert used == {
        "Train/Burst/a.png": ("Train", "smudge"),
        "Train/Small lymph/b.png": ("Train", "lymphocyte"),
        "TestB/Neutrophil/c.png": ("TestB", "neutrophil"),
    }
    assert [row["file"] for row in rows if "left_out" in row] == ["TestB/Neutrophil/d.png"]


def test_bodzas_has_no_parts(tmp_path):
    write(tmp_path / "Normoblast" / "a.png", 4, "erythroblast")
    ran = look(tmp_path, "bodzas")
    assert ran.stdout.splitlines() == ["1 pictures: 1 used, 0 left out", "erythroblast: 1"]


@pytest.mark.parametrize(
    ("name", "expected"), [("bodzas", "nine classes"), ("raabin", "Train, TestA and TestB")]
)
def test_another_folder_is_refused_in_one_sentence(tmp_path, name, expected):
    ran = look(tmp_path, name)
    assert ran.exit_code == 1
    assert "no readable pictures" in ran.stdout and expected in ran.stdout
    assert "Traceback" not in ran.output
