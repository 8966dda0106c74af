"""The published cells: every file is there, small, named in the table, and credited."""

import csv

import pytest
from PIL import Image

from core.review.reading.licensed_pictures import FOLDER, SOURCES, licensed_cells
from core.review.reading.reference_cells import LOOK_ALIKES
from core.taxonomy import UNIDENTIFIED, WBC_CLASSES, answer_labels


def test_the_table_and_the_files_are_the_same():
    rows = list(csv.DictReader((FOLDER / "cells.csv").open(encoding="utf-8")))
    files = {str(path.relative_to(FOLDER)) for path in FOLDER.rglob("*.webp")}
    assert {row["file"] for row in rows} == files
    assert len(rows) == len(files)
    assert {row["class"] for row in rows} <= set(answer_labels()) - {UNIDENTIFIED}
    assert sum((FOLDER / name).stat().st_size for name in files) < 500_000


@pytest.mark.parametrize(
    "label", [*(n for n in WBC_CLASSES if n != "immature_granulocyte"), "reactive_lymphocyte"]
)
def test_a_class_has_several_with_source_and_licence(label):
    found = licensed_cells(label)
    assert 3 <= len(found) <= 6
    for one in found:
        assert "CC BY" in one.credit
        assert one.laboratory in {name for name, _ in SOURCES.values()}
        assert Image.open(one.file).size == (128, 128)


def test_band_and_segmented_and_blast_and_lymphocyte_stand_beside_each_other():
    for label in ("segmented_neutrophil", "band_neutrophil", "blast", "lymphocyte"):
        assert licensed_cells(LOOK_ALIKES[label])


def test_a_class_without_a_picture_has_none():
    assert licensed_cells("hairy_cell") == []


def test_a_class_of_parts_shows_one_of_each_in_turn():
    shown = [one.label for one in licensed_cells("immature_granulocyte")]
    assert sorted(shown[:3]) == ["metamyelocyte", "myelocyte", "promyelocyte"]
