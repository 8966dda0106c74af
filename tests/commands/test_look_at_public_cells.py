"""``datasets look --as`` with a public set's name: what the reader of the set finds."""

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


@pytest.fixture
def chula(tmp_path):
    write(tmp_path / "images" / "1.jpg", 1)
    write(tmp_path / "disease" / "he_1.jpg", 2)
    rows = ["file,x,y,class,class_id", "1.jpg,5,5,normal,0", "1.jpg,9,9,target,4"]
    (tmp_path / "labels.csv").write_text("\n".join([*rows, "1.jpg,20,20,normal,0"]))
    (tmp_path / "disease.csv").write_text("file,disease\nhe_1.jpg,he\n")
    return tmp_path


def test_chulas_red_cells_are_counted_by_shape(chula):
    ran = look(chula, "chula_rbc12")
    assert ran.exit_code == 0, ran.stderr
    assert ran.stdout.splitlines() == [
        "2 pictures: 2 used, 0 left out",
        "disease, he: 1",
        "images, normal: 2",
        "images, target: 1",
    ]
    rows = [json.loads(line) for line in look(chula, "chula_rbc12", "--json").stdout.splitlines()]
    assert rows == [
        {"file": "images/1.jpg", "part": "images", "cells": {"normal": 2, "target": 1}},
        {"file": "disease/he_1.jpg", "part": "disease", "label": "he"},
    ]


def test_hands_are_counted_by_side_and_skin(tmp_path):
    (tmp_path / "labels.csv").write_text("file,aspect,skin\na.jpg,palmar,dark\n")
    write(tmp_path / "phone" / "b.jpg", 3)
    assert look(tmp_path, "hands").stdout.splitlines()[1:] == [
        "images, palmar, dark skin: 1",
        "phone, palmar: 1",
    ]


@pytest.mark.parametrize(("name", "column"), [("chula_rbc12", "class_id"), ("hands", "skin")])
def test_a_table_without_a_column_is_named(tmp_path, name, column):
    (tmp_path / "labels.csv").write_text("file,x,y,class,aspect\n")
    ran = look(tmp_path, name)
    assert ran.exit_code == 1
    assert f"labels.csv lacks the column {column}" in ran.stdout
    assert "Traceback" not in ran.output


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("bodzas", "nine classes"),
        ("raabin", "Train, TestA and TestB"),
        ("chula_rbc12", "Chula RBC-12 not found"),
        ("hands", "labels.csv is not there"),
    ],
)
def test_another_folder_is_refused_in_one_sentence(tmp_path, name, expected):
    ran = look(tmp_path, name)
    assert ran.exit_code == 1
    assert expected in ran.stdout and len(ran.stdout.splitlines()) == 1
    assert "Traceback" not in ran.output
