"""Targets and augmentation: what the locator learns from."""

import cv2
import numpy as np
import pytest
import torch

from core.datasets.fields import LabelledField
from core.imaging.synthetic import draw
from core.inference.locate.peaks import box_iou, find_peaks
from core.models.locator import STRIDE
from core.taxonomy import KINDS
from core.training.augment import flip_and_turn, vary_sharpness, vary_stain
from core.training.locator.data import LocatorExamples
from core.training.locator.recipe import heat_loss
from core.training.locator.targets import draw_targets


@pytest.fixture(scope="module")
def field(tmp_path_factory):
    item = draw(3, width=400, height=300, rbc_diameter_px=70)
    path = tmp_path_factory.mktemp("fields") / "drawn.png"
    cv2.imwrite(str(path), item.field.pixels[:, :, ::-1])
    boxes = np.array([cell.box_xyxy_px for cell in item.cells], np.float32)
    return LabelledField(path, boxes, np.array([KINDS.index(cell.kind) for cell in item.cells]))


def test_targets_decode_to_the_boxes_they_were_drawn_from():
    boxes = np.array([[10, 20, 70, 72], [100, 100, 118, 120], [150, 30, 240, 130]], np.float32)
    kinds = np.array([0, 2, 1])
    targets = draw_targets(boxes, kinds, np.zeros(3, bool), 160, 256)
    rows, columns = np.mgrid[: 160 // STRIDE, : 256 // STRIDE]
    x, y = (columns + 0.5) * STRIDE, (rows + 0.5) * STRIDE
    sides = np.stack(
        [x - targets.boxes[0], y - targets.boxes[1], targets.boxes[2] - x, targets.boxes[3] - y]
    )
    peaks = find_peaks(targets.heat, sides.astype(np.float32), floor=0.9)
    assert sorted(peaks.kinds.tolist()) == [0, 1, 2]
    assert box_iou(boxes, peaks.boxes_xyxy).max(axis=1).min() > 0.98


def test_a_sliver_is_neither_asked_for_nor_punished():
    boxes = np.array([[0, 40, 6, 90], [100, 40, 150, 90]], np.float32)
    targets = draw_targets(boxes, np.array([0, 0]), np.array([True, False]), 128, 160)
    assert targets.heat[0].max() == 1
    assert (targets.heat == 1).sum() == 1
    assert (targets.known[0, 10:22, :2] == 0).all()
    assert targets.known[1:].all()
    silent = torch.full((1, 3, 32, 40), -9.0)
    silent[0, 0, 16, 31] = 9.0  # the whole cell is found
    loud = silent.clone()
    loud[0, 0, 15, 0] = 9.0  # and something where the sliver is
    heat, known = torch.from_numpy(targets.heat)[None], torch.from_numpy(targets.known)[None]
    assert heat_loss(loud, heat, known) == heat_loss(silent, heat, known)


def test_an_example_depends_on_seed_epoch_and_index_only(field):
    examples = LocatorExamples([field], seed=5, augment=True)
    first, again, later = examples[(0, 0)], examples[(0, 0)], examples[(1, 0)]
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert not torch.equal(first["image"], later["image"])
    assert not torch.equal(
        first["image"], LocatorExamples([field], seed=6, augment=True)[(0, 0)]["image"]
    )


def test_plain_examples_keep_every_cell(field):
    example = LocatorExamples([field], seed=0, augment=False)[(0, 0)]
    assert int((example["heat"] == 1).sum()) == len(field.kinds)
    assert example["known"].all()


@pytest.mark.parametrize("seed", range(8))
def test_turning_moves_boxes_with_their_pixels(seed):
    pixels = np.full((40, 60, 3), 255, np.uint8)
    pixels[5:15, 20:50] = 0
    turned, boxes = flip_and_turn(
        np.random.default_rng(seed), pixels, np.array([[20, 5, 50, 15]], np.float32)
    )
    x0, y0, x1, y1 = boxes[0].astype(int)
    assert (turned[y0:y1, x0:x1] == 0).all()
    assert (turned == 0).sum() == 10 * 30 * 3


def test_stain_and_sharpness_change_colours_not_shape():
    pixels = draw(1, width=200, height=200, rbc_diameter_px=40).field.pixels
    rng = np.random.default_rng(0)
    varied = [vary_sharpness(rng, vary_stain(rng, pixels)) for _ in range(20)]
    assert all(v.shape == pixels.shape and v.dtype == np.uint8 for v in varied)
    means = np.array([v.mean(axis=(0, 1)) for v in varied])
    assert (means.std(axis=0) > 8).all()
    # The cells stay where they are: light and dark places keep their order, whatever the colours.
    soft = [cv2.GaussianBlur(v, (0, 0), 3).mean(axis=2).ravel() for v in (pixels, *varied)]
    correlations = [np.corrcoef(soft[0], other)[0, 1] for other in soft[1:]]
    assert np.median(correlations) > 0.9
