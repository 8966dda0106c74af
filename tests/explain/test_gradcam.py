import numpy as np
import pytest

from core.explain.count_map import explain_count
from core.explain.gradcam import explain_class, overlay
from core.explain.pictures import write_explanations
from core.imaging.synthetic import draw
from core.inference.locate.cell_crop import crop_cell
from core.inference.smear import analyse
from core.models import registry


@pytest.fixture(scope="module")
def smear():
    item = draw(21, wbc=["segmented_neutrophil"])
    return item, analyse(item.field, registry.smear_models())


def test_a_map_of_any_class_fits_its_crop(smear):
    item, finding = smear
    crop = crop_cell(
        item.field.pixels, finding.cells_of("wbc")[0].box_xyxy_px, finding.rbc_diameter_px
    )
    maps = [
        explain_class(crop, label, registry.live("wbc"))
        for label in ("segmented_neutrophil", "lymphocyte")
    ]
    for heat in maps:
        assert heat.shape == (128, 128)
        assert 0 <= heat.min() <= heat.max() <= 1
    assert not np.allclose(maps[0], maps[1])


def test_an_unknown_class_is_refused():
    with pytest.raises(ValueError, match="does not know 'sickle'"):
        explain_class(np.zeros((128, 128, 3), np.uint8), "sickle", registry.live("wbc"))


def test_the_white_cell_map_points_at_the_white_cell(smear):
    item, finding = smear
    heat = explain_count(
        item.field.pixels, "wbc", finding.rbc_diameter_px, registry.live("locator")
    )
    assert heat.shape == item.field.pixels.shape[:2]
    x0, y0, x1, y1 = (round(v) for v in finding.cells_of("wbc")[0].box_xyxy_px)
    assert heat[y0:y1, x0:x1].mean() > 5 * heat.mean()


def test_the_red_cell_map_marks_red_cells_and_not_the_white_one(smear):
    # Against the drawn truth: with gradients averaged over the field this map came out empty.
    item, finding = smear
    heat = explain_count(
        item.field.pixels, "rbc", finding.rbc_diameter_px, registry.live("locator")
    )
    red, white = np.zeros(heat.shape, bool), np.zeros(heat.shape, bool)
    for cell in item.cells:
        x0, y0, x1, y1 = (max(0, round(v)) for v in cell.box_xyxy_px)
        (white if cell.kind == "wbc" else red)[y0:y1, x0:x1] |= cell.kind != "platelet"
    assert heat.max() > 0.9
    assert heat[red & ~white].mean() > 5 * heat[~red].mean()


def test_overlay_strength_zero_is_the_plain_picture():
    pixels = np.random.default_rng(0).integers(0, 255, (20, 30, 3), dtype=np.uint8)
    heat = np.random.default_rng(1).random((20, 30)).astype(np.float32)
    assert np.array_equal(overlay(pixels, heat, 0.0), pixels)
    assert not np.array_equal(overlay(pixels, heat, 0.8), pixels)


@pytest.mark.parametrize(
    ("heat", "strength"),
    [(np.zeros((2, 2), np.float32), 0.5), (np.zeros((20, 30), np.float32), 1.5)],
)
def test_overlay_refuses_what_does_not_fit(heat, strength):
    with pytest.raises(ValueError, match=r"fit|between 0 and 1"):
        overlay(np.zeros((20, 30, 3), np.uint8), heat, strength)


def test_explanations_are_written_for_counts_and_cells(smear, tmp_path):
    item, finding = smear
    written = write_explanations(item.field, finding, tmp_path / "why", registry.smear_models())
    assert len(written) == 3 + 2 * len(finding.cells_of("wbc"))
    assert all(path.stat().st_size > 0 for path in written)
