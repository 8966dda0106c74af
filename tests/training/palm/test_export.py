"""Fitting the palm model on drawn photos, each fitted value against an independent computation.

All of it is computed anew from the development part alone: had the locked part taught anything,
the values would differ.
"""

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from torchvision.models import MobileNet_V2_Weights, mobilenet_v2

from core.datasets.public.ghana_palms import PalmPhoto
from core.files import sha256_of
from core.models.palm_classifier import PalmClassifier
from core.models.weights import load_model
from core.training.palm import export
from core.training.palm.figures import palm_photos
from core.training.palm.head import cross_validated, features_of
from tests.fixtures.paths import ROOT

BLOCKS, PER_BLOCK, RANK = 12, 2, 8


@pytest.fixture(scope="module", autouse=True)
def imagenet_features(tmp_path_factory):
    """torchvision's ImageNet features where it looks for them; the shipped model holds them too."""
    shipped = load_file(ROOT / "weights" / "palm.safetensors")
    state = mobilenet_v2().state_dict()
    state |= {
        "features" + name.removeprefix("net"): values.float()
        for name, values in shipped.items()
        if name.startswith("net.")
    }
    folder, before = tmp_path_factory.mktemp("hub"), torch.hub.get_dir()
    (folder / "checkpoints").mkdir()
    name = MobileNet_V2_Weights.IMAGENET1K_V1.url.rpartition("/")[2]
    torch.save(state, folder / "checkpoints" / name)
    torch.hub.set_dir(str(folder))
    yield
    torch.hub.set_dir(before)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Twenty-four photos of twelve session blocks, half a little paler; the classes overlap."""
    root = tmp_path_factory.mktemp("sets")
    (root / "palm" / "images").mkdir(parents=True)
    rng = np.random.default_rng(1)
    with (root / "palm" / "labels.csv").open("w", newline="") as handle:
        table = csv.writer(handle)
        table.writerow(["file", "anemic", "photo_group", "session_block"])
        for block in range(BLOCKS):
            anemic = block % 2 == 0
            light = rng.normal(0, 8)
            for number in range(PER_BLOCK):
                green = (150 if anemic else 140) + light + rng.normal(0, 10)
                pixels = np.array([200, green, 120]) + rng.normal(0, 12, (48, 60, 3))
                name = f"{block}-{number}.png"
                Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(
                    root / "palm" / "images" / name
                )
                table.writerow([name, int(anemic), name, f"session {block}"])
    return root


@dataclass(frozen=True)
class Fitted:
    """The file that was written, its card, and what it was to learn from."""

    path: Path
    card: dict[str, Any]
    module: PalmClassifier
    learn: list[PalmPhoto]
    locked: list[PalmPhoto]
    features: np.ndarray
    lines: list[str]

    @property
    def anemic(self) -> np.ndarray:
        return np.array([bool(photo.anemic) for photo in self.learn])

    @property
    def blocks(self) -> np.ndarray:
        return np.array([photo.session_block for photo in self.learn])

    def probabilities(self) -> np.ndarray:
        """Cross-validated and calibrated as the card says."""
        scores = cross_validated(self.features, self.learn).mean(axis=0)
        calibration = self.card["calibration"]
        return expit(calibration["slope"] * scores + calibration["offset"])


@pytest.fixture(scope="module")
def fitted(data, tmp_path_factory):
    path = tmp_path_factory.mktemp("fitted") / "palm-trial.safetensors"
    lines: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(export, "NOVELTY_RANK", RANK)  # forty axes would take as many photos
        export.fit_palm(data, path, say=lines.append)
    module = load_model(path).module
    assert isinstance(module, PalmClassifier)
    photos, split = palm_photos(data)
    learn, locked = ([photos[i] for i in part] for part in (split.learn, split.held_out))
    card = json.loads(path.with_suffix(".json").read_text())
    return Fitted(path, card, module, learn, locked, features_of(module, learn), lines)


def test_no_block_is_on_both_sides_and_the_card_names_the_locked_ones(fitted):
    locked = {photo.session_block for photo in fitted.locked}
    assert fitted.card["data"]["locked_blocks"] == sorted(locked)
    assert not locked & set(fitted.blocks)
    assert {photo.anemic for photo in fitted.locked} == {True, False}
    counted = {name: fitted.card["data"][name] for name in ("photos", "training_photos")}
    assert counted == {"photos": 24, "training_photos": len(fitted.learn)}
    assert fitted.card["data"]["locked_photos"] == len(fitted.locked) == 24 - len(fitted.learn) == 4
    assert fitted.lines[0] == "24 photos: 20 to learn from, 4 locked"


def test_the_head_is_the_logistic_regression_of_the_development_part(fitted):
    """Each class counts the same, a block by the root of its photos; here all have equally many."""
    centre, spread = fitted.features.mean(axis=0), fitted.features.std(axis=0) + 1e-6
    anemic = fitted.anemic
    weights = np.where(anemic, 0.5 / anemic.mean(), 0.5 / (~anemic).mean())
    model = LogisticRegression(C=0.003, max_iter=1000, tol=1e-6)
    model.fit((fitted.features - centre) / spread, anemic, sample_weight=weights)
    expected = model.decision_function((fitted.features - centre) / spread)
    with torch.no_grad():
        logits = fitted.module.head(torch.from_numpy(fitted.features).float()).numpy()
    assert logits.shape == (len(fitted.learn), 41)
    assert logits[:, 0] == pytest.approx(expected, abs=0.02)  # stored in half precision
    # The other forty learnt from blocks drawn again, and disagree.
    assert (logits[:, 1:].std(axis=1) > 0).all()
    assert fitted.card["architecture"]["heads"] == 41


def test_the_calibration_is_the_maximum_of_its_likelihood(fitted):
    """There the errors, each class weighted to one half, sum to zero, and so do they by score."""
    scores = cross_validated(fitted.features, fitted.learn).mean(axis=0)
    anemic = fitted.anemic
    errors = fitted.probabilities() - anemic
    weighted = np.where(anemic, errors / anemic.sum(), errors / (~anemic).sum())
    assert weighted.sum() == pytest.approx(0, abs=1e-3)
    assert (weighted * scores).sum() == pytest.approx(0, abs=1e-3)
    assert fitted.card["calibration"]["prevalence"] == 0.5


def test_the_thresholds_keep_what_they_promise_and_no_more(fitted):
    ill = fitted.probabilities()[fitted.anemic]
    well = fitted.probabilities()[~fitted.anemic]
    clear_below, suspect_from = fitted.card["clear_below"], fitted.card["suspect_from"]
    assert 0 < clear_below <= suspect_from < 1
    tolerance = 1e-9  # of the two ways to the same probability
    assert np.mean(ill >= clear_below - tolerance) >= 0.9
    assert np.mean(ill > clear_below + tolerance) < 0.9  # any higher one would lose too many
    assert np.mean(well < suspect_from + tolerance) >= 0.9
    if suspect_from > clear_below + tolerance:  # where they meet, sensitivity decides
        below = well[well < suspect_from - 1e-12].max()
        assert np.mean(well < below - tolerance) < 0.9


def test_unusual_is_what_few_palms_of_an_unseen_block_are(fitted):
    """By the covariance's own axes; the product takes them from a singular value decomposition."""
    distances = np.zeros(len(fitted.learn))
    for block in np.unique(fitted.blocks):
        inside = fitted.blocks == block
        rest = fitted.features[~inside]
        centre = rest.mean(axis=0)
        # Of 1,280 dimensions only as many vary as there are photos: the Gram matrix has them all.
        values, vectors = np.linalg.eigh((rest - centre) @ (rest - centre).T / len(rest))
        values, vectors = values[::-1], vectors[:, ::-1]
        axes = (rest - centre).T @ vectors[:, :RANK] / np.sqrt(values[:RANK] * len(rest))
        off = fitted.features[inside] - centre
        along = off @ axes
        within = (along**2 / values[:RANK]).sum(axis=1) / RANK
        beside = ((off**2).sum(axis=1) - (along**2).sum(axis=1)) / values[RANK:].sum()
        distances[inside] = (within + beside) / 2
    expected = np.quantile(distances, 0.975)
    assert fitted.card["unusual_above"] == pytest.approx(expected, rel=1e-2)


def test_the_card_says_everything_and_belongs_to_its_weights(fitted):
    assert fitted.card["sha256"] == sha256_of(fitted.path)
    for name in ("intended_use", "limits", "licence", "seed", "training", "evaluation"):
        assert name in fitted.card, name
    assert "blood test" in fitted.card["limits"]
    figures = fitted.card["evaluation"]
    assert list(figures) == ["cross_validated", "locked", "held_out"]
    assert [figures[name]["auroc"]["n"] for name in figures] == [20, 4, 24]
    for row in (figures[name]["auroc"] for name in figures):
        assert row["low"] <= row["value"] <= row["high"]
        assert {"chance", "blocks"} <= set(row)
    assert figures["locked"]["colour_features"]["n"] == 4
