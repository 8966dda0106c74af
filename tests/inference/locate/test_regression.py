"""The second way of counting: its map, its intervals, its flag."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from core.evaluation.erasing import erased, free_cells
from core.imaging.synthetic import draw
from core.inference.locate.regression import (
    count_by_regression,
    density_copy,
    density_map,
    disagreement,
)
from core.inference.smear import analyse, recount
from core.models import registry
from core.records import CellCounts, Estimate
from core.settings import settings
from core.taxonomy import KINDS


@pytest.fixture(scope="module")
def drawn():
    return draw(205)


@pytest.fixture(scope="module")
def finding(drawn):
    return analyse(drawn.field, registry.smear_models())


def test_the_count_is_the_sum_of_a_map_that_is_nowhere_negative(drawn, finding):
    planes = density_map(drawn.field.pixels, finding.rbc_diameter_px, registry.live("counts"))
    counts = count_by_regression(
        drawn.field.pixels, finding.rbc_diameter_px, registry.live("counts")
    )
    assert planes.min() >= 0
    for plane, kind in zip(planes, KINDS, strict=True):
        assert float(plane.sum()) == pytest.approx(counts.of(kind).value, rel=1e-5)


def test_a_wide_view_is_counted_in_tiles_that_add_up(drawn, monkeypatch):
    from core.inference.locate import regression, tiles

    whole = density_map(drawn.field.pixels, 50.0, registry.live("counts"))
    calls: list[tiles.Tile] = []

    def small_tiles(height, width, **given):
        calls.extend(tiles.tiles(height, width, **{**given, "longest": 160}))
        return calls

    monkeypatch.setattr(regression, "tiles", small_tiles)
    parts = density_map(drawn.field.pixels, 50.0, registry.live("counts"))
    assert len(calls) > 4
    assert parts.shape == whole.shape
    assert parts.sum() == pytest.approx(whole.sum(), rel=0.05)


@pytest.mark.parametrize(("height", "width", "diameter"), [(480, 640, 103.0), (360, 363, 80.0)])
def test_the_network_sees_red_cells_fifty_pixels_wide(height, width, diameter):
    small = density_copy(np.zeros((height, width, 3), np.uint8), diameter)
    assert small.shape[0] % 16 == small.shape[1] % 16 == 0
    assert diameter * small.shape[1] / width == pytest.approx(50, rel=0.06)


def test_a_finding_holds_both_counts_and_can_be_switched(drawn, finding):
    other = recount(finding, "chamber", "regression")
    assert (other.method, other.model) == ("regression", finding.regression_model)
    assert other.counts == finding.regressed
    assert other.counting_rule == "all_visible"
    assert other.cells == finding.cells
    assert recount(other, "all_visible") == finding
    assert analyse(drawn.field, registry.smear_models(), method="regression") == other


def test_a_finding_is_recounted_by_the_locator_that_made_it(drawn, shipped_elsewhere):
    """Another locator goes live with intervals of its own; the earlier finding keeps its own."""
    before = analyse(drawn.field, registry.smear_models())
    registry.set_live("locator", shipped_elsewhere({"rbc": 9.0, "wbc": 9.0, "platelet": 9.0}))
    now = analyse(drawn.field, registry.smear_models())
    assert now.model != before.model and now.counts.rbc.low < before.counts.rbc.low
    assert recount(before, "all_visible") == before
    there = recount(before, "all_visible", "regression")
    assert recount(there, "all_visible", "locator") == before
    chamber = recount(before, "chamber")
    assert chamber.model == before.model
    assert chamber.counts.rbc.high - chamber.counts.rbc.low < 10


def test_a_finding_kept_without_its_locator_is_not_guessed(finding):
    old = replace(finding, locator=None)
    assert recount(old, "all_visible") == old
    with pytest.raises(ValueError, match="without the interval scale of the locator"):
        recount(old, "chamber")
    other = recount(old, "all_visible", "regression")
    with pytest.raises(ValueError, match="analyse the picture again"):
        recount(other, "all_visible")


def test_a_finding_kept_without_regression_cannot_be_switched(finding):
    with pytest.raises(ValueError, match="by the locator only"):
        recount(replace(finding, regressed=None), "all_visible", "regression")


@pytest.fixture
def shipped_elsewhere(tmp_path, monkeypatch):
    """A copy of the shipped locator in ``var/models``, with another name and interval scale."""
    shipped = registry.live("locator").path
    monkeypatch.setattr(settings(), "var", tmp_path)
    folder = tmp_path / registry.MODELS
    folder.mkdir()

    def make(scale):
        for suffix in (".safetensors", ".onnx"):
            shutil.copy(shipped.with_suffix(suffix), folder / f"another{suffix}")
        card = json.loads(shipped.with_suffix(".json").read_text())
        card |= {"name": "another", "interval_scale": scale}
        (folder / "another.json").write_text(json.dumps(card))
        return "another.safetensors"

    return make


def _counts(rbc):
    one = Estimate(1, 1, 1)
    return CellCounts(rbc, one, one)


@pytest.mark.parametrize(
    ("located", "regressed", "flagged"),
    [
        (Estimate(23, 21, 25), Estimate(27, 24, 30), False),
        (Estimate(23, 21, 25), Estimate(27, 25, 29), False),
        (Estimate(23, 21, 25), Estimate(28.4, 26, 31), True),
        (Estimate(30, 28, 32), Estimate(20, 17, 23), True),
        # Both are 0 in words, so there is no disagreement to show.
        (Estimate(0, 0, 0), Estimate(0.4, 0.2, 0.5), False),
    ],
)
def test_the_flag_is_up_where_the_intervals_do_not_meet(located, regressed, flagged):
    flag = disagreement(_counts(located), _counts(regressed))
    assert (flag is not None) == flagged
    if flag is not None:
        assert flag.code == "methods_disagree"
        assert f"red cells {located.value:.0f} located" in flag.message


@pytest.mark.parametrize(
    ("located", "regressed", "view", "flagged"),
    [
        # A white cell too many in a view three times as wide as those learnt from is no news.
        ((60, 1, 2), (61, 2.4, 2), 3, False),
        ((25, 1, 2), (25, 2.4, 2), 1, True),
        ((120, 0, 0), (128, 2.8, 1), 5, False),
        # One platelet more than the other count is none either, two are.
        ((25, 1, 0), (25, 1, 2.6), 1, False),
        ((25, 1, 0), (25, 1, 2.9), 1, True),
        # A third of the red cells missed is, in every view.
        ((16, 1, 2), (25, 1, 2), 1, True),
        ((47, 1, 2), (70, 1, 2), 3, True),
        ((80, 0, 0), (120, 2, 0), 5, True),
        # White cells that are none.
        ((49, 8, 8), (56, 2, 8), 3, True),
    ],
)
def test_a_wider_view_may_differ_more_but_not_by_a_third(located, regressed, view, flagged):
    one, other = (_around(values) for values in (located, regressed))
    assert (disagreement(one, other, 28.4 * view) is not None) == flagged


def _around(values):
    """Intervals about as wide as those of the shipped models."""
    estimates = {}
    for kind, value, scale in zip(KINDS, values, (0.7, 0.1, 0.6), strict=True):
        reach = scale * (value + 1) ** 0.5
        estimates[kind] = Estimate(value, max(0.0, value - reach), value + reach)
    return CellCounts(**estimates)


def test_erasing_one_red_cell_lowers_the_sum_by_about_one(data_dir):
    """On real fields, cells lying free; the whole test part is measured in the model's card."""
    from core.datasets.fields import read_rgb
    from core.datasets.public import cbc
    from core.evaluation.count_suite import as_taken
    from core.evaluation.locator_suite import relabelled_copies

    fields = cbc.load(data_dir / "cbc", "Testing")
    pictures = [read_rgb(field.path) for field in fields]
    falls, model = [], registry.live("counts")
    for pixels, field in zip(
        pictures, as_taken(relabelled_copies(data_dir, fields), pictures), strict=True
    ):
        for place in free_cells(field, KINDS.index("rbc"), pixels.shape[1], pixels.shape[0])[:1]:
            without = erased(pixels, field.boxes_xyxy_px[place])
            before, after = (
                float(density_map(p, 103.0, model)[0].sum()) for p in (pixels, without)
            )
            falls.append(before - after)
    assert len(falls) >= 8
    assert np.mean(falls) == pytest.approx(1, abs=0.3)
