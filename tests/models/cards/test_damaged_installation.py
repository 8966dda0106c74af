"""A damaged card reaches the command `check` and the screen Models as a sentence."""

import json
import shutil

import pytest
from typer.testing import CliRunner

from core.cli import app
from core.models import registry
from core.models.weights import WeightsRefused
from tests.fixtures.paths import ROOT
from tests.fixtures.screens import opened, words


def _damage(site, task, **changes):
    file = site / "weights" / f"{task}.json"
    raw = {**json.loads((ROOT / "weights" / f"{task}.json").read_text()), **changes}
    file.write_text(json.dumps(raw))


@pytest.mark.parametrize(
    ("task", "changes", "sentence"),
    [
        ("wbc", {"temperature": "warm"}, "temperature must be a number, got 'warm'"),
        ("locator", {"thresholds": None}, "thresholds must be a JSON object, got None"),
        ("counts", {"architecture": {"kind": "density_counter"}}, "architecture.width is missing"),
        ("palm", {"calibration": {}}, "calibration.slope is missing (and 1 more)"),
    ],
)
def test_check_and_the_screen_name_file_and_field(site, task, changes, sentence):
    for suffix in (".safetensors", ".onnx", ".json"):
        shutil.copy(ROOT / "weights" / f"palm{suffix}", site / "weights")
    _damage(site, task, **changes)
    ran = CliRunner().invoke(app, ["check"])
    assert ran.exit_code == 1 and not isinstance(ran.exception, ValueError)
    assert f"FAIL model {task}: {task}.json: {sentence}" in ran.stdout
    assert ran.stdout.count("FAIL") == 1
    screen = opened("models")
    assert not screen.exception
    assert f"{task}.json: {sentence}" in words(screen).replace("\\", "")


def test_a_model_of_another_task_is_not_run(site):
    for suffix in (".safetensors", ".onnx", ".json"):
        locator = (site / "weights" / f"locator{suffix}").read_bytes()
        (site / "weights" / f"wbc{suffix}").write_bytes(locator)
    with pytest.raises(WeightsRefused, match=r"^wbc\.json describes a model for the task locator"):
        registry.live("wbc")
