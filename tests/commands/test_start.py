"""Help and refusals of wrong arguments appear without waiting for a heavy library."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("torch", "torchvision", "scipy", "pandas", "sklearn", "cv2", "onnxruntime", "matplotlib")

# Every command is called in one process: what an earlier one imported would be seen at the next.
SCRIPT = """
import contextlib, importlib, io, json, pkgutil, sys
heavy, calls = json.loads(sys.stdin.read())
import core.cli, core.commands
for module in pkgutil.iter_modules(core.commands.__path__):
    importlib.import_module(f"core.commands.{module.name}")
rows = [[["import"], 0, "", [name for name in heavy if name in sys.modules]]]
for arguments in calls:
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        try:
            core.cli.app(arguments, prog_name="python -m core")
            status = 0
        except SystemExit as left:
            status = left.code
    rows.append([arguments, status, out.getvalue(), [n for n in heavy if n in sys.modules]])
print(json.dumps(rows))
"""


def rows_of(calls):
    ran = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        input=json.dumps([HEAVY, calls]),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [
        (" ".join(words), status, out, heavy)
        for words, status, out, heavy in json.loads(ran.stdout)
    ]


def help_pages():
    """The program, each command, and each command of a family."""
    from typer.main import get_command

    from core.cli import app

    def below(command, words):
        yield [*words, "--help"]
        for name, one in getattr(command, "commands", {}).items():
            yield from below(one, [*words, name])

    return list(below(get_command(app), []))


def test_no_command_imports_a_heavy_library_for_its_help():
    calls = help_pages()
    assert ["--help"] in calls and ["cases", "export", "--help"] in calls and len(calls) > 25
    for words, status, out, heavy in rows_of(calls):
        assert (words, status, heavy) == (words, 0, [])
        assert words == "import" or "Usage: python -m core" in out


REFUSED = [
    (["characterize"], 2, "No such command"),
    (["analyse"], 2, "Missing argument"),
    (["analyse", "nowhere.png"], 1, "nowhere.png does not exist"),
    (["classify", "nowhere.png", "--json"], 1, '"code": "missing"'),
    (["palm", "nowhere.png"], 1, "nowhere.png does not exist"),
    (["analyse", "x.png", "--method", "guess"], 2, "--method must be locator or regression"),
    (["analyse", "x.png", "--method", "regression", "--chamber-rule"], 2, "--chamber-rule needs"),
    (["analyse", "x.png", "--colour"], 2, "No such option"),
    (["palm", "x.png", "--kind", "foot"], 2, "--kind must be one of auto, hand, crop"),
    (["palm", "x.png", "--prevalence", "1.5"], 2, "--prevalence must lie between 0 and 1"),
    (["fit-palm", "model.pt"], 2, "must end in .safetensors"),
    (["fit-palm", "m.safetensors", "--data", "nowhere"], 2, "folder not found: nowhere"),
    (["train", "cats"], 2, "unknown recipe 'cats'; known are locator, counts, palm, wbc"),
    (["train", "wbc", "--preset", "best"], 2, "unknown preset 'best'"),
    (["train", "wbc", "--epochs", "0"], 2, "epochs must be from 1"),
    (["train", "wbc", "--epochs", "many"], 2, "Invalid value"),
    (["train", "wbc", "--option", "frozen"], 2, "--set takes NAME=VALUE"),
    (["train", "wbc", "--set", "frozen=all"], 2, "frozen must be one of"),
    (["train", "wbc", "--set", "batch_size=many"], 2, "batch_size must be a number"),
    (["train", "wbc", "--set", "weight_decay=2"], 2, "weight_decay must be from 0 to 1"),
    (["train", "wbc", "--epochs", "2", "--set", "epochs=3"], 2, "epochs is given twice"),
    (["train", "wbc", "--names", "nowhere.csv"], 2, "nowhere.csv cannot be read"),
    (["train", "wbc", "--option", "frozen=all"], 2, "frozen must be one of"),
    (["train", "wbc", "--start", "nowhere"], 2, "start must be one of"),
    (["train", "wbc", "--resume", "x", "--seed", "1"], 2, "a resumed run keeps its settings"),
    (["train", "wbc", "--data", "nowhere"], 2, "folder not found: nowhere"),
    (["train", "regression", "--epochs", "0"], 2, "the recipe regression is now called counts"),
    (["evaluate", "cats"], 2, "unknown recipe 'cats'; known are locator, wbc, counts, palm"),
    (["evaluate", "wbc", "--data", "nowhere"], 2, "folder not found: nowhere"),
    (["fit-uncertainty", "--data", "nowhere"], 2, "folder not found: nowhere"),
    (["characterise", "--data", "nowhere"], 2, "characterise is now called fit-uncertainty"),
    (["adapt"], 2, "--data must name the folder"),
    (["adapt", "--data", "nowhere"], 2, "folder not found: nowhere"),
    (["adapt", "--measure", "--data", "nowhere"], 2, "folder not found: nowhere"),
    (["export", "nowhere.safetensors", "--onnx", "x.onnx"], 2, "does not exist"),
    (["export", "cats", "--onnx", "x.onnx"], 2, "cats is neither one of"),
    (["hands", "nowhere.whl"], 1, "were not taken from nowhere.whl"),
    (["datasets", "fetch", "cats"], 2, "unknown set 'cats'"),
    (["datasets", "fetch", "hands"], 2, "cannot be fetched by a program"),
    (["datasets", "--data", "nowhere"], 2, "folder not found: nowhere"),
    (["cases", "export", "1", "--format", "docx"], 2, "--format must be one of pdf, csv"),
    (["cases", "export", "1", "--fhir-release", "R3"], 2, "--fhir-release must be one of R5"),
    (["cases", "verify", "--head", "x"], 2, "--head is number:hash"),
    (["cases", "queue-gain", "--data", "nowhere"], 2, "folder not found: nowhere"),
    (["bench", "--runs", "1"], 2, "Invalid value"),
    (["serve", "--port", "0"], 2, "Invalid value"),
    (["serve", "--address", "0.0.0.0"], 2, "sign"),
    (["reproduce", "cats"], 2, "No such command"),
    (["reproduce", "counts", "--data", "nowhere"], 2, "folder not found: nowhere"),
    (["reproduce", "wbc", "--data", "nowhere"], 2, "folder not found: nowhere"),
    (["reproduce", "palm", "--limits", "guess"], 2, "--limits must be paper or who"),
    (["reproduce", "learning-curve", "--sizes", "0"], 2, "--sizes takes whole numbers"),
]


@pytest.fixture(scope="module")
def refusals():
    return rows_of([words for words, _, _ in REFUSED])[1:]


@pytest.mark.parametrize("place", range(len(REFUSED)), ids=[" ".join(r[0]) for r in REFUSED])
def test_wrong_arguments_are_refused_without_a_heavy_library(place, refusals):
    words, status, sentence = REFUSED[place]
    called, left, out, heavy = refusals[place]
    assert called == " ".join(words)
    assert (left, heavy) == (status, [])
    assert sentence in out
    assert "Traceback" not in out


def test_export_knows_every_task_of_the_registry():
    from typing import get_args

    from core.commands.white_cells import EXPORTED
    from core.models import registry

    assert get_args(registry.Task) == EXPORTED
