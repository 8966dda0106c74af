"""Average precision against torchmetrics over pycocotools, which share no code with ours."""

import numpy as np
import pytest
import torch

from core.datasets.fields import LabelledField
from core.evaluation.boxes_elsewhere import boxes_elsewhere
from core.evaluation.detection import average_precision, map50
from core.imaging import synthetic
from core.inference.locate.locator import locate, thresholds_of
from core.inference.locate.peaks import Peaks
from core.models import registry
from core.taxonomy import KINDS


def _field(rng):
    corner = rng.uniform(0, 400, (rng.integers(0, 12), 2))
    boxes = np.concatenate([corner, corner + rng.uniform(20, 80, corner.shape)], axis=1)
    kinds = rng.integers(0, 3, len(boxes))
    moved = np.repeat(boxes, 2, axis=0) + rng.normal(0, 6, (2 * len(boxes), 4))
    predicted = np.where(
        rng.random(len(moved)) < 0.85, np.repeat(kinds, 2), rng.integers(0, 3, len(moved))
    )
    moved = np.concatenate([moved[:, :2], np.maximum(moved[:, 2:], moved[:, :2] + 5)], axis=1)
    keep = rng.random(len(moved)) < 0.7
    return boxes, kinds, moved[keep], predicted[keep], rng.random(int(keep.sum()))


@pytest.mark.parametrize("seed", range(5))
def test_as_torchmetrics(seed):
    from torchmetrics.detection import MeanAveragePrecision

    rng = np.random.default_rng(seed)
    fields = [_field(rng) for _ in range(12)]
    found = [
        Peaks(b.astype(np.float32), s.astype(np.float32), k.astype(np.int64))
        for _, _, b, k, s in fields
    ]
    ours = map50(found, [(b, k) for b, k, *_ in fields])
    # Its own recalls are in single precision, a hair beside 1/3 and the like.
    metric = MeanAveragePrecision(
        iou_thresholds=[0.5], rec_thresholds=np.linspace(0, 1, 101).tolist(), class_metrics=True
    )
    metric.update(
        [
            {"boxes": torch.tensor(b), "scores": torch.tensor(s), "labels": torch.tensor(k)}
            for _, _, b, k, s in fields
        ],
        [{"boxes": torch.tensor(b), "labels": torch.tensor(k)} for b, k, *_ in fields],
    )
    theirs = metric.compute()
    assert ours["map50"] == pytest.approx(float(theirs["map"]), abs=1e-6)
    for place, kind in enumerate(KINDS):
        assert ours[kind] == pytest.approx(float(theirs["map_per_class"][place]), abs=1e-6)


def test_nothing_labelled_has_no_precision():
    assert average_precision([(np.zeros((0, 4)), np.zeros(0))], [np.zeros((0, 4))]) is None


def test_nothing_found_is_zero():
    assert average_precision([(np.zeros((0, 4)), np.zeros(0))], [np.array([[0, 0, 9, 9.0]])]) == 0


def test_fields_must_pair():
    with pytest.raises(ValueError, match="1 fields found, 2 labelled"):
        average_precision([(np.zeros((0, 4)), np.zeros(0))], [np.zeros((0, 4))] * 2)


def test_found_and_annotated_cells_are_counted_by_kind(tmp_path):
    drawn = synthetic.draw(5, width=320, height=240, rbc_diameter_px=40)
    path = tmp_path / "field.png"
    path.write_bytes(synthetic.png_bytes(drawn.field))
    locator = registry.live("locator")
    found = locate(drawn.field.pixels, locator).peaks.above(thresholds_of(locator))
    red = np.flatnonzero(found.kinds == KINDS.index("rbc"))
    assert len(red) >= 4
    # What is found is annotated, but for one red cell; one that nobody finds is annotated besides.
    keep = np.setdiff1d(np.arange(len(found)), red[:1])
    nowhere = np.array([[-90, -90, -60, -60]], np.float32)
    field = LabelledField(
        path,
        np.concatenate([found.boxes_xyxy[keep], nowhere]),
        np.append(found.kinds[keep], KINDS.index("rbc")),
    )
    rows = boxes_elsewhere([field], locator)
    assert rows["fields"] == 1
    share = (len(red) - 1) / len(red)
    assert rows["rbc"]["recall"]["value"] == rows["rbc"]["precision"]["value"] == share
    assert rows["wbc"]["recall"]["value"] in (None, 1.0)
