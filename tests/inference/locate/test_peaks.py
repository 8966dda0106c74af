import numpy as np
import pytest
import torch
from torchvision.ops import box_iou as torchvision_iou

from core.inference.locate.peaks import box_iou, find_peaks, suppress


def random_boxes(seed: int, n: int = 60) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    corner = rng.uniform(0, 80, (n, 2))
    return np.concatenate([corner, corner + rng.uniform(5, 40, (n, 2))], axis=1), rng.random(n)


@pytest.mark.parametrize("seed", range(4))
def test_iou_agrees_with_torchvision(seed):
    boxes, _ = random_boxes(seed)
    tensor = torch.from_numpy(boxes)
    assert np.allclose(box_iou(boxes, boxes), torchvision_iou(tensor, tensor).numpy())


@pytest.mark.parametrize("seed", range(4))
def test_what_is_suppressed_overlaps_a_better_one_and_what_is_kept_does_not(seed):
    boxes, scores = random_boxes(seed)
    kept = suppress(boxes, scores, 0.4).tolist()
    assert scores[kept].tolist() == sorted(scores[kept], reverse=True)
    iou = box_iou(boxes, boxes)
    for i in range(len(boxes)):
        better = [k for k in kept if scores[k] > scores[i]]
        assert (i in kept) == (not better or iou[i, better].max() <= 0.4)


def test_a_peak_becomes_a_box_in_input_pixels():
    heat = np.zeros((3, 20, 30), np.float32)
    heat[1, 5, 7], heat[1, 5, 8] = 0.9, 0.5  # the lower neighbour is no peak
    sides = np.full((4, 20, 30), 12, np.float32)
    peaks = find_peaks(heat, sides)
    assert len(peaks) == 1
    assert peaks.kinds.tolist() == [1]
    assert peaks.boxes_xyxy[0].tolist() == pytest.approx([30 - 12, 22 - 12, 30 + 12, 22 + 12])


def test_boxes_stay_inside_and_thresholds_are_per_kind():
    heat = np.zeros((3, 20, 30), np.float32)
    heat[0, 0, 0], heat[2, 10, 10] = 0.3, 0.3
    peaks = find_peaks(heat, np.full((4, 20, 30), 50, np.float32))
    assert peaks.boxes_xyxy.min() >= 0
    assert peaks.boxes_xyxy[:, 2].max() <= 120
    kept = peaks.above(np.array([0.25, 0.5, 0.4], np.float32))
    assert kept.kinds.tolist() == [0]


def test_no_heat_no_cells():
    assert len(find_peaks(np.zeros((3, 8, 8), np.float32), np.zeros((4, 8, 8), np.float32))) == 0
