"""Palms in a folder for each answer, without a table."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.datasets.intake.palm_folders import anemic_by_name
from core.datasets.intake.palms import read_palms
from core.datasets.intake.rows import rows_of_set
from core.datasets.skipped import DataRefused
from core.settings import Settings
from tests.datasets.intake.test_exports_of_programs import picture, table

SETTINGS = Settings()


@pytest.mark.parametrize(
    ("folder", "anemic"),
    [
        *((name, True) for name in ("anemic", "Anaemic", "ANEMIA", "1_anemic", "Anemic palms")),
        *((name, False) for name in ("non_anemic", "Non-Anemic", "non anaemic", "NonAnemia")),
        *((name, False) for name in ("not anemic", "Normal", "healthy", "0-normal", "Controls")),
        *((name, None) for name in ("1", "yes", "anemones", "patient 3", "palms", "")),
    ],
)
def test_names_that_say_it(folder, anemic):
    assert anemic_by_name(folder) is anemic


def test_folders_are_labels_and_folders_below_them_are_persons(tmp_path: Path) -> None:
    for answer in ("anemic", "non_anemic"):
        for person in range(12):
            for side in ("left", "right"):
                picture(tmp_path / "set" / answer / f"{person}" / f"{side}.jpg")
    picture(tmp_path / "set" / "unsorted" / "1.jpg")
    picture(tmp_path / "set" / "anemic" / "normal" / "1.jpg")
    found = read_palms(tmp_path, SETTINGS)
    rows = {row["file"]: row for row in rows_of_set(found)}
    assert rows["set/anemic/3/left.jpg"]["anemic"] is True
    assert rows["set/non_anemic/3/left.jpg"]["anemic"] is False
    assert "no folder says" in rows["set/unsorted/1.jpg"]["left_out"]
    assert "contradict" in rows["set/anemic/normal/1.jpg"]["left_out"]
    assert found.problems == () and "folder" in found.grouped_by
    # The two hands of a person are on one side, and two persons called 3 are two.
    part = {name: row["part"] for name, row in rows.items() if "part" in row}
    assert all(part[name] == part[name.replace("left", "right")] for name in part)
    assert rows["set/anemic/3/left.jpg"]["group"] != rows["set/non_anemic/3/left.jpg"]["group"]
    assert any("names of the folders" in note for note in found.notes)


def test_a_split_and_a_table_of_patients_are_kept(tmp_path: Path) -> None:
    for part in ("train", "test"):
        for answer in ("Anemic", "Non-Anemic"):
            for n in range(12):
                picture(tmp_path / part / answer / f"{part}{n}.jpg")
    lines = [f"{part}{n}.jpg,{part}{n // 2}" for part in ("train", "test") for n in range(12)]
    table(tmp_path / "patients.csv", ["file,patient", *lines])
    rows = rows_of_set(read_palms(tmp_path, SETTINGS))
    assert {row["part"] for row in rows if row["file"].startswith("test/")} == {"test"}


def test_without_either_the_way_out_is_said(tmp_path: Path) -> None:
    for folder in ("0", "1"):
        picture(tmp_path / folder / "a.jpg")
    with pytest.raises(DataRefused, match="a folder called anemic and one called non_anemic"):
        read_palms(tmp_path, SETTINGS)
