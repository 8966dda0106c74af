"""What is exported opens in the readers of other projects, with the same boxes."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import numpy as np
import pytest
import supervision
import yaml
from PIL import Image
from torchvision.datasets import VOCDetection

from core.datasets.intake.boxes.formats import (
    BoxedPicture,
    write_data_yaml,
    write_voc,
    write_yolo,
)

CLASSES = ("rbc", "wbc", "platelet", "segmented_neutrophil")


def pictures() -> list[BoxedPicture]:
    """Three fields: some boxes, one box at the rim with a name beyond ASCII, none."""
    return [
        BoxedPicture(
            "images/a.png", 200, 100,
            np.array([[0, 0, 50, 25], [100.5, 40.25, 200, 100]], np.float32), ("rbc", "wbc"),
        ),
        BoxedPicture(
            "images/Müller 1.png", 320, 240,
            np.array([[300, 220, 320, 240]], np.float32), ("segmented_neutrophil",),
        ),
        BoxedPicture("images/c.png", 200, 100, np.zeros((0, 4), np.float32), ()),
    ]  # fmt: skip


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    for one in pictures():
        path = tmp_path / one.file
        path.parent.mkdir(exist_ok=True)
        Image.new("RGB", (one.width_px, one.height_px)).save(path)
    return tmp_path


def test_voc_as_torchvision_opens_it(saved: Path) -> None:
    """``VOCDetection`` wants the folders of the challenge; the files in them are the export's."""
    top = saved / "VOCdevkit/VOC2012"
    for folder in ("JPEGImages", "Annotations", "ImageSets/Main"):
        (top / folder).mkdir(parents=True)
    stems = []
    for one in pictures():
        stem = PurePosixPath(one.file).stem
        # The reader opens the picture by its content, so PNG may carry its ending.
        (saved / one.file).rename(top / f"JPEGImages/{stem}.jpg")
        (top / f"Annotations/{stem}.xml").write_bytes(write_voc(one).encode())
        stems.append(stem)
    (top / "ImageSets/Main/train.txt").write_text("\n".join(stems))
    opened = VOCDetection(str(saved), year="2012", image_set="train")
    assert len(opened) == 3
    for one, (picture, target) in zip(pictures(), opened, strict=True):
        annotation = target["annotation"]
        assert annotation["filename"] == PurePosixPath(one.file).name
        size = annotation["size"]
        assert (int(size["width"]), int(size["height"]), int(size["depth"])) == (*picture.size, 3)
        objects = annotation.get("object", [])
        assert [item["name"] for item in objects] == [*one.names]
        sides = [
            [float(item["bndbox"][side]) for side in ("xmin", "ymin", "xmax", "ymax")]
            for item in objects
        ]
        np.testing.assert_allclose(np.reshape(sides, (-1, 4)), one.boxes_xyxy_px, atol=0.005)


@pytest.fixture
def yolo(saved: Path) -> Path:
    """The same pictures with YOLO's labels and ``data.yaml``."""
    for one in pictures():
        labels = saved / "labels" / f"{PurePosixPath(one.file).stem}.txt"
        labels.parent.mkdir(exist_ok=True)
        labels.write_text(write_yolo(one, CLASSES))
    (saved / "data.yaml").write_text(write_data_yaml(CLASSES, [one.file for one in pictures()]))
    return saved


def test_yolo_as_supervision_opens_it(yolo: Path) -> None:
    folder = yolo / PurePosixPath(pictures()[0].file).parent
    opened = supervision.DetectionDataset.from_yolo(
        str(folder), str(yolo / "labels"), str(yolo / "data.yaml")
    )
    assert opened.classes == [*CLASSES]
    found = {Path(path).name: boxes for path, _, boxes in opened}
    for one in pictures():
        boxes = found.pop(PurePosixPath(one.file).name)
        assert boxes.class_id is not None
        assert [opened.classes[number] for number in boxes.class_id] == [*one.names]
        np.testing.assert_allclose(boxes.xyxy.reshape(-1, 4), one.boxes_xyxy_px, atol=1e-3)
    assert not found


def test_yolo_by_the_rules_of_its_own_documents(yolo: Path) -> None:
    """Found as Ultralytics documents it: ``path`` and ``train`` lead to the pictures, ``/images/``
    becomes ``/labels/``, and every line is a class and centre, width and height in shares.
    """
    saved = yolo
    content = yaml.safe_load((saved / "data.yaml").read_text())
    assert content["nc"] == len(content["names"]) == len(CLASSES)
    expected = {PurePosixPath(one.file).name: one for one in pictures()}
    for part in ("train", "val"):
        folder = saved / content["path"] / content[part]
        files = sorted(folder.iterdir())
        assert {file.name for file in files} == {*expected}
        for file in files:
            label = Path(str(file).replace("/images/", "/labels/")).with_suffix(".txt")
            rows = np.array([line.split() for line in label.read_text().splitlines()], np.float64)
            rows = rows.reshape(-1, 5)
            one = expected[file.name]
            assert [content["names"][int(number)] for number in rows[:, 0]] == [*one.names]
            with Image.open(file) as picture:
                side = np.array(picture.size)
            corners = np.hstack([rows[:, 1:3] - rows[:, 3:] / 2, rows[:, 1:3] + rows[:, 3:] / 2])
            np.testing.assert_allclose(corners * np.tile(side, 2), one.boxes_xyxy_px, atol=1e-3)
