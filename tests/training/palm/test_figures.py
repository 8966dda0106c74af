"""The published CNN in folds, and every figure of a palm model, on made photos."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from core import cli
from core.datasets.public.ghana_palms import load
from core.datasets.public.palm_splits import folds
from core.models import registry
from core.models.cards import PalmCalibration, PalmCard, PalmClassifierArchitecture, PalmData
from core.models.palm_classifier import PalmClassifier
from core.models.weights import LoadedModel
from core.settings import settings
from core.statistics.palm_scores import auroc
from core.studies.papers.palm import CnnSettings
from core.studies.papers.palm_folds import cnn_on_held_out, cross_validated_cnn
from core.training.card_facts import data_hash
from core.training.palm.figures import PaperCnnLogits, measure_palm, palm_photos, part_of
from core.training.palm.head import blocks_of, fit_head, truth_of

QUICK = CnnSettings((40, 32), 12, reduced="40x32 pixels")


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """So little to compute that threads which wait for each other only cost."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Twenty-four photos of twelve blocks; how green they are says the class."""
    root = tmp_path_factory.mktemp("sets")
    (root / "palm" / "images").mkdir(parents=True)
    rng = np.random.default_rng(0)
    with (root / "palm" / "labels.csv").open("w", newline="") as handle:
        table = csv.writer(handle)
        table.writerow(["file", "anemic", "photo_group", "session_block"])
        for i in range(24):
            ill = i % 2 == 0
            green = (90 if ill else 140) + rng.normal(0, 6)
            pixels = np.array([200, green, 120]) + rng.normal(0, 8, (40, 50, 3))
            Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(
                root / "palm" / "images" / f"{i}.png"
            )
            table.writerow([f"{i}.png", int(ill), i, f"{'ill' if ill else 'well'}-{i // 4}"])
    return root


@pytest.fixture(scope="module")
def model(data):
    """A model with a random network and a fitted head; never written."""
    torch.manual_seed(0)
    photos, split = palm_photos(data)
    learn = [photos[i] for i in split.learn]
    module = PalmClassifier(2, 4).half().float().eval()
    features = part_of(module, learn).features
    head = fit_head(features, truth_of(learn), blocks_of(learn), strength=1.0)
    with torch.no_grad():
        module.head.weight.copy_(torch.from_numpy(np.stack([head.weights] * 2)))
        module.head.bias.fill_(head.bias)
    card = PalmCard(
        architecture=PalmClassifierArchitecture(heads=2, novelty_rank=4),
        calibration=PalmCalibration(slope=1.0, offset=0.0),
        clear_below=0.4,
        suspect_from=0.6,
        unusual_above=3.0,
        data=PalmData(sha256=data_hash([photo.path for photo in learn])),
    )
    return LoadedModel("palm", module, card, "0" * 64, data / "palm.safetensors")


def test_every_photo_is_judged_by_networks_that_saw_nothing_of_its_block(data, tmp_path):
    photos = load(data / "palm")
    logits = cross_validated_cnn(photos, tmp_path, QUICK, repeats=1, parts=3)
    assert logits.shape == (1, 24) and np.isfinite(logits).all()
    assert auroc(logits[0], truth_of(photos)) > 0.95  # the colours were drawn apart
    splits = list(folds(photos, 3, seed=0))
    assert sorted(i for split in splits for i in split.held_out) == list(range(24))
    for split in splits:
        seen = {photos[i].session_block for i in split.learn}
        assert not seen & {photos[i].session_block for i in split.held_out}


def test_a_stopped_cross_validation_goes_on_where_it_was(data, tmp_path):
    photos = load(data / "palm")
    whole = cross_validated_cnn(photos, tmp_path, QUICK, repeats=1, parts=3)
    files = sorted(tmp_path.glob("*.npy"))
    assert len(files) == 3
    for file in files[1:]:  # as if it had been stopped after one training
        file.unlink()
    marked = np.load(files[0]) + 100
    np.save(files[0], marked)
    again = cross_validated_cnn(photos, tmp_path, QUICK, repeats=1, parts=3)
    moved = np.isclose(again[0], whole[0] + 100)
    assert moved.sum() == len(marked)  # that one was not trained again
    assert np.allclose(again[0][~moved], whole[0][~moved], atol=1e-4)
    # Other settings are other trainings.
    cross_validated_cnn(photos, tmp_path, CnnSettings((40, 32), 1), repeats=1, parts=3)
    assert len(list(tmp_path.glob("*.npy"))) == 6


def test_the_figures_say_n_interval_split_and_what_stands_beside(data, model, tmp_path):
    photos, split = palm_photos(data)
    learn = [photos[i] for i in split.learn]
    published = PaperCnnLogits(
        cross_validated_cnn(learn, tmp_path, QUICK, repeats=1),
        cnn_on_held_out(photos, split, tmp_path, QUICK, repeats=2),
        {"size_px": [40, 32], "epochs": 12, "reduced": "40x32 pixels"},
    )
    figures = json.loads(json.dumps(measure_palm(model, data, published)))
    assert list(figures) == ["cross_validated", "locked", "held_out"]
    sizes = [figures[name]["auroc"]["n"] for name in figures]
    assert sizes == [len(split.learn), len(split.held_out), len(photos)]
    for name, rows in figures.items():
        row = rows["auroc"]
        assert row["low"] <= row["value"] <= row["high"] and row["chance"] == 0.5
        assert str(row["n"]) in rows["split"] and f"{row['blocks']} session blocks" in rows["split"]
        assert 0.5 <= rows["at_sensitivity_90"]["majority"] < 1
        if name != "held_out":
            assert rows["colour_features"]["n"] == row["n"]
            assert rows["published_cnn"]["n"] == row["n"]
            assert rows["published_cnn"]["reduced"] == "40x32 pixels"
    # The locked part is answered by the model itself, in its stored precision.
    locked_photos = [photos[i] for i in split.held_out]
    with torch.no_grad():
        logits = model.module.head(
            torch.from_numpy(part_of(model.module, locked_photos).features).float()
        )
    expected = auroc(logits[:, 0].double().numpy(), truth_of(locked_photos))
    assert figures["locked"]["auroc"]["value"] == pytest.approx(expected)


def test_a_model_that_learnt_from_other_photos_is_not_measured(data, model):
    card = model.card.model_copy(update={"data": PalmData(sha256="0" * 64)})
    with pytest.raises(ValueError, match="learnt from other photos"):
        measure_palm(replace(model, card=card), data)


def test_evaluate_leaves_the_published_cnn_as_the_card_has_it(data, model, monkeypatch):
    row = {"value": 0.61, "low": 0.5, "high": 0.7, "n": 4, "anemic": 2, "blocks": 2}
    measured = measure_palm(model, data)
    before = {"locked": {**measured["locked"], "published_cnn": row}}
    known = replace(model, card=model.card.with_evaluation(before))
    monkeypatch.setattr(registry, "live", {"palm": known}.__getitem__)
    ran = CliRunner().invoke(cli.app, ["evaluate", "palm", "--data", str(data), "--json"])
    assert ran.exit_code == 0, ran.stderr
    figures = json.loads(ran.stdout)
    assert figures["locked"]["published_cnn"] == row
    assert "published_cnn" not in figures["cross_validated"]


def test_the_command_names_what_can_be_evaluated():
    ran = CliRunner().invoke(cli.app, ["evaluate", "hand"])
    assert ran.exit_code == 2 and "palm" in ran.stderr


def test_the_command_for_the_cnn_in_folds_says_what_was_reduced(data):
    command = ["reproduce", "palm", "--grouped", "--data", str(data), "--epochs", "1"]
    ran = CliRunner().invoke(cli.app, command)
    assert ran.exit_code == 0, ran.stderr
    assert "125x94 pixels instead of 500x375; 1 epochs" in ran.stdout
    assert (
        "a single network" in ran.stdout and "AUROC 0." in ran.stdout
    ) or "AUROC 1." in ran.stdout
    assert list((settings().var / "palm-cnn").glob("*.npy"))
