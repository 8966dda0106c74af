"""Which cells a laboratory has, and which pictures show one of another set again."""

import csv

import cv2
import numpy as np
import pytest
from PIL import Image

from core.training.choices import LABORATORIES
from core.training.white_cells.laboratories import (
    LABORATORY_TITLES,
    all_cells,
    balanced_accuracy,
    copies_in,
    is_validation,
    learnable_cells,
)
from tests.fixtures.laboratories import draw_field, save, yolo_lines


def test_every_laboratory_has_cells_to_learn_from_and_all_its_cells_as_a_test(drawn_laboratories):
    learnable = {name: learnable_cells(drawn_laboratories, name) for name in LABORATORIES}
    tests = {name: all_cells(drawn_laboratories, name) for name in LABORATORIES}
    assert set(LABORATORY_TITLES) == set(LABORATORIES)
    # CBC's test field and TXL-PBC's validation fields are tests only.
    assert {name: len(cells) for name, cells in learnable.items()} == {
        "cbc": 4,
        "txl": 4,
        "deepbionet": 4,
        "munich": 8,
    }
    assert {name: len(cells) for name, cells in tests.items()} == {
        "cbc": 5,
        "txl": 6,
        "deepbionet": 4,
        "munich": 8,
    }
    assert not any("Testing" in cell.path.parts for cell in learnable["cbc"])
    assert {cell.label for cell in learnable["munich"]} >= {"blast", "segmented_neutrophil"}
    assert all(cell.single for cell in learnable["munich"])


def test_an_unknown_laboratory_is_refused_with_the_known_ones(drawn_laboratories):
    with pytest.raises(ValueError, match="one of cbc, txl, deepbionet, munich, got 'ours'"):
        learnable_cells(drawn_laboratories, "ours")


def test_a_whole_field_that_repeats_a_class_folders_picture_counts_once(
    drawn_laboratories, tmp_path
):
    folders = drawn_laboratories / "wbc_other_lab"
    (tmp_path / "wbc_other_lab").symlink_to(folders)
    root = tmp_path / "deepbionet_fields"
    (root / "labels").mkdir(parents=True)
    first = next(folders.glob("*/*.png"))
    (root / "images").mkdir()
    Image.open(first).save(root / "images" / "again.jpg", quality=85)
    rows = [("file", "wbc_class", "n_wbc"), ("again.jpg", "eosinophil", 1)]
    for number, white_cells in (("new", 1), ("two", 2)):
        drawn = draw_field(7000 + white_cells, "monocyte")
        save(drawn, root / "images" / f"{number}.jpg")
        (root / "labels" / f"{number}.txt").write_text("\n".join(yolo_lines(drawn)))
        rows.append((f"{number}.jpg", "monocyte", white_cells))
    with (root / "fields.csv").open("w", newline="") as target:
        csv.writer(target).writerows(rows)
    cells = learnable_cells(tmp_path, "deepbionet")
    assert [cell.path.name for cell in cells if cell.path.parent.name == "images"] == ["new.jpg"]
    (one,) = (cell for cell in cells if cell.path.name == "new.jpg")
    (box,) = (cell.box_xyxy_px for cell in draw_field(7001, "monocyte").cells if cell.kind == "wbc")
    assert one.box == pytest.approx(box, abs=0.1)


@pytest.mark.parametrize("change", ["encoded again", "turned", "mirrored and darkened", "tinted"])
def test_copies_are_found_however_they_were_altered(drawn_laboratories, tmp_path, change):
    pictures = [cell.path for cell in all_cells(drawn_laboratories, "cbc")]
    pixels = cv2.imread(str(pictures[1]))
    assert pixels is not None
    altered = {
        "encoded again": pixels,
        "turned": np.rot90(pixels),
        "mirrored and darkened": (pixels[:, ::-1] * 0.8).astype(np.uint8),
        "tinted": np.clip(pixels * np.array([1.1, 0.9, 0.85]), 0, 255).astype(np.uint8),
    }[change]
    copy, other = tmp_path / "copy.jpg", save(draw_field(8000, "monocyte"), tmp_path / "other.jpg")
    cv2.imwrite(str(copy), altered, [cv2.IMWRITE_JPEG_QUALITY, 80])
    assert copies_in(pictures, [other, copy]).tolist() == [False, True]


def test_an_unreadable_picture_is_named(tmp_path):
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"not a picture")
    with pytest.raises(OSError, match=r"broken\.jpg"):
        copies_in([broken], [])


def test_neighbouring_cells_stay_in_one_part_and_a_fifth_chooses():
    chosen = [is_validation(number) for number in range(1000)]
    assert sum(chosen) == 200
    assert all(len(set(chosen[start : start + 10])) == 1 for start in range(0, 1000, 10))


def test_balanced_accuracy_by_hand():
    truth = ["a"] * 4 + ["b"] * 2
    assert balanced_accuracy(truth, ["a", "a", "a", "b", "b", "a"]) == pytest.approx(0.625)
    assert np.isnan(balanced_accuracy([], []))
