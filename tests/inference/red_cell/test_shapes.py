"""The shapes of a field's cells: who is judged, by which limits, and what turning it off leaves."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from core.imaging.synthetic import draw
from core.inference.red_cell.shapes import named, overlaps, probabilities, shapes
from core.inference.smear import analyse, recount
from core.models import registry
from core.models.cards import RedCellArchitecture, RedCellCard
from core.models.weights import WeightsRefused, build, save_model, write_card
from core.records.red_cell import SHAPES


@pytest.fixture(scope="module")
def untrained(tmp_path_factory):
    """A network of random weights: it answers something, each time the same."""
    torch.manual_seed(0)
    architecture = RedCellArchitecture(classes=SHAPES)
    file = tmp_path_factory.mktemp("models") / "red_cells.safetensors"
    return save_model(file, build(architecture), RedCellCard(architecture=architecture))


@pytest.fixture(scope="module")
def models(untrained):
    return replace(registry.smear_models(), red_cells=untrained)


@pytest.fixture(scope="module")
def finding(models):
    return analyse(draw(100).field, models)


def test_every_red_cell_has_a_shape_or_the_reason_why_not(finding, untrained):
    red = finding.cells_of("rbc")
    assert len(red) > 10
    for cell in red:
        assert cell.shape.model == untrained.identity
        assert bool(cell.shape.label) == (cell.shape.not_judged in ("", "unclear"))
    judged = [cell for cell in red if not cell.shape.not_judged]
    assert judged and all(
        sum(cell.shape.probabilities.values()) == pytest.approx(1) for cell in judged
    )
    assert all(cell.shape is None for cell in finding.cells if cell.kind != "rbc")


def test_cells_at_the_border_and_on_others_are_not_judged(finding):
    boxes = [cell.box_xyxy_px for cell in finding.cells]
    covered = overlaps(boxes)
    for cell, share in zip(finding.cells, covered, strict=True):
        if cell.shape is None:
            continue
        x0, y0, x1, y1 = cell.box_xyxy_px
        if x0 < 1 or y0 < 1 or x1 > finding.width - 1 or y1 > finding.height - 1:
            assert cell.shape.not_judged == "cut_by_border"
        elif share > 0.15:
            assert cell.shape.not_judged in ("overlapped", "cut_by_border")


def test_all_else_is_as_without_shapes(finding, models):
    without = analyse(draw(100).field, replace(models, red_cells=None))
    assert all(cell.shape is None for cell in without.cells)
    bare = tuple(replace(cell, shape=None) for cell in finding.cells)
    assert replace(finding, cells=bare) == without


def test_json_has_the_shape_only_where_it_was_asked_for(finding, models):
    row: Any = finding.as_json()["cells"]
    red = next(cell for cell in row if cell["kind"] == "rbc")
    assert set(red["shape"]) == {
        "class", "probability", "judged", "not_judged", "measures", "model",
    }  # fmt: skip
    without: Any = analyse(draw(100).field, replace(models, red_cells=None)).as_json()["cells"]
    assert all("shape" not in cell for cell in without)


def test_shapes_survive_a_recount(finding):
    assert recount(finding, "chamber").cells == finding.cells


def test_the_setting_turns_it_off(monkeypatch, untrained):
    from core.settings import settings

    monkeypatch.setattr(registry, "_load", lambda path: untrained)
    monkeypatch.setattr(registry, "promoted", lambda task: "red_cells.safetensors")
    on = settings().model_copy(update={"red_cell_shapes": True})
    monkeypatch.setattr(registry, "settings", lambda: on)
    assert registry.red_cells() is untrained
    off = settings().model_copy(update={"red_cell_shapes": False})
    monkeypatch.setattr(registry, "settings", lambda: off)
    assert registry.red_cells() is None


def test_without_weights_it_is_off(monkeypatch, tmp_path):
    from core.settings import settings

    bare = settings().model_copy(
        update={"weights": tmp_path, "var": tmp_path, "red_cell_shapes": True}
    )
    monkeypatch.setattr(registry, "settings", lambda: bare)
    assert registry.red_cells() is None


def test_each_shape_has_its_own_limit(untrained):
    card = untrained.card.model_copy(
        update={"abstain_below": 0.5, "least_probability": {"schistocyte": 0.9}}
    )
    row = np.zeros(len(SHAPES))
    row[SHAPES.index("schistocyte")], row[0] = 0.8, 0.2
    assert named(row, card) == ("schistocyte", False)
    row[[0, SHAPES.index("schistocyte")]] = 0.8, 0.2
    assert named(row, card) == ("normal", True)


def test_limits_make_cells_unclear(untrained, finding):
    field = draw(100).field
    write_card(untrained.path, untrained.card.model_copy(update={"abstain_below": 1.0}))
    try:
        from core.models.weights import load_model

        bare = [replace(cell, shape=None) for cell in finding.cells]
        judged = shapes(field, bare, load_model(untrained.path), finding.rbc_diameter_px)
        reasons = {cell.shape.not_judged for cell in judged if cell.shape}
        assert "" not in reasons and "unclear" in reasons
    finally:
        write_card(untrained.path, untrained.card)


def test_no_scale_no_shape(untrained, finding):
    bare = [replace(cell, shape=None) for cell in finding.cells]
    assert shapes(draw(100).field, bare, untrained, None) == bare


def test_a_model_for_another_task_is_refused(finding):
    with pytest.raises(WeightsRefused, match="red_cells"):
        shapes(draw(100).field, finding.cells, registry.live("counts"), finding.rbc_diameter_px)


def test_the_network_is_blind_to_a_turn_of_the_colours(untrained):
    """Only darkness is read: a field tinted as a whole gives the same crops."""
    from core.inference.red_cell.outlines import outline

    item = draw(100)
    boxes = [cell.box_xyxy_px for cell in item.cells if cell.kind == "rbc"]
    tinted = np.clip(item.field.pixels * np.array([0.95, 0.8, 0.9]), 0, 255).astype(np.uint8)
    first, second = (
        np.stack([cell.crop for cell in outline(pixels, boxes, range(len(boxes)), 70.0)])
        for pixels in (item.field.pixels, tinted)
    )
    assert np.abs(first.astype(int) - second).mean() < 3
    assert probabilities(list(first), untrained).shape == (len(boxes), len(SHAPES))
