import csv

import numpy as np
import pytest
from PIL import Image

from core.datasets.public import bodzas, munich, raabin, wbcatt
from core.datasets.public.wbcatt import ATTRIBUTES
from core.settings import Settings

SETTINGS = Settings(_env_file=None)


def picture(path, seed=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)


def test_bodzas_nine_classes_as_published(tmp_path):
    names = ["Neutrophil Segments", "Neutrophil Bands", "Eosinophils", "Basophils", "Lymphocytes"]
    names += ["Monocytes", "Normoblasts", "Myeloblasts", "Lymphoblasts"]
    for number, name in enumerate(names):
        picture(tmp_path / name / f"{number}.png", number)
    found = bodzas.load(tmp_path, SETTINGS)
    assert {cell.path.parent.name: cell.label for cell in found.cells} == {
        "Neutrophil Segments": "segmented_neutrophil",
        "Neutrophil Bands": "band_neutrophil",
        "Eosinophils": "eosinophil",
        "Basophils": "basophil",
        "Lymphocytes": "lymphocyte",
        "Monocytes": "monocyte",
        "Normoblasts": "erythroblast",
        "Myeloblasts": "blast",
        "Lymphoblasts": "blast",
    }
    assert not found.skipped


def test_corrupt_files_and_unknown_folders_are_skipped_and_listed(tmp_path):
    picture(tmp_path / "Monocytes" / "good.png")
    whole = (tmp_path / "Monocytes" / "good.png").read_bytes()
    (tmp_path / "Monocytes" / "half.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "Monocytes" / "words.png").write_text("no picture")
    picture(tmp_path / "Artefacts" / "a.png")
    found = bodzas.load(tmp_path, SETTINGS)
    assert [cell.path.name for cell in found.cells] == ["good.png"]
    reasons = {one.file: one.reason for one in found.skipped}
    assert set(reasons) == {"Monocytes/half.png", "Monocytes/words.png", "Artefacts/a.png"}
    assert reasons["Artefacts/a.png"] == "unknown class: Artefacts"
    assert all(reasons.values())


def test_an_empty_folder_says_what_is_expected(tmp_path):
    with pytest.raises(FileNotFoundError, match="nine classes"):
        bodzas.load(tmp_path, SETTINGS)


def test_raabins_parts_stay_apart(tmp_path):
    picture(tmp_path / "Train" / "Neutrophil" / "a.jpg", 1)
    picture(tmp_path / "TestB" / "Basophil" / "b.jpg", 2)
    picture(tmp_path / "TRAIN_ONLY" / "Basophil" / "c.jpg", 3)
    assert [c.label for c in raabin.load(tmp_path, "Train", SETTINGS).cells] == ["neutrophil"]
    assert [c.label for c in raabin.load(tmp_path, "TestB", SETTINGS).cells] == ["basophil"]


def test_munich_blasts_and_precursors(data_dir):
    cells = munich.load(data_dir / "wbc_munich_support")
    assert len(cells) == 75
    labels = {cell.code: cell.label for cell in cells}
    assert [labels[code] for code in ("MYO", "MOB", "PMO", "MMZ", "KSC")] == [
        "blast",
        "blast",
        "immature_granulocyte",
        "immature_granulocyte",
        "smudge",
    ]
    # What no class stands for must not slip into one.
    assert labels["LYA"] is None and len(labels) == 15


def test_wbcatt_keeps_its_own_split(data_dir):
    parts = {part: wbcatt.load(data_dir, part) for part in ("train", "val", "test")}
    names = {part: {cell.path.name for cell in cells} for part, cells in parts.items()}
    assert not names["train"] & names["test"] and not names["train"] & names["val"]
    # Rows of the three published tables.
    assert len(parts["train"]) <= 6169 and len(parts["test"]) <= 3099
    assert sum(map(len, parts.values())) > 9500
    assert all(len(cell.values) == 11 for cell in parts["val"])


def test_wbcatt_table_without_a_column_is_refused(tmp_path):
    (tmp_path / "wbcatt").mkdir()
    with (tmp_path / "wbcatt" / "pbc_attr_v1_val.csv").open("w", newline="") as handle:
        csv.writer(handle).writerow(["img_name", "label", *ATTRIBUTES[:-1]])
    with pytest.raises(ValueError, match="lacks the columns granularity"):
        wbcatt.load(tmp_path, "val")
