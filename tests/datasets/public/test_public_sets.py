"""The loaders on small trees made here, and on the real sets where they are present."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.datasets import catalogue
from core.datasets.public import cbc, other_labs, pbc, txl


def save(path: Path, size: tuple[int, int] = (100, 50), colour: int = 200) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (colour, 180, 190)).save(path)
    return path


def test_txl_boxes_are_pixels_and_classes_are_ours(tmp_path):
    save(tmp_path / "images/train/a.jpg")
    label = tmp_path / "labels/train/a.txt"
    label.parent.mkdir(parents=True)
    label.write_text("0 0.5 0.5 0.2 0.4\n1 0.1 0.2 0.1 0.2\n2 0.9 0.9 0.1 0.1\n")
    (field,) = txl.load(tmp_path, "train")
    assert field.kinds.tolist() == [1, 0, 2]  # WBC, RBC, platelet in the order rbc, wbc, platelet
    assert field.boxes_xyxy_px[0].tolist() == pytest.approx([40, 15, 60, 35])
    assert field.counts().tolist() == [1, 1, 1]


def test_a_line_that_stands_twice_is_one_cell(tmp_path):
    picture = save(tmp_path / "a.jpg")
    label = tmp_path / "a.txt"
    label.write_text("1 0.5 0.5 0.2 0.4\n2 0.9 0.9 0.1 0.1\n1 0.5 0.5 0.2 0.4\n")
    assert txl.read_yolo_field(picture, label).counts().tolist() == [1, 0, 1]


def test_no_cell_of_txl_stands_twice(data_dir):
    fields = [f for part in ("train", "val", "test") for f in txl.load(data_dir / "txl", part)]
    assert all(
        len(np.unique(np.column_stack([f.boxes_xyxy_px, f.kinds]), axis=0)) == len(f.kinds)
        for f in fields
    )


def test_cbc_reads_voc_boxes(tmp_path):
    save(tmp_path / "Testing/Images/x.jpg")
    xml = tmp_path / "Testing/Annotations/x.xml"
    xml.parent.mkdir(parents=True)
    box = "<bndbox><xmin>1</xmin><ymin>2</ymin><xmax>30</xmax><ymax>40</ymax></bndbox>"
    xml.write_text(f"<annotation><object><name>Platelets</name>{box}</object></annotation>")
    (field,) = cbc.load(tmp_path, "Testing")
    assert field.kinds.tolist() == [2]
    assert field.boxes_xyxy_px.tolist() == [[1, 2, 30, 40]]


def test_pbc_takes_the_subtype_from_the_prefix_and_marks_the_shortcut(tmp_path):
    for name in (
        "neutrophil/SNE_1.jpg",
        "neutrophil/BNE_2.jpg",
        "neutrophil/NEUTROPHIL_3.jpg",
        "ig/IG_4.jpg",
        "ig/MMY_5.jpg",
    ):
        save(tmp_path / name)
    cells = {cell.path.stem: (cell.label, cell.odd_background) for cell in pbc.load(tmp_path)}
    assert cells == {
        "SNE_1": ("segmented_neutrophil", False),
        "BNE_2": ("band_neutrophil", False),
        "NEUTROPHIL_3": (None, True),
        "IG_4": ("immature_granulocyte", True),
        "MMY_5": ("immature_granulocyte", False),
    }


@pytest.mark.parametrize(
    "load",
    [
        lambda p: txl.load(p, "train"),
        lambda p: cbc.load(p, "Testing"),
        pbc.load,
        other_labs.deepbionet,
    ],
)
def test_an_absent_set_says_so(tmp_path, load):
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "nothing")


def test_unreadable_pictures_are_named(tmp_path):
    good, bad = save(tmp_path / "good.png"), tmp_path / "bad.jpg"
    bad.write_bytes(b"\xff\xd8\xff\xe0 no picture")
    assert catalogue.unreadable([good, bad]) == ["bad.jpg"]


@pytest.mark.data
def test_real_sets_have_the_published_sizes(data_dir):
    fetched_by_few = {"bodzas", "raabin"}
    for entry in catalogue.CATALOGUE:
        paths = entry.paths(data_dir)
        if entry.name in fetched_by_few and not paths:
            continue
        assert len(paths) == entry.pictures, entry.name


@pytest.mark.data
def test_no_cell_of_the_pbc_test_part_has_a_near_copy_in_training(data_dir):
    from core.datasets import near_duplicates

    train, _, test = pbc.split(pbc.load(data_dir / "pbc"))
    hashes = near_duplicates.hash_files([cell.path for cell in train[::3]])
    assert not near_duplicates.copies_of(
        hashes, near_duplicates.hash_files([cell.path for cell in test])
    ).any()
    assert abs(len(test) / 16245 - 0.1) < 0.005


@pytest.mark.data
def test_the_locators_fields_hold_no_copy_of_a_test_field(data_dir):
    from core.datasets import near_duplicates
    from core.training.locator.recipe import split_fields

    split = split_fields(data_dir)
    tests = [*cbc.load(data_dir / "cbc", "Testing"), *txl.load(data_dir / "txl", "test")]
    reference = near_duplicates.hash_files([field.path for field in tests])
    for part in (split.train, split.validation):
        assert not near_duplicates.copies_of(
            reference, near_duplicates.hash_files([f.path for f in part])
        ).any()
    assert {f.path for f in split.train}.isdisjoint(f.path for f in split.validation)
    assert split.left_out > 50
    assert np.isclose(
        len(split.validation) / (len(split.train) + len(split.validation)), 0.1, atol=0.01
    )
