"""Fields whose annotation missed cells: what a locator adds, and what becomes doubtful."""

import cv2
import numpy as np
import pytest
import torch

from core.datasets.fields import LabelledField
from core.imaging.synthetic import draw
from core.inference.locate.peaks import box_iou
from core.models import registry
from core.taxonomy import KINDS
from core.training.counts.field_parts import field_parts
from core.training.locator import completed_fields
from core.training.locator.completed_fields import complete, completed_training_fields
from core.training.locator.data import LocatorExamples
from core.training.locator.recipe import heat_loss

RBC = KINDS.index("rbc")


@pytest.fixture(scope="module")
def annotated(tmp_path_factory):
    """A drawn field with every cell annotated."""
    item = draw(5, width=640, height=480, rbc_diameter_px=72)
    path = tmp_path_factory.mktemp("fields") / "drawn.png"
    cv2.imwrite(str(path), item.field.pixels[:, :, ::-1])
    boxes = np.array([cell.box_xyxy_px for cell in item.cells], np.float32)
    return LabelledField(path, boxes, np.array([KINDS.index(cell.kind) for cell in item.cells]))


def _without(field, dropped):
    left = np.setdiff1d(np.arange(len(field.kinds)), dropped)
    return LabelledField(field.path, field.boxes_xyxy_px[left], field.kinds[left])


def test_red_cells_that_nobody_marked_are_added(annotated):
    red = np.flatnonzero(annotated.kinds == RBC)
    poor = _without(annotated, red[:8])
    completed = complete(poor, registry.live("locator"))
    added = completed.boxes_xyxy_px[len(poor.kinds) :]
    assert (completed.kinds[len(poor.kinds) :] == RBC).all()
    overlap = box_iou(annotated.boxes_xyxy_px[red[:8]], added).max(axis=1)
    assert (overlap > 0.5).sum() >= 7
    # What was marked is there once, not once more.
    assert len(completed.kinds) <= len(annotated.kinds) + 2


def test_a_platelet_or_white_cell_that_nobody_marked_is_doubtful_and_no_cell(annotated):
    others = np.flatnonzero(annotated.kinds != RBC)
    poor = _without(annotated, others)
    completed = complete(poor, registry.live("locator"))
    assert (completed.kinds == RBC).all()
    overlap = box_iou(annotated.boxes_xyxy_px[others], completed.doubtful_boxes_xyxy_px)
    assert (overlap.max(axis=1) > 0.3).mean() >= 0.8
    assert completed.counts()[1:].tolist() == [0, 0]


def test_an_answer_at_a_doubtful_place_is_neither_rewarded_nor_punished(annotated):
    other = int(np.flatnonzero(annotated.kinds != RBC)[0])
    poor = _without(annotated, [other])
    field = LabelledField(
        poor.path,
        poor.boxes_xyxy_px,
        poor.kinds,
        annotated.boxes_xyxy_px[[other]],
        annotated.kinds[[other]],
    )
    kind = int(annotated.kinds[other])
    plain = LocatorExamples([poor], seed=0, augment=False)[(0, 0)]
    spared = LocatorExamples([field], seed=0, augment=False)[(0, 0)]
    assert plain["known"][kind].all()
    rows, columns = (spared["known"][kind] == 0).nonzero()[0].tolist()
    silent = torch.full_like(plain["heat"], -9.0)[None]
    loud = silent.clone()
    loud[0, kind, rows, columns] = 9.0
    heat, known = spared["heat"][None], spared["known"][None]
    assert heat_loss(loud, heat, known) == heat_loss(silent, heat, known)
    assert heat_loss(loud, heat, plain["known"][None]) > heat_loss(silent, heat, known)


def test_parts_of_a_wide_field_hold_the_cells_that_can_be_seen_in_them(annotated):
    parts = field_parts([annotated], each=3, seed=0)
    assert len(parts) == 3
    for part in parts:
        assert part.window is not None
        x0, y0, x1, y1 = part.window
        assert 0 <= x0 < x1 <= 640 and 0 <= y0 < y1 <= 480
        middle = (annotated.boxes_xyxy_px[:, :2] + annotated.boxes_xyxy_px[:, 2:]) / 2
        inside = (middle > (x0, y0)).all(axis=1) & (middle < (x1, y1)).all(axis=1)
        # Whoever has its middle inside is counted; a cell at the cut may be one more.
        certain = np.bincount(annotated.kinds[inside], minlength=3)
        assert (part.counts() >= certain).all()
        assert part.counts().sum() <= len(annotated.kinds)
    assert [part.window for part in field_parts([annotated], each=3, seed=0)] == [
        part.window for part in parts
    ]


def test_a_part_with_a_doubtful_place_is_not_counted(annotated):
    spots = np.array([[x, y, x + 20, y + 20] for x in range(0, 640, 40) for y in range(0, 480, 40)])
    spotted = LabelledField(
        annotated.path,
        annotated.boxes_xyxy_px,
        annotated.kinds,
        spots.astype(np.float32),
        np.full(len(spots), RBC),
    )
    assert field_parts([spotted], each=2, seed=0) == []


def test_a_resumed_run_completes_with_the_locator_it_began_with(tmp_path, monkeypatch, annotated):
    monkeypatch.setattr(completed_fields, "parts", lambda data: [[annotated], [], []])
    first = completed_training_fields(tmp_path, tmp_path / "run")
    # Another locator goes live: the run does not ask for it again.
    monkeypatch.setattr(registry, "live", lambda task: pytest.fail(f"asked for the live {task}"))
    (again,) = completed_training_fields(tmp_path, tmp_path / "run")
    assert (again.boxes_xyxy_px == first[0].boxes_xyxy_px).all()
