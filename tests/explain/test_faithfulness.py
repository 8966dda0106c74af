import numpy as np
import pytest
import torch
from torch import nn

from core.explain.faithfulness import check_map, delete, marked_area, random_masks
from core.explain.gradcam import explain_class, grad_cam
from core.explain.verdict import class_verdict, count_verdict
from core.imaging.synthetic import draw
from core.inference.locate.cell_crop import crop_cell
from core.inference.white_cell.features import logits_of
from core.models import registry
from core.models.cards import WhiteCellCard

PLACE = np.s_[20:40, 20:40]


class DarkSpot(nn.Module):
    """Its score is how dark the picture is in one known place: the true map is known by hand."""

    def __init__(self):
        super().__init__()
        self.last = nn.Linear(1, 1)

    def forward(self, images):
        return self.last(1 - images[:, :, PLACE[0], PLACE[1]].mean(dim=(1, 2, 3))[:, None])


@pytest.fixture
def module():
    torch.manual_seed(0)
    found = DarkSpot()
    with torch.no_grad():
        found.last.weight.fill_(1.0)
    return found


@pytest.fixture
def pixels():
    picture = np.full((64, 64, 3), 230, np.uint8)
    picture[PLACE] = 20
    return picture


@pytest.fixture
def true_map():
    heat = np.zeros((64, 64), np.float32)
    heat[PLACE] = 1
    return heat


def noise(seed):
    return np.random.default_rng(seed).random((64, 64)).astype(np.float32)


def verdict(heat, pixels, module, map_of=lambda _: noise(1)):
    return check_map(
        heat, pixels, module, score=lambda out: out[:, 0], last=module.last, map_of=map_of
    )


def test_the_true_map_is_believed(module, pixels, true_map):
    found = verdict(true_map, pixels, module)
    assert found.reliable and not found.reason
    assert found.drop > found.random_drop and abs(found.similarity) < 0.2


def test_a_map_that_marks_another_place_is_not(module, pixels, true_map):
    found = verdict(np.roll(true_map, 30, axis=(0, 1)), pixels, module)
    assert not found.reliable
    assert "taking away what it marks" in found.reason


def test_a_map_that_survives_random_weights_is_not(module, pixels, true_map):
    found = verdict(true_map, pixels, module, map_of=lambda _: true_map)
    assert not found.reliable and found.similarity == pytest.approx(1)
    assert found.drop > found.random_drop
    assert "random last weights" in found.reason


def test_the_map_is_asked_of_changed_copies_only(module, pixels, true_map):
    before = module.last.weight.detach().clone()
    weights = []

    def map_of(other):
        weights.append(float(other.last.weight))
        return noise(len(weights))

    verdict(true_map, pixels, module, map_of)
    assert torch.equal(module.last.weight, before)
    assert len(weights) == 3 and len({*weights, 1.0}) == 4


def test_an_empty_map_marks_nothing(module, pixels, true_map):
    found = verdict(np.zeros_like(true_map), pixels, module)
    assert not found.reliable and found.reason == "the map marks nothing"


def test_same_seed_same_verdict(module, pixels):
    assert verdict(noise(3), pixels, module) == verdict(noise(3), pixels, module)


def test_refuses_what_does_not_fit(module, pixels, true_map):
    with pytest.raises(ValueError, match="does not fit"):
        verdict(true_map[:10], pixels, module)
    with pytest.raises(ValueError, match="no part of the module"):
        check_map(
            true_map,
            pixels,
            module,
            score=lambda out: out[:, 0],
            last=nn.Linear(1, 1),
            map_of=lambda _: noise(1),
        )


def test_the_same_area_is_deleted_elsewhere():
    marked = marked_area(noise(5), 0.2)
    assert marked.sum() == round(0.2 * 64 * 64)
    moved = random_masks(marked, 6, np.random.default_rng(0))
    assert [place.sum() for place in moved] == [marked.sum()] * 6
    assert not any(np.array_equal(place, marked) for place in moved)


def test_deleting_leaves_the_rest_as_it_was(pixels, true_map):
    gone = delete(pixels, true_map > 0)
    assert np.abs(gone[PLACE][5:-5, 5:-5].astype(int) - 20).min() > 60
    assert np.array_equal(gone[:10], pixels[:10])


@pytest.fixture(scope="module")
def cell():
    """A drawn field, its white cell's true box, and that cell as the classifier sees it."""
    item = draw(21, width=320, height=240, wbc=["lymphocyte"], rbc_diameter_px=50)
    box = next(one.box_xyxy_px for one in item.cells if one.kind == "wbc")
    return item, box, crop_cell(item.field.pixels, box, item.rbc_diameter_px)


def test_the_drop_of_a_class_is_that_of_its_log_probability(cell):
    crop, live = cell[2], registry.live("wbc")
    label = live.card_as(WhiteCellCard).classes[2]
    heat = explain_class(crop, label, live)
    found = class_verdict(crop, label, heat, live)
    # The same by ONNX Runtime and numpy.
    logits = logits_of([crop, delete(crop, marked_area(heat))], live).astype(float)
    scores = logits[:, 2] - np.log(np.exp(logits).sum(axis=1))
    assert found.drop == pytest.approx(scores[0] - scores[1], abs=1e-2)
    with pytest.raises(ValueError, match="does not know"):
        class_verdict(crop, "sickle", heat, live)


def test_a_count_map_is_judged_at_the_size_of_the_field(cell):
    item, box, _ = cell
    heat = np.zeros(item.field.pixels.shape[:2], np.float32)
    x0, y0, x1, y1 = (round(v) for v in box)
    heat[y0:y1, x0:x1] = 1
    found = count_verdict(
        item.field.pixels, "wbc", item.rbc_diameter_px, heat, registry.live("locator")
    )
    assert found.drop > 5 * abs(found.random_drop)


def test_grad_cam_of_any_module_needs_no_classifier():
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    heat = grad_cam(net, net[0], np.full((32, 32, 3), 90, np.uint8), lambda out: out.sum())
    assert heat.shape == (32, 32)
