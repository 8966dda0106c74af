"""The synthetic smear: same seed, same picture; every cell known; everything asked for drawn."""

from __future__ import annotations

import hashlib
import io
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from core.imaging.synthetic import (
    MAX_COVERED_SHARE,
    MIN_VISIBLE_SHARE,
    STAINS,
    SyntheticCell,
    SyntheticField,
    draw,
    draw_cell,
    png_bytes,
)
from core.imaging.synthetic.layout import PlacedCell, Slide
from core.imaging.synthetic.morphology import MORPHOLOGY
from core.imaging.synthetic.nuclei import nucleus_beads
from core.imaging.synthetic.patch import CellPatch
from core.imaging.synthetic.red_cells import choose_look, draw_red_cell
from core.imaging.synthetic.stain import DYES, choose_stain
from core.imaging.synthetic.white_cells import draw_white_cell
from core.taxonomy import WBC_CLASSES


@pytest.fixture(scope="module")
def usual() -> list[SyntheticField]:
    return [draw(seed) for seed in range(12)]


def darkness(drawn: SyntheticField) -> npt.NDArray[np.float64]:
    """Grey levels below the field's background, the commonest green level of bare glass."""
    green = drawn.field.pixels[..., 1].astype(np.float64)
    bare = np.ones(green.shape, dtype=bool)
    for cell in drawn.cells:
        x0, y0, x1, y1 = (int(v) for v in cell.box_xyxy_px)
        bare[y0:y1, x0:x1] = False
    return np.asarray(np.median(green[bare]) - green)


def test_same_seed_gives_the_same_pixels_cells_and_hash() -> None:
    first, again, other = draw(7), draw(7), draw(8)
    assert np.array_equal(first.field.pixels, again.field.pixels)
    assert first.cells == again.cells
    assert first.field.sha256 == again.field.sha256
    assert not np.array_equal(first.field.pixels, other.field.pixels)
    assert first.field.sha256 != other.field.sha256


def test_hash_is_that_of_the_png_and_the_png_holds_the_pixels() -> None:
    field = draw(7, width=300, height=240).field
    data = png_bytes(field)
    assert field.name == "synthetic-0007.png"
    assert hashlib.sha256(data).hexdigest() == field.sha256
    # Pillow as the independent reader.
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(data))), field.pixels)


def test_another_stain_leaves_the_cells_where_they_were() -> None:
    one, two = draw(5, stain="peach"), draw(5, stain="lilac_grey")
    assert one.cells == two.cells == draw(5).cells
    assert np.abs(one.field.pixels.astype(int) - two.field.pixels.astype(int)).mean() > 5


@pytest.mark.parametrize(
    ("rbc", "wbc", "platelets"),
    [
        (0, (), 0),
        (1, (), 0),
        (0, (), 5),
        (22, ("segmented_neutrophil",), 2),
        (30, ("lymphocyte", "eosinophil"), 3),
        (8, ("smudge", "blast", "monocyte"), 0),
    ],
)
def test_counts_are_those_asked_for(rbc: int, wbc: tuple[str, ...], platelets: int) -> None:
    drawn = draw(11, rbc=rbc, wbc=wbc, platelets=platelets)
    assert (drawn.count("rbc"), drawn.count("wbc"), drawn.count("platelet")) == (
        rbc,
        len(wbc),
        platelets,
    )
    assert sorted(c.label for c in drawn.cells if c.label) == sorted(wbc)
    assert all(c.label is None for c in drawn.cells if c.kind != "wbc")


def test_an_empty_field_holds_no_cell() -> None:
    drawn = draw(2, rbc=0, wbc=(), platelets=0, stain="peach")
    assert np.percentile(np.abs(darkness(drawn)), 99) < 12


def test_usual_fields_resemble_cbc_fields(usual: list[SyntheticField]) -> None:
    """TXL-PBC's labels of CBC fields: 18 to 27 red cells (10th to 90th percentile), 1 white cell,
    0 to 2 platelets; the brief of the fields is about 22."""
    reds = [drawn.count("rbc") for drawn in usual]
    assert 19 <= np.mean(reds) <= 26
    assert all(drawn.count("wbc") == 1 for drawn in usual)
    assert all(0 <= drawn.count("platelet") <= 4 for drawn in usual)
    whole = [
        c.box_xyxy_px
        for d in usual
        for c in d.cells
        if c.kind == "rbc"
        and min(c.box_xyxy_px[:2]) > 1
        and c.box_xyxy_px[2] < 639
        and c.box_xyxy_px[3] < 479
    ]
    diameters = [np.sqrt((b[2] - b[0]) * (b[3] - b[1])) for b in whole]
    assert 88 <= np.median(diameters) <= 108


@pytest.mark.parametrize(
    ("width", "height", "diameter"),
    [
        (200, 200, None),
        (640, 480, 60.0),
        (201, 733, 40.0),
        (1500, 400, None),
        (1500, 1500, 90.0),
        (360, 363, 78.0),
        (64, 64, 20.0),
    ],
)
def test_any_size_with_boxes_inside_and_dark(
    width: int, height: int, diameter: float | None
) -> None:
    drawn = draw(4, width=width, height=height, rbc_diameter_px=diameter)
    assert drawn.field.pixels.shape == (height, width, 3)
    assert drawn.cells
    dark = darkness(drawn)
    for cell in drawn.cells:
        x0, y0, x1, y1 = cell.box_xyxy_px
        assert 0 <= x0 < x1 <= width
        assert 0 <= y0 < y1 <= height
        inside = dark[int(y0) : int(y1), int(x0) : int(x1)]
        assert np.percentile(inside, 90) > 4, cell


def test_every_cell_is_darker_than_the_background(usual: list[SyntheticField]) -> None:
    for drawn in usual:
        dark = darkness(drawn)
        for cell in drawn.cells:
            x0, y0, x1, y1 = (int(v) for v in cell.box_xyxy_px)
            inside = dark[y0:y1, x0:x1]
            assert np.percentile(inside, 90) > 8, (drawn.field.name, cell)


@pytest.mark.parametrize("kind", ["rbc", "wbc", "platelet"])
def test_a_box_bounds_the_pixels_of_its_cell(kind: str) -> None:
    """One cell alone: the box found by thresholding the picture is the box told."""
    drawn = draw(
        6,
        width=400,
        height=400,
        stain="clear_pink",
        rbc=int(kind == "rbc"),
        wbc=("lymphocyte",) if kind == "wbc" else (),
        platelets=int(kind == "platelet"),
    )
    (cell,) = drawn.cells
    ys, xs = np.nonzero(darkness(drawn) > 18)
    seen = (xs.min(), ys.min(), xs.max() + 1, ys.max() + 1)
    assert np.allclose(seen, cell.box_xyxy_px, atol=7)


def test_overlaps_add_their_density(usual: list[SyntheticField]) -> None:
    """Beer-Lambert: where red cells overlap the field is darker than where they do not."""
    diffs = []
    for drawn in usual:
        depth = np.zeros(drawn.field.pixels.shape[:2], dtype=int)
        for cell in drawn.cells:
            x0, y0, x1, y1 = cell.box_xyxy_px
            if cell.kind != "rbc":
                continue
            ys, xs = np.arange(480)[:, None], np.arange(640)[None, :]
            r = np.hypot((xs - (x0 + x1) / 2) / (x1 - x0), (ys - (y0 + y1) / 2) / (y1 - y0))
            depth += r < 0.42
        dark = darkness(drawn)
        if (depth == 2).sum() > 300:
            diffs.append(np.median(dark[depth == 2]) - np.median(dark[depth == 1]))
    assert len(diffs) >= 4
    assert np.mean(diffs) > 5


def test_no_cell_is_hidden_and_none_is_a_sliver() -> None:
    rng = np.random.default_rng(0)
    look = choose_look(rng, choose_stain(rng, "peach"))
    slide = Slide(320, 240)
    placed = sum(
        slide.place(rng, "rbc", None, draw_red_cell(rng, 60, look), near=0.5) for _ in range(60)
    )
    assert placed == len(slide.cells) > 12
    depth = np.zeros((240, 320), dtype=int)
    for cell in slide.cells:
        depth[cell.windows(320, 240)[0]] += cell.visible(320, 240)
    for cell in slide.cells:
        seen = cell.visible(320, 240)
        covered = (depth[cell.windows(320, 240)[0]][seen] > 1).mean()
        assert covered <= MAX_COVERED_SHARE
        assert seen.sum() >= MIN_VISIBLE_SHARE * cell.patch.silhouette.sum()


def test_visible_part_of_a_cell_worked_by_hand() -> None:
    square = np.zeros((10, 10), dtype=bool)
    square[2:8, 2:8] = True
    cell = PlacedCell("rbc", None, CellPatch(square, {}), x=-5, y=93)
    # The square covers x -3..2 and y 95..100 (last included); the field is 100 x 100.
    assert cell.box_xyxy_px(100, 100) == (0.0, 95.0, 3.0, 100.0)
    assert cell.visible(100, 100).sum() == 15


@pytest.mark.parametrize("stain", sorted(STAINS))
def test_every_stain_draws_its_own_background(stain: str) -> None:
    drawn = draw(1, width=320, height=240, rbc_diameter_px=50, stain=stain)
    assert drawn.stain == stain
    bare = np.ones((240, 320), dtype=bool)
    for cell in drawn.cells:
        x0, y0, x1, y1 = (int(v) for v in cell.box_xyxy_px)
        bare[y0:y1, x0:x1] = False
    colour = np.median(drawn.field.pixels[bare], axis=0)
    nearest = min(STAINS, key=lambda n: float(np.abs(colour - STAINS[n].background).sum()))
    assert nearest == stain


@pytest.mark.parametrize("label", WBC_CLASSES)
def test_every_class_draws_a_centred_dark_cell(label: str) -> None:
    field = draw_cell(3, label, stain="peach")
    assert field.pixels.shape == (176, 176, 3)
    assert field.name == f"synthetic-{label}-0003.png"
    assert np.array_equal(field.pixels, draw_cell(3, label, stain="peach").pixels)
    green = field.pixels[..., 1].astype(float)
    assert np.percentile(green[80:96, 80:96], 20) < 0.7 * np.percentile(green, 95)


def test_classes_differ_as_they_should() -> None:
    """Colours and sizes a morphologist would name, averaged over seeds."""

    def mean_of(label: str, measure: str) -> float:
        values = []
        for seed in range(8):
            rng = np.random.default_rng(seed)
            patch = draw_white_cell(rng, label, 60)
            inside = patch.silhouette
            if measure == "area":
                values.append(float(inside.sum()))
            elif measure == "nucleus":
                values.append(float((patch.dyes["chromatin"][inside] > 0.35).mean()))
            else:
                values.append(float(patch.dyes.get(measure, np.zeros_like(inside))[inside].mean()))  # type: ignore[call-overload]
        return float(np.mean(values))

    assert mean_of("monocyte", "area") > 1.5 * mean_of("lymphocyte", "area")
    assert mean_of("lymphocyte", "nucleus") > 1.5 * mean_of("segmented_neutrophil", "nucleus")
    assert mean_of("blast", "nucleus") > mean_of("monocyte", "nucleus")
    assert mean_of("eosinophil", "eosin_granule") > 0.3
    assert mean_of("basophil", "azure_granule") > 3 * mean_of("band_neutrophil", "azure_granule")
    assert mean_of("segmented_neutrophil", "eosin_granule") == 0


def test_segmented_nuclei_have_strands_and_bands_do_not() -> None:
    """A filament is under a third of the widest lobe (ICSH 2015); a band has none."""
    for seed in range(30):
        rng = np.random.default_rng(seed)
        lobes = [r for _, _, r in nucleus_beads(rng, "segmented_neutrophil")]
        band = [r for _, _, r in nucleus_beads(rng, "band_neutrophil")]
        assert min(lobes) < max(lobes) / 3
        assert min(band) > max(band) / 2


def test_stains_know_every_dye_and_vary_by_seed() -> None:
    for stain in STAINS.values():
        assert set(stain.density) == set(DYES)
    looks = [choose_stain(np.random.default_rng(seed)) for seed in range(60)]
    assert len({look.name for look in looks}) == len(STAINS)
    assert all(a.background != b.background for a, b in pairwise(looks))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"seed": -1}, "seed"),
        ({"seed": 0, "stain": "green tea"}, "green tea"),
        ({"seed": 0, "wbc": ("platelet",)}, "platelet"),
        ({"seed": 0, "wbc": ("neutrophile",)}, "neutrophile"),
        ({"seed": 0, "rbc": -1}, "rbc"),
        ({"seed": 0, "platelets": -2}, "platelets"),
        ({"seed": 0, "width": 20}, "20"),
        ({"seed": 0, "rbc_diameter_px": 2.0}, "rbc_diameter_px"),
        ({"seed": 0, "rbc": 90, "width": 200, "height": 200}, "no room"),
    ],
)
def test_what_cannot_be_drawn_is_refused(arguments: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        draw(**arguments)  # type: ignore[arg-type]


def test_a_cell_of_no_known_class_is_refused() -> None:
    with pytest.raises(ValueError, match="megakaryocyte"):
        draw_cell(0, "megakaryocyte")
    with pytest.raises(ValueError, match="without area"):
        SyntheticCell("rbc", (5.0, 5.0, 5.0, 9.0))


def test_every_class_but_the_platelet_has_a_morphology() -> None:
    assert set(MORPHOLOGY) == set(WBC_CLASSES) - {"platelet"}
