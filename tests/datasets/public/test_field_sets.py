"""DeepBioNet's fields and Chula RBC-12: on trees made here, and on the sets where present."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.datasets.public import chula_rbc12, deepbionet_fields
from core.datasets.splits import run_split

TABLE = "file,wbc_class,n_wbc,n_rbc,n_platelet,bg_r,bg_g,bg_b,copies\n"


def deepbionet(root: Path, counts: str = "1,2,0") -> Path:
    for folder in ("images", "labels"):
        (root / folder).mkdir()
    Image.new("RGB", (100, 50)).save(root / "images/dbn_017.jpg")
    lines = "0 0.5 0.5 0.2 0.4\n1 0.1 0.2 0.1 0.2\n1 0.3 0.2 0.1 0.2\n"
    (root / "labels/dbn_017.txt").write_text(lines)
    (root / "fields.csv").write_text(f"{TABLE}dbn_017.jpg,neutrophil,{counts},156,219,221,4\n")
    return root


def test_a_field_of_deepbionet_has_its_boxes_class_and_ground(tmp_path):
    (row,) = deepbionet_fields.load(deepbionet(tmp_path))
    assert (row.number, row.wbc_class, row.copies) == (17, "neutrophil", 4)
    assert row.ground_rgb == (156, 219, 221)
    assert row.counts().tolist() == [2, 1, 0]
    assert row.field.boxes_xyxy_px[0].tolist() == pytest.approx([40, 15, 60, 35])


def test_a_table_that_contradicts_the_boxes_is_refused(tmp_path):
    with pytest.raises(ValueError, match="dbn_017"):
        deepbionet_fields.load(deepbionet(tmp_path, counts="1,3,0"))


def test_red_cells_of_chula_are_points_with_shapes(tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "disease").mkdir()
    for name in ("images/3.jpg", "images/12.jpg", "images/13.jpg", "disease/hs_02.jpg"):
        Image.new("RGB", (64, 48)).save(tmp_path / name)
    rows = "file,x,y,class_id,class\n12.jpg,5,6,4,target\n3.jpg,7,8,0,normal\n12.jpg,9,9,8,burr\n"
    (tmp_path / "labels.csv").write_text(rows)
    (tmp_path / "disease.csv").write_text("file,disease\nhs_02.jpg,hs\n")
    fields = chula_rbc12.load(tmp_path)
    assert [field.number for field in fields] == [3, 12]
    assert fields[1].centres_xy_px.tolist() == [[5, 6], [9, 9]]
    assert [chula_rbc12.CLASSES[i] for i in fields[1].classes] == ["target", "burr"]
    (field,) = chula_rbc12.load_diseases(tmp_path)
    assert (field.number, field.disease) == (2, "hs")

    (tmp_path / "labels.csv").write_text("file,x,y,class_id,class\n12.jpg,5,6,4,burr\n")
    with pytest.raises(ValueError, match="class 4"):
        chula_rbc12.load(tmp_path)


@pytest.mark.parametrize("load", [deepbionet_fields.load, chula_rbc12.load])
def test_an_absent_set_says_so(tmp_path, load):
    with pytest.raises(FileNotFoundError):
        load(tmp_path)


def test_neighbouring_numbers_never_stand_in_two_parts():
    numbers = [*range(100, 400), *range(450, 460), *range(500, 502)]
    parts = run_split(numbers, (0.7, 0.2, 0.1))
    of = {numbers[i]: part for part, items in enumerate(parts) for i in items}
    assert all(len(part) > 0 for part in parts)
    assert sum(map(len, parts)) == len(of)
    assert all(of.get(n + step, of[n]) == of[n] for n in of for step in range(1, 4))
    # Only the margins of cuts are left out.
    assert len(numbers) - len(of) <= 3 * (len(numbers) // 40)
    assert run_split(numbers, (0.7, 0.2, 0.1)) == parts


@pytest.mark.data
def test_the_real_fields_of_deepbionet(data_dir):
    rows = deepbionet_fields.load(data_dir / "deepbionet_fields")
    assert len(rows) == 934
    assert np.sum([row.counts() for row in rows], axis=0).tolist() == [52382, 988, 2100]
    assert sum(row.wbc_class is not None for row in rows) == 286
    assert {row.wbc_class for row in rows} == {
        None,
        "neutrophil",
        "lymphocyte",
        "monocyte",
        "eosinophil",
    }
    parts = deepbionet_fields.runs(rows, (0.7, 0.2, 0.1))
    assert [len(part) / len(rows) for part in parts] == pytest.approx([0.7, 0.2, 0.1], abs=0.04)


@pytest.mark.data
def test_the_real_red_cells_of_chula(data_dir):
    fields = chula_rbc12.load(data_dir / "chula_rbc12")
    assert len(fields) == 508
    assert sum(len(field.classes) for field in fields) == 17680
    assert len(chula_rbc12.load_diseases(data_dir / "chula_rbc12")) == 91
    parts = chula_rbc12.runs(fields)
    assert [len(part) / len(fields) for part in parts] == pytest.approx([0.7, 0.2, 0.1], abs=0.06)
