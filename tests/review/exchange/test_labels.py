"""Labels of a case read back the same, in every layout."""

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from PIL import Image
from pycocotools.coco import COCO

from core.datasets.intake.boxes.formats import (
    BoxedPicture,
    read_boxes,
    write_coco,
    write_voc,
    write_yolo,
)
from core.datasets.intake.cells import read_cells
from core.imaging.view import png
from core.review.exchange.contents import gather
from core.review.exchange.labels import box_names, boxed, label_files, label_zip
from core.settings import Settings

TOLERANCE_PX = {"coco": 1e-3, "yolo": 1e-3, "voc": 0.006}
"""VOC is written with two decimals."""


def written(files, folder: Path) -> Path:
    for name, data in files:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def assert_same(read, expected, tolerance_px):
    assert [p.file for p in read] == [p.file for p in expected]
    for one, other in zip(read, expected, strict=True):
        assert (one.width_px, one.height_px) == (other.width_px, other.height_px)
        assert one.names == other.names
        np.testing.assert_allclose(one.boxes_xyxy_px, other.boxes_xyxy_px, atol=tolerance_px)


@pytest.mark.parametrize("layout", ["coco", "yolo", "voc"])
def test_boxes_of_a_case_read_back_the_same(case_store, signed_case, reader, tmp_path, layout):
    contents = gather(case_store, reader, signed_case.id)
    folder = written(label_files(contents, layout), tmp_path / layout)
    read = read_boxes(folder)
    assert (read.layout, read.skipped, read.mended) == (layout, (), ())
    assert_same(read.pictures, boxed(contents), TOLERANCE_PX[layout])
    names = [name for picture in read.pictures for name in picture.names]
    assert (names.count("rbc"), names.count("platelet"), names.count("band_neutrophil")) == (
        18,
        3,
        1,
    )
    pixels = np.asarray(Image.open(folder / read.pictures[0].file))
    np.testing.assert_array_equal(pixels, drawn_pixels(contents))


def drawn_pixels(contents):
    from core.imaging.view import pixels_of

    return pixels_of(contents.png(contents.fields[0]))


def test_cocos_own_reader_takes_it(case_store, signed_case, reader, tmp_path):
    written(label_files(gather(case_store, reader, signed_case.id), "coco"), tmp_path)
    coco = COCO(str(tmp_path / "annotations.json"))
    blast = coco.getCatIds(catNms=["blast"])
    assert len(coco.getImgIds()) == 3 and len(coco.getAnnIds(catIds=blast)) == 1


def test_what_only_the_program_said_is_no_label(case_store, open_case, reader):
    names = [
        name
        for picture in boxed(gather(case_store, reader, open_case.id))
        for name in picture.names
    ]
    assert set(names) == {"rbc", "wbc", "platelet"}
    assert names.count("wbc") == 8


def test_class_folders_go_back_into_training(case_store, signed_case, reader, tmp_path):
    contents = gather(case_store, reader, signed_case.id)
    folder = written(label_files(contents, "folders"), tmp_path / "cells")
    crops = {p.parent.name: len(list(p.parent.glob("*.png"))) for p in folder.glob("*/*.png")}
    assert crops == {
        "segmented_neutrophil": 2,
        "band_neutrophil": 1,
        "lymphocyte": 2,
        "blast": 1,
        "erythroblast": 1,
        "smudge": 1,
    }
    found = read_cells(folder, Settings())
    assert not found.skipped  # every folder's name is known and every crop is read
    assert (folder / "groups.csv").read_text().splitlines()[0] == "file,patient"


def test_an_unidentified_cell_is_in_no_folder(case_store, signed_case, reader):
    from core.review.reading.answers import NewAnswer, answer
    from core.review.reading.cells import cells
    from core.review.signature.signing import amend

    amend(case_store, reader, signed_case.id, "one cell again")
    first = cells(case_store, reader, signed_case.id)[0]
    revision = first.answer.revision if first.answer else 0
    answer(case_store, reader, signed_case.id, [NewAnswer(first.id, "unidentified", revision)])
    contents = gather(case_store, reader, signed_case.id)
    names = [name for name, _ in label_files(contents, "folders") if name.endswith(".png")]
    assert len(names) == 7 and not any(f"{first.id:06d}" in name for name in names)
    assert "wbc" in [name for picture in boxed(contents) for name in picture.names]


def test_the_archive_holds_the_same_files(case_store, signed_case, reader, tmp_path):
    contents = gather(case_store, reader, signed_case.id)
    (tmp_path / "a.zip").write_bytes(label_zip(contents, "yolo"))
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert {n: archive.read(n) for n in archive.namelist()} == dict(
            label_files(contents, "yolo")
        )
        assert not any("Jane" in name for name in archive.namelist())


SIZE = (64, 48)
corner = st.floats(0, 1, allow_nan=False, width=32)


@st.composite
def pictures(draw):
    boxes, names = [], []
    for _ in range(draw(st.integers(0, 5))):
        xs, ys = sorted((draw(corner), draw(corner))), sorted((draw(corner), draw(corner)))
        box = [xs[0] * SIZE[0], ys[0] * SIZE[1], xs[1] * SIZE[0], ys[1] * SIZE[1]]
        if box[2] - box[0] > 0.05 and box[3] - box[1] > 0.05:
            boxes.append(box)
            names.append(draw(st.sampled_from(box_names())))
    return BoxedPicture(
        "images/a_000001.png", *SIZE, np.array(boxes, np.float32).reshape(-1, 4), tuple(names)
    )


@hypothesis_settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(picture=pictures(), layout=st.sampled_from(["coco", "yolo", "voc"]))
def test_any_boxes_read_back_the_same(picture, layout, tmp_path_factory):
    folder = tmp_path_factory.mktemp("set")
    files = [(picture.file, png(np.zeros((SIZE[1], SIZE[0], 3), np.uint8)))]
    if layout == "coco":
        files.append(("annotations.json", write_coco([picture], box_names()).encode()))
        assert json.loads(files[-1][1])["images"][0]["width"] == SIZE[0]
    elif layout == "yolo":
        files += [
            ("labels/a_000001.txt", write_yolo(picture, box_names()).encode()),
            ("classes.txt", "\n".join(box_names()).encode()),
        ]
    else:
        files.append(("annotations/a_000001.xml", write_voc(picture).encode()))
    read = read_boxes(written(files, folder))
    assert_same(read.pictures, [picture], TOLERANCE_PX[layout])
