"""The command line as other programs use it."""

import json

import cv2
import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from core.cli import app
from core.imaging.synthetic import draw, draw_cell

run = CliRunner().invoke


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("pictures")
    Image.fromarray(draw(31).field.pixels).save(root / "a.png")
    (root / "b.jpg").write_bytes(b"%PDF-1.7 not a picture")
    Image.fromarray(draw(32, width=400, height=300, rbc_diameter_px=60).field.pixels).save(
        root / "c.png"
    )
    Image.fromarray(draw_cell(4, "lymphocyte").pixels).save(root / "cell.png")
    return root


def test_analyse_prints_one_object_per_picture_in_order_and_goes_on_after_a_bad_one(
    folder, own_var
):
    names = [str(folder / name) for name in ("a.png", "b.jpg", "missing.png", "c.png")]
    result = run(app, ["analyse", *names, "--json"])
    assert result.exit_code == 1
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert [row["file"] for row in rows] == names
    assert rows[1]["error"]["code"] == "not_an_image"
    assert "b.jpg" in rows[1]["error"]["message"]
    assert rows[2]["error"]["code"] == "missing"
    for row in (rows[0], rows[3]):
        assert row.keys() == {
            "file",
            "width",
            "height",
            "method",
            "model",
            "counts",
            "cells",
            "flags",
            "included",
            "laboratory",
            "lab_acceptance",
        }
        assert row["lab_acceptance"] == "not_accepted_here"
        assert row["counts"].keys() == {"rbc", "wbc", "platelet"}
        assert {"kind", "box_xyxy", "score"} <= row["cells"][0].keys()
        assert all(("wbc" in cell) == (cell["kind"] == "wbc") for cell in row["cells"])


def test_good_pictures_alone_exit_zero_and_read_well(folder):
    result = run(app, ["analyse", str(folder / "a.png")])
    assert result.exit_code == 0
    assert "RBC" in result.stdout
    assert "platelets" in result.stdout


def test_classify_gives_the_agreed_keys(folder):
    result = run(app, ["classify", str(folder / "cell.png"), "--json"])
    assert result.exit_code == 0
    row = json.loads(result.stdout)
    assert row.keys() == {
        "file",
        "class",
        "probability",
        "set",
        "could_be",
        "reported_as",
        "critical",
        "probabilities",
        "abstained",
        "flags",
        "model",
        "stage",
        "laboratory",
        "lab_acceptance",
    }
    assert row["class"] in row["probabilities"]
    assert row["probability"] == max(row["probabilities"].values())


def test_explain_writes_pictures(folder, tmp_path):
    result = run(app, ["analyse", str(folder / "c.png"), "--explain", str(tmp_path / "why")])
    assert result.exit_code == 0
    assert {path.name for path in (tmp_path / "why").iterdir()} >= {
        "c-rbc.png",
        "c-wbc.png",
        "c-platelet.png",
    }


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["analyse", "x.png", "--method", "guess"], "--method must be"),
        (["train", "cats"], "unknown recipe"),
        (["train", "wbc", "--epochs", "0"], "epochs must be from 1"),
        (["train", "locator", "--data", "nowhere", "--epochs", "1"], "not found"),
        (["train", "wbc", "--resume", "nowhere"], "nowhere"),
        (["evaluate", "cats"], "unknown recipe"),
        (["evaluate", "wbc", "--data", "nowhere"], "no PBC"),
    ],
)
def test_bad_arguments_get_one_sentence(arguments, word):
    result = run(app, arguments)
    assert result.exit_code == 2
    assert word in result.stderr
    assert "Traceback" not in result.stderr


def test_weights_names_every_model():
    result = run(app, ["weights"])
    assert result.exit_code == 0
    assert "locator@" in result.stdout
    assert "wbc@" in result.stdout


def test_datasets_says_what_is_present(tmp_path):
    (tmp_path / "palm").mkdir()
    cv2.imwrite(str(tmp_path / "palm" / "one.png"), np.zeros((20, 20, 3), np.uint8))
    result = run(app, ["datasets", "--data", str(tmp_path)])
    assert result.exit_code == 0
    assert "palm: 1 of 409 pictures" in result.stdout
    assert "cbc: absent" in result.stdout
    # One picture of 409 is no complete copy.
    assert run(app, ["datasets", "--verify", "--data", str(tmp_path)]).exit_code == 1


def test_a_sound_installation_says_so(own_var):
    own_var.mkdir(mode=0o700)
    result = run(app, ["check"])
    assert result.exit_code == 0, result.stdout
    assert "FAIL" not in result.stdout
