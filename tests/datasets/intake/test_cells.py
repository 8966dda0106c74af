"""What a laboratory's folder holds, on drawn cells whose faults are known."""

from __future__ import annotations

import shutil
from typing import Any

import cv2
import numpy as np
import pytest

from core.datasets.intake.cell_names import class_of_folder
from core.datasets.intake.cells import DataRefused, read_cells
from core.datasets.intake.copies import Locked
from core.datasets.near_duplicates import hash_files
from core.settings import Settings
from core.taxonomy import WBC_CLASSES


def _picture(seed, side=64):
    small = np.random.default_rng(seed).integers(0, 255, (12, 12, 3)).astype(np.uint8)
    return cv2.resize(small, (side, side), interpolation=cv2.INTER_CUBIC)


def _cells(root, folder, count, first=0):
    (root / folder).mkdir(parents=True, exist_ok=True)
    for number in range(count):
        cv2.imwrite(str(root / folder / f"C_{number}.png"), _picture(first + number))


@pytest.fixture
def root(tmp_path):
    _cells(tmp_path, "Lymphocytes", 20)
    _cells(tmp_path, "MON", 20, first=100)
    return tmp_path


def _read(root, **more):
    return read_cells(root, Settings(), **more)


def test_two_whole_classes(root):
    found = _read(root)
    assert found.classes == ("lymphocyte", "monocyte")
    assert found.counts() == {"lymphocyte": (14, 4, 2), "monocyte": (14, 4, 2)}
    assert (found.problems, found.skipped, found.notes) == ((), (), ())
    assert sorted(i for part in found.parts for i in part) == list(range(40))
    assert _read(root) == found


def test_bad_files_are_listed_and_the_rest_is_taken(root):
    (root / "MON" / "broken.jpg").write_bytes(b"\xff\xd8\xff" + bytes(50))
    (root / "MON" / "empty.png").touch()
    (root / "MON" / "words.jpg").write_text("not a picture")
    (root / "MON" / "list.txt").write_text("no picture by its name: not even looked at")
    cv2.imwrite(str(root / "MON" / "tiny.png"), _picture(5, side=16))
    _cells(root, "Things", 2, first=500)
    cv2.imwrite(str(root / "loose.png"), _picture(900))
    found = _read(root)
    assert len(found.cells) == 40
    reasons = {skipped.file: skipped.reason for skipped in found.skipped}
    assert reasons.keys() == {
        *("MON/broken.jpg", "MON/empty.png", "MON/words.jpg", "MON/tiny.png"),
        *("Things/C_0.png", "Things/C_1.png", "loose.png"),
    }
    assert reasons["Things/C_0.png"] == "unknown class: Things"
    assert "empty" in reasons["MON/empty.png"]
    assert _read(root, names={"Things": "monocyte"}).counts()["monocyte"] == (16, 4, 2)


def test_copies_of_the_locked_test_part_are_left_out(root, tmp_path_factory):
    """The very file, and one that was enlarged and stored again as JPEG."""
    elsewhere = tmp_path_factory.mktemp("locked")
    shutil.copy(root / "MON" / "C_3.png", elsewhere / "a.png")
    enlarged = cv2.resize(cv2.imread(str(root / "Lymphocytes" / "C_5.png")), (90, 90))
    cv2.imwrite(str(elsewhere / "b.jpg"), enlarged, [cv2.IMWRITE_JPEG_QUALITY, 85])
    locked = Locked("their test part", hash_files([elsewhere / "a.png", elsewhere / "b.jpg"]))
    found = _read(root, locked=locked)
    out = {s.file: s.reason for s in found.skipped}
    assert out.keys() == {"MON/C_3.png", "Lymphocytes/C_5.png"}
    assert set(out.values()) == {"a copy of a picture of the locked test set their test part"}
    assert found.counts() == {"lymphocyte": (13, 4, 2), "monocyte": (13, 4, 2)}
    assert "2 of the pictures are left out" in found.notes[0]
    assert _read(root, locked=Locked("none", hash_files([]))) == _read(root)


def test_a_link_is_not_followed(root, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside") / "secret.png"
    cv2.imwrite(str(outside), _picture(77))
    (root / "MON" / "link.png").symlink_to(outside)
    assert len(_read(root).cells) == 40


def test_copies_are_taken_once_and_contradictions_not_at_all(root):
    shutil.copy(root / "MON/C_0.png", root / "MON/again.png")
    shutil.copy(root / "MON/C_1.png", root / "Lymphocytes/other.png")
    found = _read(root)
    names = {cell.path.name for cell in found.cells if cell.label == "monocyte"}
    assert "C_0.png" in names and "again.png" not in names and "C_1.png" not in names
    assert "other.png" not in {cell.path.name for cell in found.cells}
    assert sorted(found.duplicates) == [
        ("Lymphocytes/other.png", "MON/C_1.png"),
        ("MON/C_0.png", "MON/again.png"),
    ]
    assert {"more than one class" in skipped.reason for skipped in found.skipped} == {True, False}


def test_near_copies_stay_on_one_side(root):
    for number in range(20):
        picture: Any = cv2.imread(str(root / f"MON/C_{number}.png"))
        cv2.imwrite(str(root / f"MON/C_{number}_darker.jpg"), np.uint8(picture * 0.9))
    found = _read(root)
    assert found.near_duplicates == 20
    side = {found.cells[i].path.stem: n for n, part in enumerate(found.parts) for i in part}
    for number in range(20):
        pairs = [side[key] for key in side if key == f"C_{number}_darker"]
        originals = [
            n
            for n, part in enumerate(found.parts)
            for i in part
            if found.cells[i].path == root / f"MON/C_{number}.png"
        ]
        assert pairs == originals


def test_patients_stay_on_one_side(root):
    rows = ["file,patient"]
    for folder in ("Lymphocytes", "MON"):
        for number in range(20):
            new = root / folder / f"{folder}_{number}.png"
            (root / folder / f"C_{number}.png").rename(new)
            rows.append(f"{folder}/{new.name},{folder[0]}{number % 10}")
    (root / "cells.csv").write_text("\n".join(rows))
    found = _read(root)
    assert found.grouped_by == "patient and near-duplicates"
    for folder in ("Lymphocytes", "MON"):
        for patient in range(10):
            mine = {f"{folder}_{patient}.png", f"{folder}_{patient + 10}.png"}
            parts = [
                n
                for n, part in enumerate(found.parts)
                for i in part
                if found.cells[i].path.name in mine
            ]
            assert len(parts) == 2 and len(set(parts)) == 1


def test_too_few_cells_are_said(root):
    _cells(root, "blasts", 9, first=700)
    found = _read(root)
    assert found.classes == ("lymphocyte", "monocyte")
    assert found.notes == ("blast is left out: 9 separate pictures, at least 10 are needed",)
    shutil.rmtree(root / "MON")
    assert "1 class with enough cells" in _read(root).problems[0]


def test_undivided_neutrophils_are_learnt_as_the_parent(root):
    _cells(root, "neutrophil", 14, first=300)
    found = _read(root)
    assert set(found.labels) == {"lymphocyte", "monocyte", "neutrophil"}
    assert found.classes[:2] == ("segmented_neutrophil", "band_neutrophil")
    assert found.counts()["neutrophil"] == (10, 3, 1)
    assert (found.vanished, found.problems) == ((), ())


def test_a_class_that_vanishes_is_named(root):
    _cells(root, "neutrophil", 3, first=300)
    _cells(root, "Things", 2, first=500)
    found = _read(root)
    assert [name for name, _ in found.vanished] == ["neutrophil", "folder Things"]
    assert {s.file for s in found.skipped} == {
        *(f"neutrophil/C_{n}.png" for n in range(3)),
        *(f"Things/C_{n}.png" for n in range(2)),
    }


def test_what_is_no_set_is_refused(tmp_path):
    with pytest.raises(DataRefused, match="is not a folder"):
        _read(tmp_path / "none")
    with pytest.raises(DataRefused, match="a folder for each class"):
        _read(tmp_path)


@pytest.mark.parametrize("name", WBC_CLASSES)
def test_every_class_is_known_by_its_own_name(name):
    assert class_of_folder(name) == name
    assert class_of_folder(name.replace("_", " ").title() + "s") in (name, None)


@pytest.mark.data
def test_the_folders_of_the_public_set(data_dir):
    """PBC's own folder names, and Munich's codes (data/README.md)."""
    assert {class_of_folder(p.name) for p in (data_dir / "pbc").iterdir() if p.is_dir()} == {
        *("basophil", "eosinophil", "erythroblast", "immature_granulocyte"),
        *("lymphocyte", "monocyte", "neutrophil", "platelet"),
    }
    assert class_of_folder("NGB") == "band_neutrophil"
    assert class_of_folder("LYA") is None, "atypical lymphocytes have no class here"


def test_cells_whose_classes_stand_in_a_table_are_refused_with_the_way_out(tmp_path):
    _cells(tmp_path, ".", 12)
    lines = [f"C_{n}.png,{'Lymphocyte' if n % 2 else 'Monocyte'}" for n in range(12)]
    (tmp_path / "labels.csv").write_text("\n".join(["image,class", *lines]))
    (problem,) = _read(tmp_path).problems
    assert "a folder for each class" in problem and "a table of classes is not read" in problem
