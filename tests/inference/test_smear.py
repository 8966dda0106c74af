"""The smear path on drawn fields, where the truth is exact, and on real ones where present."""

import cv2
import numpy as np
import pytest

from core.datasets.fields import read_rgb
from core.datasets.public import cbc
from core.evaluation.locator_suite import relabelled_copies
from core.imaging.synthetic import draw
from core.inference.locate.cell_crop import crop_cell
from core.inference.locate.edge import touches_edge
from core.inference.smear import analyse, recount
from core.inference.white_cell.classify import classify, prediction_set
from core.models import registry
from core.models.cards import LocatorCard
from core.records import Field
from core.taxonomy import KINDS


def resized(field: Field, zoom: float) -> Field:
    how = cv2.INTER_AREA if zoom < 1 else cv2.INTER_CUBIC
    return Field(
        field.name,
        cv2.resize(field.pixels, None, fx=zoom, fy=zoom, interpolation=how),
        field.sha256,
    )


@pytest.fixture(scope="module")
def drawn():
    return [draw(seed) for seed in range(100, 112)]


@pytest.fixture(scope="module")
def findings(drawn):
    return [analyse(item.field, registry.smear_models()) for item in drawn]


def test_red_cells_of_drawn_fields_are_counted_within_ten_per_cent(drawn, findings):
    true = np.array([item.count("rbc") for item in drawn])
    counted = np.array([finding.counts.rbc.value for finding in findings])
    assert np.abs(counted - true).mean() <= 0.1 * true.mean()


def test_the_drawn_white_cell_is_found_where_it_is(drawn, findings):
    hits = 0
    for item, finding in zip(drawn, findings, strict=True):
        (true,) = [cell.box_xyxy_px for cell in item.cells if cell.kind == "wbc"]
        for cell in finding.cells_of("wbc"):
            x0, y0, x1, y1 = cell.box_xyxy_px
            if true[0] < (x0 + x1) / 2 < true[2] and true[1] < (y0 + y1) / 2 < true[3]:
                hits += 1
                assert cell.wbc is not None
    assert hits >= len(drawn) - 1


def test_a_finding_is_complete_and_names_its_models(findings):
    for finding in findings:
        row = finding.as_json()
        assert list(row) == [
            "file",
            "width",
            "height",
            "method",
            "model",
            "included",
            "counts",
            "cells",
            "flags",
        ]
        assert row["counts"]["rbc"].keys() == {"value", "low", "high"}
        assert "@" in finding.model
        for cell in finding.cells:
            x0, y0, x1, y1 = cell.box_xyxy_px
            assert 0 <= x0 < x1 <= finding.width
            assert 0 <= y0 < y1 <= finding.height
            if cell.wbc:
                assert sum(cell.wbc.probabilities.values()) == pytest.approx(1)
                assert cell.wbc.label == max(
                    cell.wbc.probabilities, key=cell.wbc.probabilities.__getitem__
                )
                assert cell.wbc.label in cell.wbc.could_be
                assert set(cell.wbc.prediction_set) <= set(cell.wbc.could_be)


@pytest.mark.parametrize("zoom", [0.5, 2.0, 4.0])
def test_magnification_hardly_changes_the_count(drawn, findings, zoom):
    changes = [
        analyse(resized(item.field, zoom), registry.smear_models()).counts.rbc.value
        - f.counts.rbc.value
        for item, f in zip(drawn[:4], findings, strict=False)
    ]
    assert np.abs(changes).mean() <= 1.0


def test_small_cells_in_a_large_field_are_still_found():
    item = draw(5, width=1600, height=1200, rbc=150, rbc_diameter_px=60)
    finding = analyse(item.field, registry.smear_models())
    assert finding.counts.rbc.value == pytest.approx(item.count("rbc"), rel=0.12)
    assert "not_a_smear" not in {flag.code for flag in finding.flags}


def test_chamber_rule_leaves_out_lower_and_right_edges_and_comes_back(findings):
    finding = max(findings, key=lambda f: f.counts.rbc.value)
    chamber = recount(finding, "chamber")
    reach = 0.02 * min(finding.width, finding.height)
    outside = [
        c
        for c in finding.cells_of("rbc")
        if c.box_xyxy_px[2] >= finding.width - reach or c.box_xyxy_px[3] >= finding.height - reach
    ]
    assert outside
    assert chamber.counts.rbc.value == finding.counts.rbc.value - len(outside)
    assert chamber.cells == finding.cells
    assert recount(chamber, "all_visible") == finding


def test_touching_an_edge():
    assert touches_edge((0, 50, 20, 70), 200, 100)
    assert touches_edge((50, 50, 199, 70), 200, 100)
    assert not touches_edge((50, 40, 100, 70), 200, 100)


def test_an_empty_slide_has_no_cells_and_says_so():
    pixels = np.full((480, 640, 3), (225, 220, 222), np.uint8)
    finding = analyse(Field("empty.png", pixels, ""), registry.smear_models())
    assert finding.counts.rbc.value == 0
    assert "too_few_cells" in {flag.code for flag in finding.flags}


def test_two_counts_of_nothing_do_not_disagree():
    """Ground with a little grain, as a field beside the film: nothing is found, by either way."""
    rng = np.random.default_rng(24)
    ground = np.full((480, 640, 3), (225, 220, 222)) + rng.normal(0, 2, (480, 640, 3))
    pixels = ground.clip(0, 255).astype(np.uint8)
    finding = analyse(Field("empty.jpg", pixels, ""), registry.smear_models())
    assert [finding.counts.rbc.value, finding.counts.wbc.value] == [0, 0]
    codes = {flag.code for flag in finding.flags}
    assert "too_few_cells" in codes and "methods_disagree" not in codes


def test_crop_shows_the_cell_in_the_middle_at_the_red_cells_scale():
    pixels = np.full((300, 400, 3), 255, np.uint8)
    cv2.circle(pixels, (200, 150), 30, (90, 0, 120), -1)
    crop = crop_cell(pixels, (170, 120, 230, 180), rbc_diameter_px=50)
    dark = np.argwhere(crop[:, :, 1] < 128)
    assert dark.mean(axis=0) == pytest.approx([63.5, 63.5], abs=2)
    # 60 px in a square of 3.05 x 50 px, drawn at 128 px
    assert np.ptp(dark[:, 0]) == pytest.approx(60 / (3.05 * 50) * 128, abs=3)


def test_crop_at_the_corner_mirrors_instead_of_inventing():
    pixels = np.random.default_rng(0).integers(0, 255, (100, 100, 3), dtype=np.uint8)
    assert crop_cell(pixels, (0, 0, 30, 30), 40).shape == (128, 128, 3)


def test_prediction_set_is_never_empty_and_ordered():
    row = np.array([0.1, 0.6, 0.3])
    assert prediction_set(row, 0.25).tolist() == [1, 2]
    assert prediction_set(row, 0.99).tolist() == [1]


def test_a_picture_without_a_cell_is_not_trusted():
    blank = Field("blank.png", np.full((176, 176, 3), 230, np.uint8), "")
    call = classify(blank, registry.live("locator"), registry.live("wbc"))
    assert call.abstained
    assert "cell_not_found" in {flag.code for flag in call.flags}


@pytest.mark.data
def test_real_fields_are_counted_to_the_cards_error(data_dir):
    fields = cbc.load(data_dir / "cbc", "Testing")
    truth = np.stack([field.counts() for field in relabelled_copies(data_dir, fields)])
    models = registry.smear_models()
    counted = [analyse(Field(f.path.name, read_rgb(f.path), ""), models).counts for f in fields]
    errors = np.abs(np.array([[c.of(kind).value for kind in KINDS] for c in counted]) - truth)
    card = registry.live("locator").card_as(LocatorCard).evaluation["txl_labels"]
    for i, kind in enumerate(KINDS):
        measured = errors[:, i].mean()
        assert measured == pytest.approx(card[kind]["mean_absolute_error"], abs=0.05)
        assert measured <= 0.5 * card[kind]["constant_predictor"]
