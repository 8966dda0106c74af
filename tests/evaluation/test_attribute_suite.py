"""The attribute figures with heads that always give each attribute's first value."""

import csv
import shutil

import cv2
import numpy as np
import pytest

from core.datasets.public.wbcatt import ATTRIBUTES
from core.evaluation.attribute_suite import evaluate_attributes
from core.inference.white_cell.features import answers_of
from core.inference.white_cell.uncertainty import save_uncertainty
from core.models.cards import UncertaintyCard
from core.models.weights import load_model

VALUES = ("first", "second")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Five cells. The second value is right once for the first attribute, never for the others."""
    root = tmp_path_factory.mktemp("sets")
    (root / "pbc" / "monocyte").mkdir(parents=True)
    (root / "wbcatt").mkdir()
    rng = np.random.default_rng(0)
    with (root / "wbcatt" / "pbc_attr_v1_test.csv").open("w", newline="") as handle:
        table = csv.writer(handle)
        table.writerow(["img_name", "label", *ATTRIBUTES])
        for number in range(5):
            pixels = rng.integers(0, 255, (120, 110, 3)).astype(np.uint8)
            cv2.imwrite(str(root / "pbc" / "monocyte" / f"MO_{number}.jpg"), pixels)
            first = VALUES[number == 4]
            row = [first, *[VALUES[0]] * (len(ATTRIBUTES) - 1)]
            table.writerow([f"MO_{number}.jpg", "Monocyte", *row])
    return root


@pytest.fixture(scope="module")
def model(tmp_path_factory, known_models):
    folder = tmp_path_factory.mktemp("attributes")
    for suffix in (".safetensors", ".onnx", ".json"):
        shutil.copy(known_models["monocyte"].with_suffix(suffix), folder)
    return load_model(folder / known_models["monocyte"].name)


@pytest.fixture(scope="module")
def figures(data, model):
    assert evaluate_attributes(data, model, frozenset()) == {}, "no heads were fitted yet"
    width = answers_of([np.zeros((128, 128, 3), np.uint8)], model).features.shape[1]
    rows = len(VALUES) * len(ATTRIBUTES)
    tensors: dict[str, np.ndarray] = {
        "attributes.weight": np.zeros((rows, width), np.float16),
        "attributes.bias": np.tile(np.array([1, 0], np.float32), len(ATTRIBUTES)),
        # The suite reads none of these, but every card has them.
        "axes.mean": np.zeros(width, np.float32),
        "axes.basis": np.zeros((2, width), np.float32),
        "novelty.means": np.zeros((1, 2), np.float32),
        "novelty.whiten": np.eye(2, dtype=np.float32),
        "novelty.weight": np.zeros(2, np.float32),
    }
    limits = {"temperature": 1.0, "set_limit": 0.5, "wide_limit": 0.1, "abstain_below": 0.5}
    card = UncertaintyCard.model_validate(
        {
            "critical": {"limit": 0.2},
            "calibration": {"familiar": limits, "unfamiliar": limits},
            "novelty": {"bias": 0.0, "not_a_cell_limit": 0.5, "familiar_limit": 2.0},
            "attributes": {"values": {name: list(VALUES) for name in ATTRIBUTES}},
        }
    )
    save_uncertainty(model, card, tensors)
    return evaluate_attributes(data, model, frozenset({"MO_3.jpg", "MO_4.jpg"}))


def test_each_attribute_has_its_accuracy_beside_the_naive_baseline(figures):
    assert list(figures["attributes"]) == list(ATTRIBUTES)
    first, *others = figures["attributes"].values()
    assert (first["accuracy"]["value"], first["accuracy"]["n"]) == (pytest.approx(4 / 5), 5)
    assert first["majority_baseline"] == pytest.approx(4 / 5)
    assert all(row["accuracy"]["value"] == row["majority_baseline"] == 1 for row in others)
    mean = (4 / 5 + len(ATTRIBUTES) - 1) / len(ATTRIBUTES)
    assert figures["mean_accuracy"] == pytest.approx(mean)


def test_pictures_not_trained_on_are_counted_apart(figures):
    row = figures["attributes"][ATTRIBUTES[0]]["accuracy_of_pictures_not_trained_on"]
    assert (row["value"], row["n"]) == (pytest.approx(1 / 2), 2)


def test_without_the_tables_there_are_no_figures(figures, model, tmp_path):
    assert evaluate_attributes(tmp_path, model, frozenset()) == {}
