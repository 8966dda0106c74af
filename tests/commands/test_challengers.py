"""``classify --model`` and ``analyse --wbc-model``: a challenger answers as the live model does."""

import json

import pytest
from PIL import Image
from typer.testing import CliRunner

from core.cli import app
from core.imaging import synthetic
from core.models.weights import load_model
from tests.fixtures.paths import ROOT


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """A field with a white cell, and a picture of a single cell."""
    root = tmp_path_factory.mktemp("pictures")
    field, cell = root / "field.png", root / "cell.png"
    field.write_bytes(synthetic.png_bytes(synthetic.draw(5, wbc=["lymphocyte"]).field))
    cell.write_bytes(synthetic.png_bytes(synthetic.draw_cell(6, "lymphocyte")))
    return field, cell


def run(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


def test_classify_answers_by_the_file_and_names_it(pictures, known_models):
    live = json.loads(run("classify", pictures[1], "--json").stdout)
    result = run("classify", pictures[1], "--model", known_models["blast"], "--json")
    assert result.exit_code == 0, result.stderr
    answer = json.loads(result.stdout)
    assert answer.keys() == live.keys()
    assert answer["class"] == "blast"
    assert answer["model"] == load_model(known_models["blast"]).identity != live["model"]


def test_analyse_classifies_by_the_file_and_counts_as_before(pictures, known_models):
    live = json.loads(run("analyse", pictures[0], "--json").stdout)
    result = run("analyse", pictures[0], "--wbc-model", known_models["monocyte"], "--json")
    assert result.exit_code == 0, result.stderr
    answer = json.loads(result.stdout)
    assert answer.keys() == live.keys()
    assert (answer["counts"], answer["model"]) == (live["counts"], live["model"])
    (call,) = (cell["wbc"] for cell in answer["cells"] if cell["kind"] == "wbc")
    assert call["class"] == "monocyte"
    assert call["model"] == load_model(known_models["monocyte"]).identity


COMMANDS = [("classify", "--model"), ("analyse", "--wbc-model")]


@pytest.mark.parametrize(("command", "option"), COMMANDS)
@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("nowhere.safetensors", "does not exist"),
        ("wbc.json", "must name the .safetensors file"),
        ("locator.safetensors", "is a model for locator, not for the classes of white cells"),
    ],
)
def test_a_file_that_is_no_white_cell_model_is_refused(pictures, command, option, file, words):
    result = run(command, *pictures, option, ROOT / "weights" / file)
    assert result.exit_code == 2
    assert words in result.stderr and "Traceback" not in result.stderr
    assert not result.stdout


@pytest.mark.parametrize(("command", "option"), COMMANDS)
def test_damaged_weights_are_refused(pictures, known_models, tmp_path, command, option):
    copy = tmp_path / "wbc.safetensors"
    for suffix in (".json", ".onnx"):
        copy.with_suffix(suffix).write_bytes(known_models["blast"].with_suffix(suffix).read_bytes())
    Image.new("RGB", (8, 8)).save(copy, format="PNG")
    result = run(command, *pictures, option, copy)
    assert result.exit_code == 2 and "is not the file its sidecar describes" in result.stderr
