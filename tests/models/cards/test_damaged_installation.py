"""A damaged card reaches the command `check` and the screen Models as a sentence."""

import json
import shutil

import pytest
from PIL import Image
from typer.testing import CliRunner

from core.cli import app
from core.imaging.synthetic import draw
from core.inference.batch import Batch, drawn
from core.models import registry
from core.models.weights import WeightsRefused
from tests.fixtures.paths import ROOT
from tests.fixtures.screens import HUNG_AFTER_S, opened, words


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
        for other in ("palm", "red_cells"):
            shutil.copy(ROOT / "weights" / f"{other}{suffix}", site / "weights")
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


def test_damaged_limits_of_a_classifier_are_a_sentence_everywhere(site):
    for name in ("wbc", "wbc.extras"):
        for file in (ROOT / "weights").glob(f"{name}.*"):
            shutil.copy(file, site / "weights")
    _damage(site, "wbc.extras", critical={})
    sentence = "wbc.extras.json: critical.limit is missing"
    ran = CliRunner().invoke(app, ["check"])
    assert ran.exit_code == 1
    assert f"FAIL limits, novelty and attributes of model wbc: {sentence}" in ran.stdout
    Image.fromarray(draw(3).field.pixels).save(site / "field.png")
    ran = CliRunner().invoke(app, ["analyse", str(site / "field.png")])
    assert ran.exit_code == 2 and sentence in ran.stderr
    batch = Batch(drawn([3, 4]), registry.smear_models()).start()
    assert batch.wait(HUNG_AFTER_S)
    assert [refusal.message for refusal in batch.refusals] == [
        f"synthetic-{seed:04d}.png was not analysed: {sentence}" for seed in (3, 4)
    ]
