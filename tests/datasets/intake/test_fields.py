"""Fields and palm photos that a laboratory brings, drawn here with faults that are known."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from core.datasets.intake.boxes.formats import BoxedPicture, write_voc, write_yolo
from core.datasets.intake.fields import kind_of_name, read_boxed_fields, read_counted_fields
from core.datasets.intake.palms import read_palms
from core.datasets.skipped import DataRefused
from core.settings import Settings
from core.taxonomy import KINDS

SETTINGS = Settings()
COUNT = 24


def _draw(path, seed, side=240):
    path.parent.mkdir(parents=True, exist_ok=True)
    small = np.random.default_rng(seed).integers(0, 255, (12, 12, 3)).astype(np.uint8)
    cv2.imwrite(str(path), cv2.resize(small, (side, side), interpolation=cv2.INTER_CUBIC))


def _boxed(number):
    boxes = np.array([[5, 5, 45, 45], [60, 60, 110, 120]], np.float32)
    return BoxedPicture(f"{number}.png", 240, 240, boxes, ("Erythrocyte", "NGS"))


@pytest.fixture
def root(tmp_path):
    for number in range(COUNT):
        _draw(tmp_path / f"{number}.png", number)
        (tmp_path / f"{number}.xml").write_text(write_voc(_boxed(number)))
    return tmp_path


def _boxes(root, **more):
    return read_boxed_fields(root, SETTINGS, **more)


def test_fields_with_boxes_in_three_parts(root):
    found = _boxes(root)
    assert (found.problems, found.unknown, found.skipped) == ((), (), ())
    assert found.counts() == {"240 x 240 pixels": (17, 5, 2)}
    field = found.part(2)[0]
    assert [KINDS[k] for k in field.kinds] == ["rbc", "wbc"]
    np.testing.assert_array_equal(field.boxes_xyxy_px, _boxed(0).boxes_xyxy_px)
    assert sorted(i for part in found.parts for i in part) == list(range(COUNT))


def test_bad_fields_are_listed(root):
    (root / "3.png").write_bytes(b"no picture")
    (root / "4.xml").unlink()
    _draw(root / "5.png", 5, side=100)
    (root / "5.xml").write_text(write_voc(_boxed(5)))
    (root / "again.png").write_bytes((root / "6.png").read_bytes())
    (root / "again.xml").write_text((root / "6.xml").read_text())
    found = _boxes(root)
    reasons = {s.file: s.reason for s in found.skipped}
    assert reasons.keys() == {"3.png", "4.png", "5.png", "again.png"}
    assert reasons["4.png"] == "no boxes are given for it"
    assert "100" in reasons["5.png"]
    assert reasons["again.png"] == "the same picture as 6.png"


def test_a_name_nobody_knows_must_be_given_a_meaning(root):
    text = (root / "7.xml").read_text()
    (root / "7.xml").write_text(text.replace("NGS", "Thing"))
    found = _boxes(root)
    assert found.problems == ("nobody said what kind of cell Thing is",)
    assert found.unknown == ("Thing",)
    assert _boxes(root, names={"Thing": "platelet"}).problems == ()
    left = _boxes(root, names={"Thing": ""})
    seven = next(field for field in left.items if field.path.name == "7.png")
    assert [KINDS[k] for k in seven.kinds] == ["rbc"]


def test_fields_of_a_slide_stay_together(root):
    rows = ["image,slide", *(f"{n}.png,{n % 12}" for n in range(COUNT))]
    (root / "slides.csv").write_text("\n".join(rows))
    found = _boxes(root)
    assert found.grouped_by == "slide and near-duplicates"
    side = {found.items[i].path.name: n for n, part in enumerate(found.parts) for i in part}
    assert all(side[f"{n}.png"] == side[f"{n + 12}.png"] for n in range(12))


def test_too_few_fields_are_refused(root):
    for number in range(9, COUNT):
        (root / f"{number}.png").unlink()
    assert _boxes(root).problems == ("9 separate fields, at least 10 are needed",)


def test_yolo_boxes_are_taken_too(root):
    for number in range(COUNT):
        (root / f"{number}.xml").unlink()
        text = write_yolo(_boxed(number), ["NGS", "Erythrocyte"])
        (root / f"{number}.txt").write_text(text)
    (root / "classes.txt").write_text("NGS\nErythrocyte\n")
    assert _boxes(root).counts() == {"240 x 240 pixels": (17, 5, 2)}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("RBC", "rbc"),
        ("White blood cell", "wbc"),
        ("Platelets", "platelet"),
        ("band_neutrophil", "wbc"),
        ("smudge cell", None),
        ("7", None),
    ],
)
def test_names_of_boxes(name, kind):
    assert kind_of_name(name) == kind


def test_fields_with_counts_in_a_table(tmp_path):
    rows = ["Filename,RBC,WBC,PLT"]
    for number in range(COUNT):
        _draw(tmp_path / f"{number}.png", number)
        rows.append(f"{number}.png,{number},1,0")
    rows[3], rows[4] = "2.png,many,1,0", "3.png,-1,1,0"
    del rows[5]
    (tmp_path / "counts.csv").write_text("\n".join([*rows, "gone.png,1,1,1"]))
    found = read_counted_fields(tmp_path, SETTINGS)
    reasons = {s.file: s.reason for s in found.skipped}
    assert reasons == {
        "2.png": "not a whole number of cells: rbc 'many'",
        "3.png": "not a whole number of cells: rbc '-1'",
        "4.png": "the table has no row for it",
        "gone.png": "the table names it, but it is not there",
    }
    assert found.problems == ()
    twenty = next(field for field in found.items if field.path.name == "20.png")
    assert twenty.counts().tolist() == [20, 1, 0]


def _palms(root, rows, header="file,anemic,patient"):
    (root / "labels.csv").write_text("\n".join([header, *rows]))
    return read_palms(root, SETTINGS)


def test_palm_photos_by_patient(tmp_path):
    for number in range(48):
        _draw(tmp_path / f"{number}.png", number)
    rows = [f"{n}.png,{n % 2},p{n // 2 % 12}-{n % 2}" for n in range(48)]
    rows[5] = "5.png,perhaps,p1-1"
    found = _palms(tmp_path, rows)
    assert {s.file: s.reason for s in found.skipped} == {
        "5.png": "anemic must be 1 or 0, got 'perhaps'"
    }
    assert (found.problems, found.grouped_by) == ((), "patient and near-duplicates")
    assert set(found.labels) == {"anemic", "not anemic"}
    side = {found.items[i].path.stem: n for n, part in enumerate(found.parts) for i in part}
    assert all(side[str(n)] == side[str(n + 24)] for n in range(24) if n not in (5,))
    alone = _palms(tmp_path, [row.rsplit(",", 1)[0] for row in rows], "file,anemic")
    assert "each photo counts as a person" in alone.notes[0]


def test_palms_of_one_kind_only_are_refused(tmp_path):
    for number in range(20):
        _draw(tmp_path / f"{number}.png", number)
    found = _palms(tmp_path, [f"{n}.png,1,{n}" for n in range(20)])
    assert found.problems == ("no photo is not anemic",)


@pytest.mark.parametrize("read", [read_counted_fields, read_palms])
def test_without_a_table_it_is_refused(tmp_path, read):
    _draw(tmp_path / "1.png", 1)
    with pytest.raises(DataRefused, match="expected is .* a CSV with the columns file"):
        read(tmp_path, SETTINGS)
