"""Sets as other programs and people lay them out: each is read rightly, or refused by name."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pytest
import tifffile
from PIL import Image

from core.datasets.intake.cells import read_cells
from core.datasets.intake.fields import read_boxed_fields, read_counted_fields
from core.datasets.intake.palms import read_palms
from core.datasets.intake.rows import PictureRow, rows_of_set
from core.datasets.skipped import DataRefused
from core.settings import Settings

SETTINGS = Settings()
Rows = dict[str, PictureRow]


def picture(path: Path, size: tuple[int, int] = (240, 200), **options: Any) -> None:
    rng = np.random.default_rng(zlib.crc32(str(path).encode()))
    coarse = Image.fromarray(rng.integers(60, 250, (8, 8, 3)).astype(np.uint8))
    path.parent.mkdir(parents=True, exist_ok=True)
    coarse.resize(size, Image.Resampling.BICUBIC).save(path, **options)


def text(path: Path, content: str, encoding: str = "utf-8") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode(encoding))


def coco(
    path: Path,
    files: list[str],
    size: tuple[int, int] = (240, 200),
    change: Callable[[dict[str, Any]], object] = lambda content: None,
) -> None:
    """Picture n of the list has n + 1 boxes."""
    content: dict[str, Any] = {
        "images": [
            {"id": n, "file_name": file, "width": size[0], "height": size[1]}
            for n, file in enumerate(files)
        ],
        "annotations": [
            {"id": 10 * n + k, "image_id": n, "category_id": 1, "bbox": [10 + 30 * k, 10, 20, 20]}
            for n in range(len(files))
            for k in range(n + 1)
        ],
        "categories": [{"id": 1, "name": "RBC"}],
    }
    change(content)
    text(path, json.dumps(content))


def voc(path: Path, filename: str, boxes: int = 1, box: str = "10 10 30 30") -> None:
    sides = dict(zip(("xmin", "ymin", "xmax", "ymax"), box.split(), strict=True))
    corners = "".join(f"<{side}>{value}</{side}>" for side, value in sides.items())
    objects = [
        f"<object><name>RBC</name><bndbox>{corners}</bndbox></object>".replace(
            f"<xmax>{sides['xmax']}", f"<xmax>{float(sides['xmax']) + n}"
        )
        for n in range(boxes)
    ]
    text(
        path,
        f"<annotation><filename>{filename}</filename><size><width>240</width><height>200</height>"
        f"</size>{''.join(objects)}</annotation>",
    )


def yolo(path: Path, line: str = "{c} {x} 0.2 0.1 0.1") -> None:
    text(path, "".join(line.format(c=c, x=0.1 + 0.2 * c) + "\n" for c in range(2)))


def table(path: Path, lines: list[str]) -> None:
    text(path, "\n".join(lines) + "\n")


def boxes(root: Path) -> Rows:
    return {row["file"]: row for row in rows_of_set(read_boxed_fields(root, SETTINGS))}


def counts(root: Path) -> Rows:
    return {row["file"]: row for row in rows_of_set(read_counted_fields(root, SETTINGS))}


def numbers(rows: Rows) -> dict[str, int]:
    return {file: len(row["boxes"]) for file, row in rows.items() if "boxes" in row}


def parts(rows: Rows) -> dict[str, str]:
    return {file: row.get("part", "") for file, row in rows.items()}


# ---- COCO ------------------------------------------------------------------------------------


def test_coco_of_label_studio_names_its_own_folders(tmp_path: Path) -> None:
    for n in range(3):
        picture(tmp_path / f"images/a{n}-{n}.jpg")
    coco(tmp_path / "result.json", [f"../../label-studio/data/upload/1/a{n}-{n}.jpg"
                                    for n in range(3)])  # fmt: skip
    assert numbers(boxes(tmp_path)) == {f"images/a{n}-{n}.jpg": n + 1 for n in range(3)}


def test_coco_with_numbers_as_text(tmp_path: Path) -> None:
    def as_text(content: dict[str, Any]) -> None:
        for entry in content["annotations"]:
            entry["bbox"] = [str(value) for value in entry["bbox"]]
            entry["image_id"] = str(entry["image_id"])

    picture(tmp_path / "0.jpg")
    coco(tmp_path / "a.json", ["0.jpg"], change=as_text)
    assert boxes(tmp_path)["0.jpg"]["boxes"][0]["box_xyxy"] == [10, 10, 30, 30]


def test_boxes_in_shares_are_not_boxes_of_half_a_pixel(tmp_path: Path) -> None:
    def shares(content: dict[str, Any]) -> None:
        for entry in content["annotations"]:
            entry["bbox"] = [0.1, 0.2, 0.3, 0.25]

    picture(tmp_path / "a/0.jpg")
    coco(tmp_path / "a/a.json", ["0.jpg"], change=shares)
    assert "shares" in boxes(tmp_path / "a")["0.jpg"]["left_out"]
    picture(tmp_path / "b/0.jpg")
    voc(tmp_path / "b/0.xml", "0.jpg", box="0.1 0.1 0.3 0.4")
    assert "shares" in boxes(tmp_path / "b")["0.jpg"]["left_out"]


def test_an_entry_given_twice_counts_once(tmp_path: Path) -> None:
    picture(tmp_path / "c/0.jpg")

    def twice(content: dict[str, Any]) -> None:
        content["annotations"] *= 2

    coco(tmp_path / "c/a.json", ["0.jpg"], change=twice)
    assert numbers(boxes(tmp_path / "c")) == {"0.jpg": 1}
    picture(tmp_path / "y/0.jpg")
    yolo(tmp_path / "y/0.txt")
    lines = (tmp_path / "y/0.txt").read_text()
    text(tmp_path / "y/0.txt", lines * 2)
    text(tmp_path / "y/classes.txt", "RBC\nWBC\n")
    assert numbers(boxes(tmp_path / "y")) == {"0.jpg": 2}
    # One box under two classes is a contradiction.
    text(tmp_path / "y/0.txt", lines + lines.replace("0 0.1", "1 0.1"))
    assert "is called RBC and WBC" in boxes(tmp_path / "y")["0.jpg"]["left_out"]


def test_two_pictures_of_one_number_are_left_out(tmp_path: Path) -> None:
    def one_number(content: dict[str, Any]) -> None:
        content["images"][2]["id"] = content["images"][1]["id"]

    for n in range(3):
        picture(tmp_path / f"{n}.jpg")
    coco(tmp_path / "a.json", ["0.jpg", "1.jpg", "2.jpg"], change=one_number)
    rows = boxes(tmp_path)
    assert numbers(rows) == {"0.jpg": 1}
    assert all("one number" in rows[f"{n}.jpg"]["left_out"] for n in (1, 2))


@pytest.mark.parametrize(
    ("name", "content", "program"),
    [
        ("via.json", '{"0.jpg9": {"filename": "0.jpg", "regions": [{"shape_attributes": {}}]}}',
         "VIA"),
        ("0.json", '{"shapes": [], "imagePath": "0.jpg", "imageHeight": 200}', "labelme"),
        ("x.json", '[{"annotations": [{"result": []}], "data": {"image": "0.jpg"}}]',
         "Label Studio"),
        ("x.json", '[{"image": "0.jpg", "annotations": [{"label": "RBC", "coordinates": {}}]}]',
         "CreateML"),
        ("x.xml", '<annotations><image id="0" name="0.jpg"><box label="RBC"/></image>'
         "</annotations>", "CVAT"),
        ("x.csv", "RBC,10,10,20,20,0.jpg,240,200\n", "table of boxes"),
        ("x.csv", "filename,width,height,class,xmin,ymin,xmax,ymax\n", "table of boxes"),
        ("x.json", '{"images": [], "annotations": []}', "categories"),
    ],
)  # fmt: skip
def test_formats_that_are_not_read_are_named(
    tmp_path: Path, name: str, content: str, program: str
) -> None:
    picture(tmp_path / "0.jpg")
    text(tmp_path / name, content)
    with pytest.raises(DataRefused, match=program):
        read_boxed_fields(tmp_path, SETTINGS)


# ---- pictures that are stored otherwise than they are shown -----------------------------------


def test_a_picture_stored_turned_is_used_only_where_its_boxes_surely_fit(tmp_path: Path) -> None:
    turned, half = Image.Exif(), Image.Exif()
    turned[0x112], half[0x112] = 6, 3
    picture(tmp_path / "0.jpg", exif=turned)
    picture(tmp_path / "1.jpg", exif=turned, size=(200, 200))
    picture(tmp_path / "2.jpg", exif=half)
    coco(tmp_path / "a.json", ["0.jpg"], size=(200, 240))
    assert numbers(boxes(tmp_path)) == {"0.jpg": 1}
    coco(tmp_path / "a.json", ["0.jpg"], size=(240, 200))
    assert "as it is stored" in boxes(tmp_path)["0.jpg"]["left_out"]
    coco(tmp_path / "a.json", ["1.jpg"], size=(200, 200))
    assert "EXIF" in boxes(tmp_path)["1.jpg"]["left_out"]
    coco(tmp_path / "a.json", ["2.jpg"])
    assert "EXIF" in boxes(tmp_path)["2.jpg"]["left_out"]


def test_the_size_of_a_tiff_is_not_its_previews(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (200, 240, 3), dtype=np.uint8)
    with tifffile.TiffWriter(tmp_path / "0.tif") as tiff:
        tiff.write(pixels[::4, ::4].copy(), subfiletype=1, photometric="rgb")
        tiff.write(pixels, photometric="rgb")
    voc(tmp_path / "0.xml", "0.tif")
    assert boxes(tmp_path)["0.tif"]["boxes"][0]["box_xyxy"] == [10, 10, 30, 30]


@pytest.mark.parametrize("mask", ["images/mask_0.png", "images/0-mask.png", "Masks/other.png"])
def test_masks_are_known_by_their_name_or_folder(tmp_path: Path, mask: str) -> None:
    for n in range(2):
        picture(tmp_path / f"images/{n}.jpg")
        voc(tmp_path / f"annotations/{n}.xml", f"{n}.jpg")
    (tmp_path / mask).parent.mkdir(exist_ok=True)
    Image.new("L", (240, 200)).save(tmp_path / mask)
    assert "mask" in boxes(tmp_path)[mask]["left_out"]


def test_masks_below_a_class_are_no_cells(tmp_path: Path) -> None:
    for name in ("Lymphocyte", "Monocyte"):
        for n in range(10):
            picture(tmp_path / name / "images" / f"{name}{n}.png", (100, 100))
            shape = np.zeros((100, 100), np.uint8)
            shape[n : 50 + len(name), 20:70] = 255
            (tmp_path / name / "masks").mkdir(exist_ok=True)
            Image.fromarray(shape).save(tmp_path / name / "masks" / f"m{n}.png")
    found = read_cells(tmp_path, SETTINGS)
    assert len(found.items) == 20 and all("images" in item.path.parts for item in found.items)


# ---- VOC -------------------------------------------------------------------------------------


def test_voc_by_the_filename_that_it_says(tmp_path: Path) -> None:
    for n in range(3):
        picture(tmp_path / f"slide_{n}.jpg")
        voc(tmp_path / f"ann/{100 + n}.xml", f"slide_{n}.jpg", boxes=n + 1)
    assert numbers(boxes(tmp_path)) == {f"slide_{n}.jpg": n + 1 for n in range(3)}


def test_voc_whose_filename_contradicts_its_name(tmp_path: Path) -> None:
    for n in range(2):
        picture(tmp_path / f"{n}.jpg")
        voc(tmp_path / f"{n}.xml", f"{1 - n}.jpg")
    assert all("says that it labels" in row["left_out"] for row in boxes(tmp_path).values())
    for n in range(2):  # renamed pictures: the old name is nowhere
        voc(tmp_path / f"{n}.xml", f"IMG_{n}.jpg")
    assert numbers(boxes(tmp_path)) == {"0.jpg": 1, "1.jpg": 1}


@pytest.mark.parametrize("encoding", ["gbk", "shift_jis", "utf-16", "iso-8859-1", "utf-8-sig"])
def test_voc_in_the_encoding_that_it_declares(tmp_path: Path, encoding: str) -> None:
    name = "Érythrocyte" if encoding == "iso-8859-1" else "赤血球"
    picture(tmp_path / "0.jpg")
    declared = encoding.removesuffix("-sig")
    box = "<xmin>1</xmin><ymin>1</ymin><xmax>30</xmax><ymax>40</ymax>"
    text(
        tmp_path / "0.xml",
        f'<?xml version="1.0" encoding="{declared}"?><annotation><filename>0.jpg</filename><object>'
        f"<name>{name}</name><bndbox>{box}</bndbox></object></annotation>",
        encoding,
    )
    assert read_boxed_fields(tmp_path, SETTINGS).unknown == (name,)


# ---- YOLO ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("blood.yaml", "names:\n  0: RBC\n  1: WBC\n"),
        ("cells.names", "RBC\nWBC\n"),
        ("_darknet.labels", "RBC\nWBC"),
        ("notes.json", '{"categories": [{"id": 0, "name": "RBC"}, {"id": 1, "name": "WBC"}]}'),
    ],
)
def test_class_lists_by_whatever_name(tmp_path: Path, name: str, content: str) -> None:
    picture(tmp_path / "images/0.jpg")
    yolo(tmp_path / "labels/0.txt")
    text(tmp_path / name, content)
    assert [box["class"] for box in boxes(tmp_path)["images/0.jpg"]["boxes"]] == ["RBC", "WBC"]
    text(tmp_path / "classes.txt", "WBC\nRBC\n")
    with pytest.raises(DataRefused, match="disagree"):
        read_boxed_fields(tmp_path, SETTINGS)


def test_key_points_are_no_polygon(tmp_path: Path) -> None:
    picture(tmp_path / "images/0.jpg")
    yolo(tmp_path / "labels/0.txt", "{c} {x} 0.2 0.1 0.1 0.5 0.5 2 0.6 0.6 1")
    text(tmp_path / "data.yaml", "names: [RBC, WBC]\nkpt_shape: [2, 3]\n")
    assert boxes(tmp_path)["images/0.jpg"]["boxes"][0]["box_xyxy"] == [12, 30, 36, 50]
    text(tmp_path / "data.yaml", "names: [RBC, WBC]\n")
    assert "kpt_shape" in boxes(tmp_path)["images/0.jpg"]["left_out"]


# ---- the set's own split ----------------------------------------------------------------------

WANTED = {n: "training" if n < 12 else "validation" if n < 14 else "test" for n in range(16)}
WORD = {"training": "train", "validation": "val", "test": "test"}


def of_part(part: str) -> list[int]:
    return [n for n in WANTED if WANTED[n] == part]


def lists(root: Path, line: str) -> None:
    for part, word in WORD.items():
        table(root / f"{word}.txt", [line.format(n) for n in of_part(part)])


def test_voc_image_sets_are_kept(tmp_path: Path) -> None:
    for n in range(16):
        picture(tmp_path / f"VOC2007/JPEGImages/{n:06}.jpg")
        voc(tmp_path / f"VOC2007/Annotations/{n:06}.xml", f"{n:06}.jpg")
    sets = tmp_path / "VOC2007/ImageSets/Main"
    lists(sets, "{:06}")
    table(sets / "trainval.txt", [f"{n:06}" for n in range(14)])
    table(sets / "RBC_train.txt", [f"{n:06} {1 if n % 2 else -1}" for n in range(12)])
    rows = boxes(tmp_path)
    assert parts(rows) == {f"VOC2007/JPEGImages/{n:06}.jpg": WANTED[n] for n in range(16)}


@pytest.mark.parametrize("prefix", ["", "data/obj/", "/content/darknet/data/obj/", "C:\\d\\obj\\"])
def test_darknet_lists_are_kept(tmp_path: Path, prefix: str) -> None:
    for n in range(16):
        picture(tmp_path / f"data/obj/{n}.jpg")
        yolo(tmp_path / f"data/obj/{n}.txt")
    lists(tmp_path / "data", prefix + "{}.jpg")
    text(tmp_path / "data/obj.names", "RBC\nWBC\n")
    assert parts(boxes(tmp_path)) == {f"data/obj/{n}.jpg": WANTED[n] for n in range(16)}


def test_folders_that_a_yaml_names_are_kept(tmp_path: Path) -> None:
    for n in range(16):
        folder = {"training": "a", "validation": "b", "test": "c"}[WANTED[n]]
        picture(tmp_path / f"{folder}/images/{n}.jpg")
        yolo(tmp_path / f"{folder}/labels/{n}.txt")
    text(
        tmp_path / "data.yaml",
        "train: ../x/a/images\nval: ../x/b/images\ntest: c/images\nnames: [RBC, WBC]\n",
    )
    rows = boxes(tmp_path)
    assert {int(Path(file).stem): row["part"] for file, row in rows.items()} == WANTED


@pytest.mark.parametrize("way", ["column", "tables", "sheets"])
def test_a_split_in_tables_is_kept(tmp_path: Path, way: str) -> None:
    for n in range(16):
        picture(tmp_path / f"images/{n}.jpg")
    head = "file,rbc,wbc,platelet"
    if way == "column":
        table(tmp_path / "counts.csv", [f"{head},Split"] + [
            f"{n}.jpg,{n},1,0,{WORD[WANTED[n]]}" for n in WANTED])  # fmt: skip
    elif way == "tables":
        for part, word in WORD.items():
            table(tmp_path / f"{word}.csv", [head] + [f"{n}.jpg,{n},1,0" for n in of_part(part)])
    else:
        book: Any = openpyxl.Workbook()
        for part, word in WORD.items():
            sheet = book.create_sheet(word)
            sheet.append(head.split(","))
            for n in of_part(part):
                sheet.append([f"{n}.jpg", n, 1, 0])
        book.save(tmp_path / "counts.xlsx")
    rows = counts(tmp_path)
    assert parts(rows) == {f"images/{n}.jpg": WANTED[n] for n in range(16)}
    assert all(rows[f"images/{n}.jpg"]["counts"]["rbc"] == n for n in range(16))


@pytest.mark.parametrize("way", ["lists", "column"])
def test_a_list_beside_class_folders_is_kept(tmp_path: Path, way: str) -> None:
    for name in ("Lymphocyte", "Monocyte"):
        for n in range(16):
            picture(tmp_path / f"{name}/{name}_{n}.jpg", (100, 100))
    files = [(f"{name}/{name}_{n}.jpg", n) for name in ("Lymphocyte", "Monocyte") for n in WANTED]
    if way == "lists":
        for part, word in WORD.items():
            table(tmp_path / f"{word}.txt", [file for file, n in files if WANTED[n] == part])
    else:
        table(tmp_path / "split.csv", ["path,split"] + [f"{f},{WORD[WANTED[n]]}" for f, n in files])
    rows = {row["file"]: row for row in rows_of_set(read_cells(tmp_path, SETTINGS))}
    assert parts(rows) == {file: WANTED[n] for file, n in files}


def test_a_list_that_contradicts_the_folders_leaves_the_picture_out(tmp_path: Path) -> None:
    for part, word in WORD.items():
        for n in of_part(part):
            picture(tmp_path / f"{word}/{n}.jpg")
            yolo(tmp_path / f"{word}/{n}.txt")
    text(tmp_path / "classes.txt", "RBC\nWBC\n")
    table(tmp_path / "split.csv", ["file,split"] + [
        f"{WORD[WANTED[n]]}/{n}.jpg,{'test' if n == 0 else WORD[WANTED[n]]}"
        for n in WANTED])  # fmt: skip
    rows = boxes(tmp_path)
    assert "says training" in rows["train/0.jpg"]["left_out"]
    assert all(rows[f"{WORD[WANTED[n]]}/{n}.jpg"]["part"] == WANTED[n] for n in range(1, 16))


@pytest.mark.parametrize("name", ["P{:03}", "2023-11-{:02}", "Patient {}", "set/S{}"])
def test_patients_above_the_classes_stay_on_one_side(tmp_path: Path, name: str) -> None:
    for patient in range(1, 13):
        for kind in ("SNE", "Lymphocytes"):
            for n in range(2):
                picture(tmp_path / name.format(patient) / kind / f"{n}.jpg", (100, 100))
    sides: dict[str, set[str]] = {}
    for row in rows_of_set(read_cells(tmp_path, SETTINGS)):
        sides.setdefault(str(Path(row["file"]).parent.parent), set()).add(row["part"])
    assert len(sides) == 12 and all(len(side) == 1 for side in sides.values())


def test_slides_of_fields_stay_on_one_side(tmp_path: Path) -> None:
    for slide in range(12):
        for n in range(2):
            picture(tmp_path / f"slide {slide}/{n}.jpg")
            voc(tmp_path / f"slide {slide}/{n}.xml", f"{n}.jpg")
    sides: dict[str, set[str]] = {}
    for row in boxes(tmp_path).values():
        sides.setdefault(row["file"].split("/")[0], set()).add(row["part"])
    assert len(sides) == 12 and all(len(side) == 1 for side in sides.values())


# ---- tables ----------------------------------------------------------------------------------


def test_names_with_commas_between_semicolons(tmp_path: Path) -> None:
    for n in range(3):
        picture(tmp_path / f"a,b,c,d,e{n}.jpg")
    lines = ["file;rbc;wbc;platelet"] + [f"a,b,c,d,e{n}.jpg;{n};1;0" for n in range(3)]
    table(tmp_path / "counts.csv", lines)
    assert [row["counts"]["rbc"] for row in counts(tmp_path).values()] == [0, 1, 2]


def test_excels_unicode_text_and_workbooks_with_macros(tmp_path: Path) -> None:
    picture(tmp_path / "a/0.jpg")
    text(tmp_path / "a/c.txt", "\ufefffile\trbc\twbc\tplatelet\r\n0.jpg\t5\t1\t0\r\n", "utf-16-le")
    assert counts(tmp_path / "a")["0.jpg"]["counts"]["rbc"] == 5
    picture(tmp_path / "b/0.jpg")
    book: Any = openpyxl.Workbook()
    book.active.append(["file", "rbc", "wbc", "platelet"])
    book.active.append([0, 5.0, "1", 0])
    book.save(tmp_path / "b/c.xlsx")
    (tmp_path / "b/c.xlsx").rename(tmp_path / "b/c.xlsm")
    assert counts(tmp_path / "b")["0.jpg"]["counts"] == {"rbc": 5, "wbc": 1, "platelet": 0}


@pytest.mark.parametrize(("yes", "no"), [("ja", "nein"), ("Yes", "No"), ("anaemic", "healthy")])
def test_palms_in_words(tmp_path: Path, yes: str, no: str) -> None:
    for n in range(4):
        picture(tmp_path / f"images/{n}.jpg", (100, 100))
    table(tmp_path / "labels.csv", ["Photo;Anaemia"] + [
        f"{n}.jpg;{yes if n % 2 else no}" for n in range(4)])  # fmt: skip
    rows = rows_of_set(read_palms(tmp_path, SETTINGS))
    assert [row["anemic"] for row in rows] == [False, True, False, True]


def test_a_palm_whose_folder_contradicts_the_table_is_left_out(tmp_path: Path) -> None:
    for name in ("Anemic", "Non-Anemic"):
        picture(tmp_path / name / f"{name}.jpg", (100, 100))
    table(tmp_path / "labels.csv", ["file,anemic", "Anemic.jpg,1", "Non-Anemic.jpg,1"])
    rows = {row["file"]: row for row in rows_of_set(read_palms(tmp_path, SETTINGS))}
    assert rows["Anemic/Anemic.jpg"]["anemic"] is True
    assert "its folder Non-Anemic" in rows["Non-Anemic/Non-Anemic.jpg"]["left_out"]


# ---- what labelling programs and their users send beside that ----------------------------------


@pytest.mark.parametrize(
    ("name", "content", "program"),
    [
        ("min.json", '[{"image": "0.jpg", "id": 1, "label": [{"x": 1, "rectanglelabels": ["RBC"], '
         '"original_width": 240}]}]', "Label Studio"),
        ("a.csv", 'annotation_id,image,label\n1,0.jpg,"[{""x"": 1, ""rectanglelabels"": '
         '[""RBC""]}]"\n', "Label Studio"),
        ("via3.json", '{"project": {"pid": "__VIA_PROJECT_ID__"}, "metadata": {}}', "VIA 3"),
        ("via.csv", "filename,file_size,region_shape_attributes\n0.jpg,1,{}\n", "table of boxes"),
        ("video.xml", '<annotations><track id="0" label="RBC"><box frame="0" xtl="1"/></track>'
         "</annotations>", "CVAT"),
        ("r.json", '[{"image_id": 1, "category_id": 1, "bbox": [1, 1, 9, 9], "score": 0.9}]',
         "COCO's results"),
        ("0.json", '{"description": "", "objects": [{"classTitle": "RBC"}]}', "Supervisely"),
        ("_annotations.csv", "filename,width,height,class,xmin,ymin,xmax,ymax\n"
         "0.jpg,240,200,RBC,1,1,9,9\n", "table of boxes"),
        ("_annotations.createml.json", '[{"image": "0.jpg", "annotations": [{"label": "RBC", '
         '"coordinates": {"x": 9, "y": 9, "width": 5, "height": 5}}]}]', "CreateML"),
    ],
)  # fmt: skip
def test_more_formats_that_are_not_read_are_named_with_the_way_out(
    tmp_path: Path, name: str, content: str, program: str
) -> None:
    picture(tmp_path / "0.jpg")
    text(tmp_path / name, content)
    with pytest.raises(DataRefused, match=f"{program}.*export it as COCO, Pascal VOC or YOLO"):
        read_boxed_fields(tmp_path, SETTINGS)


def test_roboflow_coco_keeps_its_parts_and_classes(tmp_path: Path) -> None:
    """``train/_annotations.coco.json`` beside its pictures, and a class 0 that groups the rest."""

    def groups(content: dict[str, Any]) -> None:
        content["categories"] = [
            {"id": 0, "name": "cells", "supercategory": "none"},
            {"id": 1, "name": "RBC", "supercategory": "cells"},
        ]

    for part, count in (("train", 7), ("valid", 2), ("test", 2)):
        files = [f"B_{part}{n}_jpg.rf.{n:032x}.jpg" for n in range(count)]
        for file in files:
            picture(tmp_path / part / file)
        coco(tmp_path / part / "_annotations.coco.json", files, change=groups)
    text(tmp_path / "README.roboflow.txt", "BCCD - v4\n")
    rows = boxes(tmp_path)
    word = {"train": "training", "valid": "validation", "test": "test"}
    assert len(rows) == 11
    for file, row in rows.items():
        assert row["part"] == word[file.split("/")[0]]
        assert {box["class"] for box in row["boxes"]} == {"RBC"}


def test_roboflow_yolo_keeps_its_parts(tmp_path: Path) -> None:
    for part, count in (("train", 12), ("valid", 2), ("test", 2)):
        for n in range(count):
            picture(tmp_path / part / f"images/{n}_jpg.rf.{n}.jpg")
            yolo(tmp_path / part / f"labels/{n}_jpg.rf.{n}.txt")
    text(
        tmp_path / "data.yaml",
        "train: ../train/images\nval: ../valid/images\ntest: ../test/images\n\nnc: 2\n"
        "names: ['RBC', 'WBC']\n\nroboflow:\n  workspace: w\n  version: 1\n",
    )
    for name in ("README.dataset.txt", "README.roboflow.txt"):
        text(tmp_path / name, "12 images\n")
    rows = boxes(tmp_path)
    assert parts(rows) == {
        file: {"train": "training", "valid": "validation", "test": "test"}[file.split("/")[0]]
        for file in rows
    }
    assert [box["class"] for box in rows["test/images/0_jpg.rf.0.jpg"]["boxes"]] == ["RBC", "WBC"]


def test_cvat_yolo_by_its_obj_names(tmp_path: Path) -> None:
    picture(tmp_path / "obj_train_data/0.jpg")
    yolo(tmp_path / "obj_train_data/0.txt")
    text(tmp_path / "obj.names", "RBC\nWBC\n")
    text(tmp_path / "obj.data", "classes = 2\ntrain = data/train.txt\nnames = data/obj.names\n")
    text(tmp_path / "train.txt", "data/obj_train_data/0.jpg\n")
    (row,) = boxes(tmp_path).values()
    assert [box["class"] for box in row["boxes"]] == ["RBC", "WBC"]


def test_cvat_coco_and_voc(tmp_path: Path) -> None:
    def attributes(content: dict[str, Any]) -> None:
        for entry in content["annotations"]:
            entry |= {"attributes": {"occluded": False, "rotation": 0.0}, "segmentation": []}

    picture(tmp_path / "c/images/0.jpg")
    coco(tmp_path / "c/annotations/instances_default.json", ["0.jpg"], change=attributes)
    assert numbers(boxes(tmp_path / "c")) == {"images/0.jpg": 1}
    picture(tmp_path / "v/JPEGImages/0.jpg")
    voc(tmp_path / "v/Annotations/0.xml", "0.jpg")
    text(tmp_path / "v/ImageSets/Main/default.txt", "0\n")
    text(tmp_path / "v/labelmap.txt", "# label:color_rgb:parts:actions\nRBC:1,2,3::\n")
    assert numbers(boxes(tmp_path / "v")) == {"JPEGImages/0.jpg": 1}


def test_coco_with_masks_and_key_points(tmp_path: Path) -> None:
    def rich(content: dict[str, Any]) -> None:
        rle = {"size": [200, 240], "counts": "abc"}
        content["annotations"][0] |= {"segmentation": rle, "iscrowd": 0}
        content["annotations"][1] |= {"keypoints": [15, 15, 2], "num_keypoints": 1}
        del content["annotations"][2]["bbox"]
        content["annotations"][2]["segmentation"] = rle

    for n in range(2):
        picture(tmp_path / f"{n}.jpg")
    coco(tmp_path / "a.json", ["0.jpg", "1.jpg"], change=rich)
    rows = boxes(tmp_path)
    assert numbers(rows) == {"0.jpg": 1, "1.jpg": 1}
    assert any("neither a bbox nor a polygon" in note
               for note in read_boxed_fields(tmp_path, SETTINGS).notes)  # fmt: skip


@pytest.mark.parametrize("kind", ["coco", "yolo"])
def test_corners_where_sides_are_expected_refuse_the_set(tmp_path: Path, kind: str) -> None:
    corners = [[10, 10, 40, 40], [100, 60, 150, 120], [180, 120, 230, 190]]
    picture(tmp_path / "0.jpg")

    def as_corners(content: dict[str, Any]) -> None:
        content["annotations"] = [
            {"id": n, "image_id": 0, "category_id": 1, "bbox": box} for n, box in enumerate(corners)
        ]

    if kind == "coco":
        coco(tmp_path / "a.json", ["0.jpg"], change=as_corners)
    else:
        lines = [f"0 {a / 240} {b / 200} {c / 240} {d / 200}" for a, b, c, d in corners]
        table(tmp_path / "0.txt", lines)
    with pytest.raises(DataRefused, match="are corners"):
        read_boxed_fields(tmp_path, SETTINGS)


def test_key_points_without_visibility_pass_for_no_polygon(tmp_path: Path) -> None:
    line = "{c} {x} 0.2 0.1 0.1 {x} 0.18 {x} 0.22"
    picture(tmp_path / "images/0.jpg")
    yolo(tmp_path / "labels/0.txt", line)
    text(tmp_path / "classes.txt", "RBC\nWBC\n")
    assert "only a data.yaml tells" in boxes(tmp_path)["images/0.jpg"]["left_out"]
    text(tmp_path / "data.yaml", "names: [RBC, WBC]\nkpt_shape: [2, 2]\n")
    assert boxes(tmp_path)["images/0.jpg"]["boxes"][0]["box_xyxy"] == [12, 30, 36, 50]
    (tmp_path / "data.yaml").unlink()
    # Turned boxes of four corners all over the picture are no box with points.
    corners = [(0.1, 0.1), (0.7, 0.6)]
    table(
        tmp_path / "labels/0.txt",
        [f"{c} {x} {y} {x + 0.1} {y} {x + 0.1} {y + 0.1} {x} {y + 0.1}"
         for c, (x, y) in enumerate(corners)],
    )  # fmt: skip
    assert boxes(tmp_path)["images/0.jpg"]["boxes"][1]["box_xyxy"] == [168, 120, 192, 140]


def test_boxes_that_reach_far_beyond_the_picture_are_anothers(tmp_path: Path) -> None:
    """No size is written, so only the boxes themselves say that they are of a larger picture."""
    picture(tmp_path / "0.jpg")
    box = "<bndbox><xmin>{}</xmin><ymin>10</ymin><xmax>{}</xmax><ymax>60</ymax></bndbox>"
    objects = "".join(
        f"<object><name>RBC</name>{box.format(x, x + 60)}</object>" for x in (10, 90, 200, 230)
    )
    text(tmp_path / "0.xml", f"<annotation>{objects}</annotation>")
    assert "reach far beyond" in boxes(tmp_path)["0.jpg"]["left_out"]


@pytest.mark.parametrize("ending", [".heic", ".gif", ".jp2", ".svs", ".dcm", ".cr2"])
def test_pictures_of_kinds_that_are_not_read_are_counted_as_left_out(
    tmp_path: Path, ending: str
) -> None:
    for label in ("Lymphocyte", "Monocyte"):
        for n in range(10):
            picture(tmp_path / label / f"{label[0]}{n}.png", (64, 64))
    text(tmp_path / f"Monocyte/photo{ending}", "ftypheic and so on")
    rows = {row["file"]: row for row in rows_of_set(read_cells(tmp_path, SETTINGS))}
    assert "photo" in rows[f"Monocyte/photo{ending}"]["left_out"]
    assert len(rows) == 21


def test_kaggles_folders_of_blood_cells(tmp_path: Path) -> None:
    """``dataset2-master``: TRAIN, TEST and TEST_SIMPLE with a folder for each class."""
    number = 0
    top = tmp_path / "dataset2-master/images"
    for part, count in (("TRAIN", 10), ("TEST", 4), ("TEST_SIMPLE", 2)):
        for label in ("EOSINOPHIL", "LYMPHOCYTE", "MONOCYTE", "NEUTROPHIL"):
            for _ in range(count):
                picture(top / part / label / f"_{number}_{number}.jpeg", (64, 64))
                number += 1
    text(tmp_path / "dataset2-master/labels.csv", ",Image,Category\n0,0,NEUTROPHIL\n1,1,\n")
    found = read_cells(tmp_path, SETTINGS)
    assert found.vanished == () and set(found.labels) == {
        *("eosinophil", "lymphocyte", "monocyte", "neutrophil")
    }
    for row in rows_of_set(found):
        assert (row["part"] == "test") == ("/TEST" in row["file"])
