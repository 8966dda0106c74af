"""A laboratory's verified cells and fields: cut where they can be, else beside the public set."""

from __future__ import annotations

import csv

import cv2
import numpy as np
import pytest

from core.datasets.intake.copies import Locked
from core.datasets.intake.verified import read_verified_cells, read_verified_fields
from core.datasets.near_duplicates import hash_files
from core.settings import Settings


def _picture(seed, side=64):
    small = np.random.default_rng(seed).integers(0, 255, (12, 12, 3)).astype(np.uint8)
    return cv2.resize(small, (side, side), interpolation=cv2.INTER_CUBIC)


@pytest.fixture
def verified(tmp_path):
    """Makes a set: class -> how many cells of each patient."""

    def make(**cells_of):
        root = tmp_path / "verified-cells-v1"
        rows, seed = [["file", "patient"]], 0
        for label, patients in cells_of.items():
            (root / label).mkdir(parents=True)
            for patient, cells in enumerate(patients):
                for _ in range(cells):
                    seed += 1
                    name = f"{label}/case{patient}-cell{seed}.png"
                    cv2.imwrite(str(root / name), _picture(seed))
                    rows.append([name, f"case-{patient}"])
        with (root / "groups.csv").open("w", newline="") as handle:
            csv.writer(handle).writerows(rows)
        return root

    return make


@pytest.fixture
def site(tmp_path):
    """Settings whose data folder holds PBC and TXL-PBC, as far as anybody asks here."""
    for name in ("pbc", "txl"):
        (tmp_path / "data" / name).mkdir(parents=True)
    return Settings(data=tmp_path / "data", min_side_px=16)


def test_enough_patients_are_cut_as_any_set(verified, site):
    found = read_verified_cells(verified(lymphocyte=[1] * 12, monocyte=[1] * 12), site)
    assert (found.problems, found.beside) == ((), "")
    assert all(found.parts)


def test_one_case_goes_to_training_beside_pbc(verified, site):
    found = read_verified_cells(verified(lymphocyte=[3], blast=[1], smudge=[2]), site)
    assert (found.problems, found.beside) == ((), "pbc")
    assert found.counts() == {"lymphocyte": (3, 0, 0), "blast": (1, 0, 0), "smudge": (2, 0, 0)}
    why, then = found.notes
    assert "lymphocyte 3 of 1 patient, blast 1 of 1 patient, smudge cell 2 of 1 patient" in why
    assert "cells of 10 patients each are needed" in why
    assert "validation and test are PBC's own" in then
    assert "not how good it is on your slides" in then


def test_without_pbc_it_is_said_what_is_missing(verified, tmp_path):
    empty = Settings(data=tmp_path / "nothing")
    found = read_verified_cells(verified(lymphocyte=[2, 1], monocyte=[1]), empty)
    (problem,) = found.problems
    assert "lymphocyte 3 of 2 patients, monocyte 1 of 1 patient" in problem
    assert "Sign more cases, or get the public set PBC" in problem
    assert found.beside == ""


def test_a_copy_of_a_locked_test_picture_is_left_out_here_too(verified, site):
    root = verified(lymphocyte=[3])
    copied = sorted(root.rglob("*.png"))[:1]
    found = read_verified_cells(root, site, locked=Locked("test part", hash_files(copied)))
    assert found.counts() == {"lymphocyte": (2, 0, 0)}
    assert [one.file for one in found.skipped] == [copied[0].relative_to(root).as_posix()]


def _fields(root, patients):
    (root / "images").mkdir(parents=True)
    (root / "labels").mkdir()
    (root / "classes.txt").write_text("rbc\nwbc\nplatelet\n")
    rows = [["file", "patient"]]
    for n in range(patients):
        cv2.imwrite(str(root / "images" / f"case{n}.png"), _picture(n, 96))
        (root / "labels" / f"case{n}.txt").write_text("0 0.5 0.5 0.2 0.2\n")
        rows.append([f"images/case{n}.png", f"case-{n}"])
    with (root / "groups.csv").open("w", newline="") as handle:
        csv.writer(handle).writerows(rows)
    return root


def test_few_fields_stand_beside_txl_and_many_alone(tmp_path, site):
    few = read_verified_fields(_fields(tmp_path / "few", 2), site)
    assert (few.problems, few.beside, [len(p) for p in few.parts]) == ((), "txl", [2, 0, 0])
    assert "2 fields of 2 patients" in few.notes[0]
    many = read_verified_fields(_fields(tmp_path / "many", 20), site)
    assert (many.problems, many.beside) == ((), "")
    assert all(many.parts)
    without = Settings(data=tmp_path / "nothing", min_side_px=16)
    (problem,) = read_verified_fields(tmp_path / "few", without).problems
    assert "at least 10 patients are needed" in problem and "TXL-PBC" in problem
