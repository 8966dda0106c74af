"""Losses, thresholds and naive baseline of the locator's training, worked by hand."""

import numpy as np
import pytest
import torch

from core.datasets.intake.fields import CountedField
from core.inference.locate.peaks import Peaks
from core.models.locator import STRIDE, decode_boxes
from core.taxonomy import KINDS
from core.training.locator.job import count_facts
from core.training.locator.recipe import choose_thresholds, sides_loss


def field(tmp_path, *counts):
    return CountedField(tmp_path / "a.png", np.array(counts))


def test_boxes_that_fit_cost_nothing_and_far_ones_more():
    sides = torch.full((1, 4, 4, 4), 0.3)
    boxes = decode_boxes(sides)
    weight = torch.zeros(1, 4, 4)
    weight[0, 1, 2] = weight[0, 3, 0] = 1.0
    assert float(sides_loss(sides, boxes, weight)) == pytest.approx(0, abs=1e-5)
    near, far = (
        float(sides_loss(sides, boxes + pixels * STRIDE, weight)) for pixels in (0.5, 50.0)
    )
    assert 0 < near < far <= 5 * 2  # five times a loss of 1 - GIoU, which is below 2


def test_places_without_weight_are_not_learnt():
    sides, boxes = torch.full((1, 4, 4, 4), 0.3), torch.zeros(1, 4, 4, 4)
    weight = torch.zeros(1, 4, 4)
    assert float(sides_loss(sides, boxes, weight)) == 0


def peaks(*scores_of_kinds):
    scores = np.array([score for scores in scores_of_kinds for score in scores], np.float32)
    kinds = np.array([kind for kind, scores in enumerate(scores_of_kinds) for _ in scores])
    return Peaks(np.zeros((len(scores), 4), np.float32), scores, kinds)


def test_each_kind_has_the_threshold_with_the_smallest_count_error():
    found = [
        peaks([0.8, 0.7, 0.2], [0.9], [0.3]),
        peaks([0.9, 0.3, 0.2], [0.2], [0.3, 0.6]),
    ]
    truth = np.array([[2, 1, 1], [1, 0, 2]])
    thresholds, errors = choose_thresholds(found, truth)
    assert thresholds.shape == errors.shape == (len(KINDS),)
    assert errors.tolist() == [0, 0, 0]
    assert 0.3 < thresholds[0] <= 0.7 and 0.2 < thresholds[1] <= 0.9 and thresholds[2] <= 0.3


def test_the_naive_baseline_answers_the_training_medians(tmp_path):
    train = [field(tmp_path, 10, 1, 0), field(tmp_path, 12, 1, 2), field(tmp_path, 20, 3, 1)]
    facts = count_facts(train, [field(tmp_path, 14, 1, 1), field(tmp_path, 12, 0, 3)])
    # Medians 12, 1, 1: errors 2, 0, 0 and 0, 1, 2.
    assert facts["baseline"] == pytest.approx(1 + 0.5 + 1)
    assert facts["kinds"] == {"rbc": 42, "wbc": 5, "platelet": 3}
    assert (facts["training"], facts["validation"]) == (3, 2)
