"""Boxes in three formats, against readers that others wrote."""

import contextlib
import io
import json

import numpy as np
import pytest
import torch
from PIL import Image
from pycocotools.coco import COCO
from torchvision.ops import box_convert

from core.datasets.intake.boxes.formats import (
    BoxedPicture,
    layout_of,
    read_boxes,
    write_coco,
    write_voc,
    write_yolo,
)
from core.datasets.public import cbc, txl
from core.datasets.skipped import DataRefused

CLASSES = ("RBC", "WBC", "Platelets")


def _picture(file="images/a.png", width=200, height=100):
    boxes = np.array([[0, 0, 50, 25], [100.5, 40, 200, 100]], np.float32)
    return BoxedPicture(file, width, height, boxes, ("RBC", "WBC"))


@pytest.fixture
def root(tmp_path):
    (tmp_path / "images").mkdir()
    Image.new("RGB", (200, 100)).save(tmp_path / "images" / "a.png")
    return tmp_path


def _write(root, layout, picture):
    (root / "labels").mkdir(exist_ok=True)
    if layout == "voc":
        (root / "labels" / "a.xml").write_text(write_voc(picture))
    elif layout == "yolo":
        (root / "labels" / "a.txt").write_text(write_yolo(picture, CLASSES))
        (root / "classes.txt").write_text("\n".join(CLASSES))
    else:
        (root / "boxes.json").write_text(write_coco([picture], CLASSES))


@pytest.mark.parametrize("layout", ["voc", "yolo", "coco"])
def test_what_is_written_is_read_again(root, layout):
    _write(root, layout, _picture())
    assert layout_of(root) == layout
    found = read_boxes(root)
    assert found.skipped == ()
    (one,) = found.pictures
    assert (one.file, one.width_px, one.height_px) == ("images/a.png", 200, 100)
    assert one.names == ("RBC", "WBC")
    np.testing.assert_allclose(one.boxes_xyxy_px, _picture().boxes_xyxy_px, atol=1e-3)


def test_coco_as_pycocotools_reads_it(root):
    _write(root, "coco", _picture())
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO(str(root / "boxes.json"))
    rows = coco.loadAnns(coco.getAnnIds(imgIds=[1]))
    names = [coco.loadCats([row["category_id"]])[0]["name"] for row in rows]
    boxes = box_convert(torch.tensor([row["bbox"] for row in rows]), "xywh", "xyxy")
    assert names == ["RBC", "WBC"]
    np.testing.assert_allclose(boxes.numpy(), _picture().boxes_xyxy_px)
    assert [row["area"] for row in rows] == [1250, 99.5 * 60]


def test_yolo_as_torchvision_converts_it(root):
    rows = np.loadtxt(io.StringIO(write_yolo(_picture(), CLASSES)), ndmin=2)
    shares = box_convert(torch.tensor(rows[:, 1:]), "cxcywh", "xyxy").numpy()
    np.testing.assert_allclose(shares * [200, 100, 200, 100], _picture().boxes_xyxy_px, atol=1e-4)
    assert rows[:, 0].tolist() == [0, 1]


@pytest.mark.parametrize(
    "text",
    [
        "names: [RBC, WBC, Platelets]",
        "nc: 3\nnames: ['RBC', \"WBC\", 'Platelets']\ntrain: x",
        "names:\n  - RBC\n  - WBC\n  - Platelets\nnc: 3",
        "path: .\nnames:\n  0: RBC\n  1: WBC\n  2: Platelets\n",
        "names: {0: RBC, 1: WBC, 2: Platelets}",
    ],
)
def test_names_of_a_data_yaml(root, text):
    _write(root, "yolo", _picture())
    (root / "classes.txt").unlink()
    (root / "data.yaml").write_text(text)
    assert read_boxes(root).pictures[0].names == ("RBC", "WBC")


def test_without_names_a_class_keeps_its_number(root):
    _write(root, "yolo", _picture())
    (root / "classes.txt").unlink()
    assert read_boxes(root).pictures[0].names == ("0", "1")


@pytest.mark.parametrize(
    ("layout", "text", "reason"),
    [
        ("yolo", "0 0.5 0.5 0.1\n", "line 1: 4 values instead of 5"),
        ("yolo", "0 0.5 0.5 0.1 7\n", "line 1: a share outside 0 to 1"),
        ("yolo", "0 0.5 0.5 nan 0.1\n", "'nan' is not a number"),
        ("voc", "<annotation><object><name>RBC</name></object></annotation>", "four sides"),
        ("voc", "<annotation><object>", "cannot be read"),
        ("voc", '<!DOCTYPE a [<!ENTITY b "c">]><annotation/>', "document type, which is refused"),
    ],
)
def test_a_bad_annotation_is_listed_and_the_rest_is_taken(root, layout, text, reason):
    _write(root, layout, _picture())
    Image.new("RGB", (20, 20)).save(root / "images" / "bad.png")
    ending = "xml" if layout == "voc" else "txt"
    (root / "labels" / f"bad.{ending}").write_text(text)
    found = read_boxes(root)
    assert [p.file for p in found.pictures] == ["images/a.png"]
    (left,) = found.skipped
    assert left.file == "images/bad.png"
    assert reason in left.reason


def test_pictures_that_are_none_or_have_no_boxes_are_listed(root):
    _write(root, "coco", _picture())
    Image.new("RGB", (20, 20)).save(root / "images" / "lonely.png")
    (root / "images" / "words.jpg").write_text("not a picture")
    reasons = {s.file: s.reason for s in read_boxes(root).skipped}
    assert reasons == {
        "images/lonely.png": "no boxes are given for it",
        "images/words.jpg": "words.jpg is text, not a picture. "
        "Accepted: PNG, JPEG, TIFF, BMP, WebP, DICOM.",
    }


def test_boxes_are_cut_to_the_picture(root):
    _write(root, "coco", _picture())
    said = json.loads((root / "boxes.json").read_text())
    said["annotations"][0]["bbox"] = [-10, -10, 30, 30]
    (root / "boxes.json").write_text(json.dumps(said))
    assert read_boxes(root).pictures[0].boxes_xyxy_px[0].tolist() == [0, 0, 20, 20]


def test_a_box_without_area_is_left_out_and_the_picture_is_used(root):
    _write(root, "yolo", _picture())
    with (root / "labels" / "a.txt").open("a") as file:
        file.write("0 0.5 0.5 0 0.1\n")
    found = read_boxes(root)
    assert found.pictures[0].names == ("RBC", "WBC")
    assert [(m.file, m.reason) for m in found.mended] == [
        ("images/a.png", "1 box is without area and left out")
    ]


def test_a_folder_without_boxes_is_refused(root):
    with pytest.raises(DataRefused, match="expected are VOC .* YOLO .* or COCO"):
        read_boxes(root)


def test_a_class_nobody_listed_is_not_written():
    with pytest.raises(ValueError, match="'WBC' is not among RBC"):
        write_yolo(_picture(), ["RBC"])
    with pytest.raises(ValueError, match="'WBC' is not among RBC"):
        write_coco([_picture()], ["RBC"])


def test_the_public_sets_as_their_own_readers_read_them(data_dir):
    """CBC is VOC and TXL-PBC is YOLO; both have readers of their own here."""
    voc = {p.file: p for p in read_boxes(data_dir / "cbc" / "Testing").pictures}
    for field in cbc.load(data_dir / "cbc", "Testing"):
        mine = voc[f"Images/{field.path.name}"]
        whole = (field.boxes_xyxy_px[:, 2:] > field.boxes_xyxy_px[:, :2]).all(axis=1)
        expected = field.boxes_xyxy_px[whole].clip(0, [640, 480, 640, 480])
        np.testing.assert_array_equal(mine.boxes_xyxy_px, expected)
        assert len(mine.names) == whole.sum()
    yolo = {p.file: p for p in read_boxes(data_dir / "txl").pictures}
    for field in txl.load(data_dir / "txl", "test"):
        mine = yolo[f"images/test/{field.path.name}"]
        # Some of its files hold each line twice.
        once = list(dict.fromkeys(map(tuple, field.boxes_xyxy_px.round(2).tolist())))
        np.testing.assert_allclose(mine.boxes_xyxy_px, once, atol=0.51)
