"""Sets as people really keep them: each layout drawn small, with the rows that are right."""

from __future__ import annotations

import json
import zipfile
from typing import Any

import cv2
import numpy as np
import openpyxl
import pytest
from PIL import Image

from core.datasets.archive import unpack
from core.datasets.intake.boxes.formats import BoxedPicture, read_boxes, write_coco, write_voc
from core.datasets.intake.cells import read_cells
from core.datasets.intake.fields import read_boxed_fields, read_counted_fields
from core.datasets.intake.palms import read_palms
from core.datasets.intake.rows import rows_of_set
from core.datasets.skipped import DataRefused
from core.settings import Settings

SETTINGS = Settings()
BOXES = ((10, 10, 40, 40), (60, 60, 110, 120), (130, 20, 170, 60), (20, 120, 60, 160))


def draw(path, seed, size=(240, 200)):
    path.parent.mkdir(parents=True, exist_ok=True)
    small = np.random.default_rng(seed).integers(0, 255, (12, 12, 3)).astype(np.uint8)
    Image.fromarray(cv2.resize(small, size, interpolation=cv2.INTER_CUBIC)).save(path)


def boxed(file, names, size=(240, 200)):
    boxes = np.array(BOXES[: len(names)], np.float32).reshape(-1, 4)
    return BoxedPicture(file, size[0], size[1], boxes, tuple(names))


def rows(found):
    return {row["file"]: row for row in rows_of_set(found)}


def names(root):
    return {p.file: p.names for p in read_boxes(root).pictures}


@pytest.mark.parametrize("sign", ["/", "\\"])
def test_coco_names_pictures_by_their_path(tmp_path, sign):
    for number, slide in enumerate(("slideA", "slideB")):
        draw(tmp_path / f"images/{slide}/1.png", number)
    pictures = [
        boxed("images/slideA/1.png", ["RBC"]),
        boxed("images/slideB/1.png", ["WBC", "RBC", "RBC"]),
    ]
    text = write_coco(pictures, ["RBC", "WBC"]).replace("/", json.dumps(sign)[1:-1])
    (tmp_path / "a.json").write_text(text)
    assert names(tmp_path) == {p.file: p.names for p in pictures}


def test_a_bare_name_that_fits_two_pictures_fits_none(tmp_path):
    for number, slide in enumerate(("slideA", "slideB")):
        draw(tmp_path / f"{slide}/1.png", number)
    (tmp_path / "counts.csv").write_text("file,rbc,wbc,platelet\n1.png,5,1,0\nslideA/1.png,7,1,0\n")
    found = rows(read_counted_fields(tmp_path, SETTINGS))
    assert found["slideA/1.png"]["counts"] == {"rbc": 7, "wbc": 1, "platelet": 0}
    assert "fits slideA/1.png and slideB/1.png equally well" in found["slideB/1.png"]["left_out"]


@pytest.mark.parametrize(
    ("rows_", "reason"),
    [(("1.png,5,1,0", "1.png,6,1,0"), "two rows fit it and differ"), (("1.png,5,1,0",) * 2, None)],
)
def test_two_rows_for_one_picture(tmp_path, rows_, reason):
    draw(tmp_path / "1.png", 1)
    (tmp_path / "c.csv").write_text("\n".join(["file,rbc,wbc,platelet", *rows_]))
    row = rows(read_counted_fields(tmp_path, SETTINGS))["1.png"]
    assert (reason in row["left_out"]) if reason else row["counts"]["rbc"] == 5


def test_each_slide_has_its_own_counts(tmp_path):
    lines = ["file,rbc,wbc,platelet"]
    for slide in range(2):
        for number in range(3):
            draw(tmp_path / f"s{slide}/{number}.png", 10 * slide + number)
            lines.append(f"s{slide}/{number}.png,{10 * slide + number},1,2")
    (tmp_path / "counts.csv").write_text("\n".join(lines))
    found = rows(read_counted_fields(tmp_path, SETTINGS))
    assert {f: r["counts"]["rbc"] for f, r in found.items()} == {
        f"s{slide}/{number}.png": 10 * slide + number for slide in range(2) for number in range(3)
    }


def test_palms_of_two_clinics_with_the_same_names(tmp_path):
    lines = ["file,anemic"]
    for clinic in ("a", "b"):
        for number in range(3):
            draw(tmp_path / f"{clinic}/{number}.png", 10 * ord(clinic) + number)
            lines.append(f"{clinic}/{number}.png,{int(clinic == 'a')}")
    (tmp_path / "labels.csv").write_text("\n".join(lines))
    found = rows(read_palms(tmp_path, SETTINGS))
    assert {f: r["anemic"] for f, r in found.items()} == {
        f"{clinic}/{n}.png": clinic == "a" for clinic in ("a", "b") for n in range(3)
    }


def test_a_picture_nobody_labelled_takes_no_namesakes_boxes(tmp_path):
    for file in ("a/1", "b/1", "b/2"):
        draw(tmp_path / f"{file}.png", len(file) + ord(file[0]))
    for file in ("a/1", "b/2"):
        (tmp_path / f"{file}.xml").write_text(write_voc(boxed(f"{file}.png", ["RBC"])))
    found = read_boxes(tmp_path)
    assert [p.file for p in found.pictures] == ["a/1.png", "b/2.png"]
    assert [s.file for s in found.skipped] == ["b/1.png"]


def yolo(root, lists, seed=0):
    for number, (folder, classes) in enumerate(lists.items()):
        draw(root / folder / f"{number}.png", seed + number)
        (root / folder / f"{number}.txt").write_text("0 0.5 0.5 0.2 0.2\n2 0.2 0.2 0.1 0.1\n")
        (root / folder / "classes.txt").write_text("\n".join(classes))


def test_each_folder_has_its_own_class_list(tmp_path):
    yolo(tmp_path, {"monday": ["RBC", "WBC", "PLT"], "tuesday": ["WBC", "PLT", "RBC"]})
    assert names(tmp_path) == {"monday/0.png": ("RBC", "PLT"), "tuesday/1.png": ("WBC", "RBC")}


def test_a_data_yaml_against_classes_txt_is_refused(tmp_path):
    yolo(tmp_path, {"labels": ["RBC", "WBC", "PLT"]})
    (tmp_path / "data.yaml").write_text("names: {0: WBC, 1: RBC, 2: PLT}\nnc: 3\n")
    with pytest.raises(DataRefused, match="data.yaml and labels/classes.txt disagree"):
        read_boxes(tmp_path)


def test_a_data_yaml_is_read_as_yaml(tmp_path):
    yolo(tmp_path, {"a": []})
    (tmp_path / "data.yaml").write_text("names: {0: rbc,\n  1: wbc, 2: 'platelet'}\ntrain: x\n")
    assert names(tmp_path) == {"a/0.png": ("rbc", "platelet")}


def test_two_files_for_the_same_pictures_are_merged_or_refused(tmp_path):
    draw(tmp_path / "1.png", 1)
    both = boxed("1.png", ["RBC", "WBC"])
    one = BoxedPicture("1.png", 240, 200, both.boxes_xyxy_px[:1], ("RBC",))
    two = BoxedPicture("1.png", 240, 200, both.boxes_xyxy_px[1:], ("WBC",))
    (tmp_path / "a.json").write_text(write_coco([one], ["RBC"]))
    (tmp_path / "b.json").write_text(write_coco([two], ["WBC"]))
    assert names(tmp_path) == {"1.png": ("RBC", "WBC")}
    assert "a.json and b.json label the same pictures" in read_boxes(tmp_path).notes[0]
    swapped = BoxedPicture("1.png", 240, 200, both.boxes_xyxy_px, ("WBC", "WBC"))
    (tmp_path / "b.json").write_text(write_coco([swapped], ["WBC"]))
    (left,) = read_boxes(tmp_path).skipped
    assert "a.json and b.json contradict each other" in left.reason


@pytest.mark.parametrize(
    ("said", "scaled"), [((480, 400), True), ((300, 250), True), ((200, 240), False)]
)
def test_boxes_drawn_on_another_size(tmp_path, said, scaled):
    draw(tmp_path / "1.png", 1)
    (tmp_path / "1.xml").write_text(write_voc(boxed("1.png", ["RBC", "WBC"], said)))
    found = read_boxes(tmp_path)
    if not scaled:
        assert "200 x 240 pixels, it has 240 x 200 (turned?)" in found.skipped[0].reason
        return
    expected = np.array(BOXES[:2]) * 240 / said[0]
    np.testing.assert_allclose(found.pictures[0].boxes_xyxy_px, expected, atol=0.01)
    assert f"{said[0]} x {said[1]}" in found.mended[0].reason


def test_a_picture_that_lost_its_boxes_is_no_empty_field(tmp_path):
    draw(tmp_path / "1.png", 1)
    (tmp_path / "1.xml").write_text(
        write_voc(boxed("1.png", ["RBC", "WBC"])).replace("<xmin>", "<xmin>9")
    )
    found = read_boxes(tmp_path)
    assert found.pictures == () and "all of its 2 boxes are lost" in found.skipped[0].reason
    (tmp_path / "1.xml").write_text(write_voc(boxed("1.png", [])))
    assert read_boxes(tmp_path).pictures[0].names == ()


@pytest.mark.parametrize("mask", ["masks/1.png", "other/1.png", "images/1_mask.png"])
def test_masks_are_no_fields(tmp_path, mask):
    draw(tmp_path / "images/1.jpg", 1)
    (tmp_path / "annotations").mkdir()
    (tmp_path / "annotations/1.xml").write_text(write_voc(boxed("images/1.jpg", ["RBC"])))
    (tmp_path / mask).parent.mkdir(exist_ok=True)
    Image.fromarray(np.eye(200, 240, dtype=np.uint8) * 255).save(tmp_path / mask)
    found = read_boxes(tmp_path)
    assert [p.file for p in found.pictures] == ["images/1.jpg"]
    assert [(s.file, "mask" in s.reason) for s in found.skipped] == [(mask, True)]


@pytest.mark.parametrize(
    ("change", "kept", "reason"),
    [
        ({"bbox": None, "segmentation": [[10, 10, 40, 10, 40, 40]]}, 2, None),
        ({"bbox": None}, 1, "neither a bbox nor a polygon"),
        ({"category_id": 99}, 1, "its category 99 is not listed"),
        ({"iscrowd": 1}, 1, "a crowd"),
        ({"bbox": [1, 2, "x", 4]}, 1, "not four numbers"),
    ],
)
def test_one_odd_entry_of_coco_costs_that_entry(tmp_path, change, kept, reason):
    draw(tmp_path / "1.png", 1)
    content = json.loads(write_coco([boxed("1.png", ["RBC", "WBC"])], ["RBC", "WBC"]))
    content["annotations"][0] |= change
    (tmp_path / "a.json").write_text(json.dumps(content))
    found = read_boxes(tmp_path)
    assert len(found.pictures[0].names) == kept
    assert (
        [m.reason for m in found.mended] == []
        if reason is None
        else reason in found.mended[0].reason
    )


@pytest.mark.parametrize(
    ("line", "box"),
    [
        ("0 0.5 0.5 0.2 0.2 0.93", [96, 80, 144, 120]),
        ("0 0.4 0.4 0.6 0.4 0.6 0.6", [96, 80, 144, 120]),
        ("0 0,5 0,5 0,2 0,2", [96, 80, 144, 120]),
        ("0.0 0.5 0.5 0.2 0.2\r", [96, 80, 144, 120]),
    ],
)
def test_lines_of_yolo(tmp_path, line, box):
    draw(tmp_path / "1.png", 1)
    (tmp_path / "1.txt").write_bytes(line.encode())
    (picture,) = read_boxes(tmp_path).pictures
    assert picture.boxes_xyxy_px[0].tolist() == pytest.approx(box, abs=0.01)


TABLES = {
    "semicolons": "file;rbc;wbc;platelet\nMü0.png;12;1;0\nMü1.png;13;1;0\n".encode(),
    "bom": "﻿file,rbc,wbc,platelet\nMü0.png,12,1,0\nMü1.png,13,1,0\n".encode(),
    "cp1252": "file,rbc,wbc,platelet\nMü0.png,12,1,0\nMü1.png,13,1,0\n".encode("cp1252"),
    "utf16": "file\trbc\twbc\tplatelet\nMü0.png\t12\t1\t0\nMü1.png\t13\t1\t0\n".encode("utf-16"),
    "cr": "file,rbc,wbc,platelet\rMü0.png,12,1,0\rMü1.png,13,1,0\r".encode(),
    "floats": "file,rbc,wbc,platelet\nMü0.png,12.0,1.0,0.0\nMü1.png,13.0,1,0\n".encode(),
    "commas": "file;rbc;wbc;platelet\nMü0.png;12,0;1;0\nMü1.png;13,0;1;0\n".encode(),
    "windows": "file,rbc,wbc,platelet\nC:\\x\\Mü0.png,12,1,0\nC:\\x\\Mü1.png,13,1,0\n".encode(),
    "no ending": "File,RBC count,WBC,PLT\nMü0,12,1,0\nMü1,13,1,0\n".encode(),
    "upper case": "file,rbc,wbc,platelet\nMÜ0.PNG,12,1,0\nMÜ1.PNG,13,1,0\n".encode(),
    "excel": "sep=;\nfile;rbc;wbc;platelet\nMü0.png;12;1;0\nMü1.png;13;1;0\n".encode(),
}


@pytest.mark.parametrize("table", TABLES)
def test_tables_as_spreadsheets_write_them(tmp_path, table):
    for number in range(2):
        draw(tmp_path / f"Mü{number}.png", number)
    (tmp_path / "counts.csv").write_bytes(TABLES[table])
    found = rows(read_counted_fields(tmp_path, SETTINGS))
    assert [found[f"Mü{n}.png"]["counts"]["rbc"] for n in range(2)] == [12, 13]


def test_counts_of_a_workbook(tmp_path):
    for number in range(2):
        draw(tmp_path / f"{number}.png", number)
    book: Any = openpyxl.Workbook()
    book.active.append(["Counts of Monday"])
    for line in (["File", "RBC", "WBC", "Platelets"], ["0.png", 12, 1, 0], ["1.png", 13.0, 1, 0]):
        book.active.append(line)
    book.save(tmp_path / "counts.xlsx")
    found = rows(read_counted_fields(tmp_path, SETTINGS))
    assert [found[f"{n}.png"]["counts"]["rbc"] for n in range(2)] == [12, 13]


@pytest.mark.parametrize("value", ["9" * 5000, "12.5", "12.000", "1,234,5", "-1", "²", "", "1e9"])
def test_what_is_no_count_is_explained(tmp_path, value):
    draw(tmp_path / "1.png", 1)
    (tmp_path / "c.csv").write_text(f'file,rbc,wbc,platelet\n1.png,"{value}",1,0\n')
    assert (
        "not a whole number" in rows(read_counted_fields(tmp_path, SETTINGS))["1.png"]["left_out"]
    )


def test_slides_below_a_class_stay_on_one_side(tmp_path):
    number = 0
    for label in ("Eosinophil", "Lymphocyte"):
        for slide in range(4):
            for _ in range(6):
                draw(tmp_path / f"{label}/slide {slide}/{number}.png", number, (64, 64))
                number += 1
    found = read_cells(tmp_path, SETTINGS)
    assert (found.labels.count("eosinophil"), found.labels.count("lymphocyte")) == (24, 24)
    parts: dict[str, set[str]] = {}
    for row in rows_of_set(found):
        parts.setdefault(row["group"], set()).add(row["part"])
    assert parts.keys() == {f"slide {n}" for n in range(4)}
    assert all(len(one) == 1 for one in parts.values())
    assert {"training", "validation"} <= set.union(*parts.values())


def test_the_sets_own_split_is_kept_without_copies_in_training(tmp_path):
    number = 0
    for part, count in (("TRAIN", 14), ("VAL", 4), ("TEST", 4)):
        for label in ("EOSINOPHIL", "LYMPHOCYTE"):
            for _ in range(count):
                draw(tmp_path / f"{part}/{label}/{number}.png", number, (64, 64))
                number += 1
    turned = cv2.rotate(cv2.imread(str(tmp_path / "TEST/LYMPHOCYTE/40.png")), cv2.ROTATE_180)
    cv2.imwrite(str(tmp_path / "TRAIN/LYMPHOCYTE/turned.png"), np.uint8(turned * 0.8))
    found = rows(read_cells(tmp_path, SETTINGS))
    assert "test part" in found.pop("TRAIN/LYMPHOCYTE/turned.png")["left_out"]
    expected = {"TRAIN": "training", "VAL": "validation", "TEST": "test"}
    assert all(row["part"] == expected[file.split("/")[0]] for file, row in found.items())


def test_a_table_in_the_zips_one_folder_counts(tmp_path):
    lines = ["file,patient"]
    for number in range(60):
        label = ("MON", "Lymphocytes")[number % 2]
        draw(tmp_path / f"in/set/{label}/{number}.png", number, (64, 64))
        lines.append(f"{label}/{number}.png,p{number % 15}")
    (tmp_path / "in/set/patients.csv").write_text("\n".join(lines))
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as packed:
        for file in sorted((tmp_path / "in").rglob("*")):
            packed.write(file, file.relative_to(tmp_path / "in"))
    unpack(tmp_path / "set.zip", tmp_path / "out")
    found = read_cells(tmp_path / "out", SETTINGS)
    assert found.grouped_by == "patient and near-duplicates"
    sides: dict[str, set[str]] = {}
    for row in rows_of_set(found):
        sides.setdefault(row["group"], set()).add(row["part"])
    assert len(sides) == 15 and all(len(side) == 1 for side in sides.values())


def test_boxes_keep_the_split_of_their_folders(tmp_path):
    for number in range(24):
        part = ("train", "valid", "test")[0 if number < 16 else 1 + number % 2]
        draw(tmp_path / f"{part}/images/{number}.png", number)
        (tmp_path / f"{part}/labels").mkdir(exist_ok=True)
        (tmp_path / f"{part}/labels/{number}.txt").write_text("0 0.5 0.5 0.2 0.2\n")
    (tmp_path / "data.yaml").write_text("names: [RBC]\nnc: 1\n")
    found = rows(read_boxed_fields(tmp_path, SETTINGS))
    expected = {"train": "training", "valid": "validation", "test": "test"}
    assert {file: row["part"] for file, row in found.items()} == {
        file: expected[file.split("/")[0]] for file in found
    }
    assert found["train/images/0.png"]["boxes"][0]["class"] == "RBC"


@pytest.mark.parametrize("encoding", ["gbk", "cp437", "utf-8"])
def test_names_in_a_zip_are_readable(tmp_path, encoding):
    name = "血涂片/淋巴细胞.png" if encoding == "gbk" else "Müller/Präparat.png"
    raw = name.encode(encoding)
    stand_in = "x" * len(raw)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as packed:
        packed.writestr(stand_in, b"1")
    data = (tmp_path / "a.zip").read_bytes().replace(stand_in.encode(), raw)
    (tmp_path / "a.zip").write_bytes(data)
    unpack(tmp_path / "a.zip", tmp_path / "out")
    assert [
        p.relative_to(tmp_path / "out").as_posix() for p in (tmp_path / "out").rglob("*.png")
    ] == [name]
