"""The head for the stages of immature granulocytes, on features whose stage is plain."""

import numpy as np

from core.datasets.public import pbc
from core.datasets.public.pbc import LabelledCell
from core.inference.white_cell.stages import STAGES, named_stage
from core.training.white_cells.stages import fit_stages, naming_limit


def test_the_limit_is_the_lowest_that_keeps_nine_of_ten_right():
    surest = np.array([0.99, 0.98, 0.97, 0.96, 0.95, 0.94, 0.93, 0.92, 0.91, 0.5, 0.4])
    right = np.array([True] * 8 + [False, True, False])
    # Ten cells with one mistake reach 0.5; the eleventh would be a second one.
    assert naming_limit(surest, right) == 0.5
    assert naming_limit(surest, np.zeros(11, bool)) == 1.0


def _cells(rng, number):
    """Features of three stages along an axis each, of very different scales."""
    labels = [STAGES[n % 3] for n in range(number)]
    features = rng.normal(0, 1, (number, 6))
    for row, name in zip(features, labels, strict=True):
        row[STAGES.index(name)] += 9
    return (features * [100, 0.01, 1, 1, 1, 1] + 40).astype(np.float32), labels


def test_the_head_reads_features_as_they_come():
    rng = np.random.default_rng(0)
    head = fit_stages(_cells(rng, 120), _cells(rng, 60))
    features, labels = _cells(rng, 60)
    scores = features @ head.weight.T + head.bias
    assert [STAGES[i] for i in scores.argmax(axis=1)] == labels
    accuracy = head.card.validation["accuracy"]
    assert isinstance(accuracy, float) and accuracy > 0.98 and head.card.limit < 1


def test_nothing_is_named_below_the_limit():
    shares = {"promyelocyte": 0.2, "myelocyte": 0.7, "metamyelocyte": 0.1}
    assert named_stage(shares, 0.7) == "myelocyte"
    assert named_stage(shares, 0.71) == ""
    assert named_stage({}, 0.0) == ""


def test_the_prefix_of_a_file_names_its_stage(tmp_path):
    names = {"ig/PMY_1": "promyelocyte", "ig/MY_2": "myelocyte", "ig/MMY_3": "metamyelocyte"}
    for name, stage in {**names, "ig/IG_4": None, "monocyte/MY_5": None}.items():
        cell = LabelledCell(tmp_path / f"{name}.jpg", "immature_granulocyte")
        assert pbc.stage_of(cell) == stage
