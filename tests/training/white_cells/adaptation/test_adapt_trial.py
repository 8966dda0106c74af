"""Measuring what adapting brings, with a model that always says monocyte before it is adapted."""

import json
import shutil

import cv2
import numpy as np
import pytest
from safetensors.numpy import load_file
from typer.testing import CliRunner

from core.cli import app
from core.imaging import synthetic
from core.inference.white_cell.uncertainty import save_uncertainty
from core.models.cards import UncertaintyCard, upgrade
from core.models.cards.uncertainty_card import CellIndex
from core.models.classifier import CellClassifier
from core.models.weights import load_model
from tests.fixtures.paths import ROOT

OTHER_LABORATORY = {"monocyte": 3, "lymphocyte": 4}


@pytest.fixture
def data(site):
    """Twenty cells of PBC, of which two are test cells, and seven fields of another laboratory."""
    root, rng = site / "sets", np.random.default_rng(3)
    for folder, number in (("monocyte", 10), ("lymphocyte", 10)):
        (root / "pbc" / folder).mkdir(parents=True)
        for n in range(number):
            small = rng.integers(150, 255, (12, 12, 3)).astype(np.uint8)
            picture = cv2.resize(small, (96, 96), interpolation=cv2.INTER_CUBIC)
            cv2.imwrite(str(root / "pbc" / folder / f"X_{n}.jpg"), picture)
    seed = 700
    for label, number in OTHER_LABORATORY.items():
        (root / "wbc_other_lab" / label).mkdir(parents=True)
        for n in range(number):
            drawn = synthetic.draw(
                seed, width=320, height=240, wbc=[label], rbc=6, platelets=0, rbc_diameter_px=46
            )
            file = root / "wbc_other_lab" / label / f"{n}.png"
            file.write_bytes(synthetic.png_bytes(drawn.field))
            seed += 1
    # A field without a white cell is not located, and counts nowhere.
    cv2.imwrite(
        str(root / "wbc_other_lab" / "monocyte" / "x.png"), np.full((240, 320, 3), 240, "u1")
    )
    return root


def measure(data, *words):
    return CliRunner().invoke(
        app, ["adapt", "--measure", "--data", str(data), "--per-class", "2", *words]
    )


@pytest.fixture
def stored_cells(site):
    """Extras like the shipped ones, but for the cells learnt from: ten of each of three classes."""
    model = load_model(site / "weights" / "wbc.safetensors")
    assert isinstance(model.module, CellClassifier)
    width = model.module.last_layer().in_features
    labels = np.repeat([0, 1, 2], 10)
    rng = np.random.default_rng(0)
    features = rng.normal(0, 0.1, (30, width)) + np.eye(3, width)[labels]
    weights = ROOT / "weights" / "wbc.extras.safetensors"
    raw, tensors = json.loads(weights.with_suffix(".json").read_text()), load_file(weights)
    card = UncertaintyCard.model_validate(upgrade(raw)).without("label_shift")
    index = CellIndex(
        classes=("lymphocyte", "monocyte", "blast"), files=tuple(raw["index"]["files"][:30])
    )
    card = card.model_copy(update={"index": index})
    own = {"index.feature": features.astype(np.float16), "index.label": labels.astype(np.int16)}
    save_uncertainty(model, card, {**tensors, **own})
    # The local head reads the ImageNet features of the palm's backbone.
    for suffix in (".safetensors", ".onnx", ".json"):
        shutil.copy(ROOT / "weights" / f"palm{suffix}", site / "weights")


@pytest.mark.usefixtures("stored_cells")
def test_cells_that_were_learnt_from_never_count(data, site):
    ran = measure(data)
    assert ran.exit_code == 0, ran.stderr
    found = json.loads(ran.stdout)
    assert (found["set"], found["per_class"], found["deep"]) == ("wbc_other_lab", 2, False)
    assert found["located"] == 7
    # Before: all seven are called monocyte, three are.
    assert found["before"]["value"] == pytest.approx(3 / 7) and found["before"]["n"] == 7
    assert found["original_before"]["value"] == pytest.approx(1 / 2)
    assert found["original_before"]["n"] == 2
    assert [row["seed"] for row in found["draws"]] == [0, 1, 2, 3, 4]
    for row in found["draws"]:
        # Two of each class are learnt from; one monocyte and two lymphocytes are left.
        assert row["learnt_from"] == 4
        assert row["before"]["value"] == pytest.approx(1 / 3)
        assert row["before"]["n"] == row["after"]["n"] == 3
        assert row["original_after"]["n"] == 2
        assert row["kept"] == pytest.approx(row["original_after"]["value"] / (1 / 2))
    after = [row["after"]["value"] for row in found["draws"]]
    assert found["mean_after"] == pytest.approx(np.mean(after))
    assert found["least_after"] == min(after)
    assert found["mean_kept"] == pytest.approx(np.mean([row["kept"] for row in found["draws"]]))
    # The figures go into the live model's card, beside what stands there.
    card = json.loads((site / "weights" / "wbc.json").read_text())
    assert card["evaluation"]["adaptation"] == found


def test_without_stored_cells_it_says_what_to_run_first(data):
    ran = measure(data)
    assert ran.exit_code == 2
    assert "fit-uncertainty first" in ran.stderr
