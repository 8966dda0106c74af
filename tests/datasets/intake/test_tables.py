"""Tables as people keep them: each value in its own column, its own unit and its own patient."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.worksheet.worksheet import Worksheet

from core.datasets.intake.cells import read_cells
from core.datasets.intake.columns import bare, group_column
from core.datasets.intake.fields import read_counted_fields
from core.datasets.intake.palms import read_palms
from core.datasets.intake.rows import PictureRow, rows_of_set
from core.datasets.skipped import DataRefused
from core.settings import Settings
from tests.datasets.intake.test_exports_of_programs import picture, table

SETTINGS = Settings()
HEADER = "file,rbc,wbc,platelet"


def counted(root: Path, *lines: str, header: str = HEADER) -> dict[str, PictureRow]:
    """Two fields and a table of them, read."""
    for n in range(2):
        picture(root / f"{n}.jpg")
    table(root / "counts.csv", [header, *lines])
    return {row["file"]: row for row in rows_of_set(read_counted_fields(root, SETTINGS))}


def workbook(path: Path, fill: Callable[[Any, Worksheet], object]) -> None:
    book: Any = openpyxl.Workbook()
    fill(book, book.active)
    book.save(path)


def test_a_decimal_comma_without_quotes_moves_no_value_into_the_next_column(tmp_path: Path) -> None:
    rows = counted(tmp_path, "0.jpg,12,0,1,0,0,0", "1.jpg,13,1,0,,,")
    assert "7 values for 4 columns" in rows["0.jpg"]["left_out"]
    assert rows["1.jpg"]["counts"] == {"rbc": 13, "wbc": 1, "platelet": 0}


@pytest.mark.parametrize(
    "header",
    [
        "file,rbc,wbc %,platelet",
        "file,RBC (10^6/µl),WBC,PLT",
        "file,RBC,WBC,PLT [10³/µl]",
        "file,RBC x10^12/L,WBC,PLT",
        "file,RBC,WBC/µl,PLT",
        "file,RBC,WBC,PLT (K/uL)",
    ],
)
def test_a_share_or_a_concentration_is_no_count(tmp_path: Path, header: str) -> None:
    with pytest.raises(DataRefused, match="counts.csv"):
        counted(tmp_path, "0.jpg,5,7,250", header=header)


@pytest.mark.parametrize(
    "header",
    [
        "file,RBC (n),WBC (n),Platelets (n)",
        "Image,No. of RBC,No. of WBC,No. of platelets",
        "file,RBC [cells],WBC [cells],PLT [cells]",
        "file,RBC/field,WBC/field,PLT/field",
        "Datei,Anzahl Erythrozyten,Anzahl Leukozyten,Anzahl Thrombozyten",
        "file,RBC count,WBC count,wbc %,platelet count",
    ],
)
def test_names_of_columns_of_counts(tmp_path: Path, header: str) -> None:
    line = "0.jpg,12,1,5,3" if "%" in header else "0.jpg,12,1,3"
    rows = counted(tmp_path, line, header=header)
    assert rows["0.jpg"]["counts"] == {"rbc": 12, "wbc": 1, "platelet": 3}


def test_two_columns_of_one_kind_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataRefused, match="twice"):
        counted(tmp_path, "0.jpg,12,13,1,0", header="file,rbc,RBC,wbc,platelet")
    with pytest.raises(DataRefused, match="RBC 1"):
        counted(tmp_path, "0.jpg,12,13,1,0", header="file,RBC 1,RBC 2,wbc,platelet")


@pytest.mark.parametrize("value", ["1,234", "1.234", "1 234", "1'234", "12.5", "n/a", "#REF!"])
def test_what_may_be_a_thousand_or_a_share_is_left_out(tmp_path: Path, value: str) -> None:
    rows = counted(tmp_path, f'0.jpg,"{value}",1,0', "1.jpg,13,1,0")
    assert "not a whole number of cells: rbc" in rows["0.jpg"]["left_out"]
    assert rows["1.jpg"]["counts"]["rbc"] == 13


def test_a_value_may_hold_a_line_break(tmp_path: Path) -> None:
    rows = counted(
        tmp_path, '0.jpg,12,1,0,"pale,\nmany"', "1.jpg,13,1,0,fine", header=HEADER + ",remark"
    )
    assert [rows[f"{n}.jpg"]["counts"]["rbc"] for n in range(2)] == [12, 13]


def test_utf_16_without_its_mark_is_refused_not_guessed(tmp_path: Path) -> None:
    picture(tmp_path / "0.jpg")
    (tmp_path / "counts.csv").write_bytes(f"{HEADER}\n0.jpg,1,1,1\n".encode("utf-16-le"))
    with pytest.raises(DataRefused, match="bytes that no text has"):
        read_counted_fields(tmp_path, SETTINGS)


# ---- workbooks -------------------------------------------------------------------------------


def cells_of_two_classes(root: Path) -> list[str]:
    files = []
    for label in ("Lymphocyte", "Monocyte"):
        for n in range(24):
            files.append(f"{label}/{label[0]}{n}.png")
            picture(root / files[-1], (64, 64))
    return files


def patients_together(root: Path, patient_of: Callable[[int], int]) -> None:
    """Every patient's cells must lie in one part and carry the patient's name."""
    found = read_cells(root, SETTINGS)
    assert found.grouped_by == "patient and near-duplicates"
    part_of: dict[int, set[str]] = {}
    for row in rows_of_set(found):
        number = int(row["file"].rpartition("/")[2][1:-4])
        assert row["group"] == f"patient {patient_of(number)}"
        part_of.setdefault(patient_of(number), set()).add(row["part"])
    assert all(len(parts) == 1 for parts in part_of.values())


def test_merged_cells_name_the_patient_of_every_row(tmp_path: Path) -> None:
    files = cells_of_two_classes(tmp_path)

    def fill(book: Any, sheet: Worksheet) -> None:
        sheet.append(["Patient", "File"])
        for n, file in enumerate(files):
            sheet.append([n % 24 // 2 if n % 2 == 0 else None, file])
            if n % 2 == 0:
                sheet.merge_cells(start_row=n + 2, end_row=n + 3, start_column=1, end_column=1)

    workbook(tmp_path / "patients.xlsx", fill)
    patients_together(tmp_path, lambda n: n // 2)


def test_a_patient_named_in_the_first_of_its_lines_only_is_said(tmp_path: Path) -> None:
    files = cells_of_two_classes(tmp_path)
    lines = [f"{n // 2 if n % 2 == 0 else ''},{file}" for n, file in enumerate(files)]
    table(tmp_path / "patients.csv", ["patient,file", *lines])
    notes = read_cells(tmp_path, SETTINGS).notes
    assert any("patients.csv, line 3 and 23 more names no patient" in note for note in notes)


def test_a_table_of_patients_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    files = cells_of_two_classes(tmp_path)
    table(tmp_path / "patients.csv", ["patient,patient,file", *(f"1,2,{file}" for file in files)])
    notes = read_cells(tmp_path, SETTINGS).notes
    assert "patients.csv has the column patient twice" in notes


@pytest.mark.parametrize(
    "name",
    ["PatientID", "patient_id", "Patient-Nr.", "Patient No", "PATIENT", "subject_id", "SubjectID",
     "pat_id", "Donor", "MRN", "Accession number", "Proband", "patientcode", "Patientin"],
)  # fmt: skip
def test_names_of_the_column_of_patients(tmp_path: Path, name: str) -> None:
    files = cells_of_two_classes(tmp_path)
    lines = [f"{file},{int(file.rpartition('/')[2][1:-4]) % 12}" for file in files]
    table(tmp_path / "patients.csv", [f"file,{name}", *lines])
    found = read_cells(tmp_path, SETTINGS)
    assert found.grouped_by == f"{group_column(name)} and near-duplicates"
    assert len(set(found.groups)) == 12


def test_what_all_pictures_are_made_of_groups_none(tmp_path: Path) -> None:
    files = cells_of_two_classes(tmp_path)
    table(tmp_path / "cells.csv", ["file,specimen", *(f"{file},blood" for file in files)])
    assert read_cells(tmp_path, SETTINGS).grouped_by == "near-duplicates"


def test_a_formula_without_its_value_is_no_count_and_one_with_it_is(tmp_path: Path) -> None:
    for n in range(2):
        picture(tmp_path / f"{n}.jpg")

    def fill(book: Any, sheet: Worksheet) -> None:
        sheet.append(HEADER.split(","))
        sheet.append(["0.jpg", "=SUM(5,7)", 1, 0])
        sheet.append(["1.jpg", 13, 1, 0])

    workbook(tmp_path / "counts.xlsx", fill)
    rows = {row["file"]: row for row in rows_of_set(read_counted_fields(tmp_path, SETTINGS))}
    assert "rbc '=SUM(5,7)'" in rows["0.jpg"]["left_out"]
    assert rows["1.jpg"]["counts"]["rbc"] == 13


def test_numbers_as_names_of_pictures(tmp_path: Path) -> None:
    for n in range(2):
        picture(tmp_path / f"{n}.jpg")

    def fill(book: Any, sheet: Worksheet) -> None:
        sheet.append(HEADER.split(","))
        sheet.append([0, 12, 1, 0])
        sheet.append([1.0, 13, 1, 0])

    workbook(tmp_path / "counts.xlsx", fill)
    rows = {row["file"]: row for row in rows_of_set(read_counted_fields(tmp_path, SETTINGS))}
    assert [rows[f"{n}.jpg"]["counts"]["rbc"] for n in range(2)] == [12, 13]


def test_hidden_rows_and_sheets_are_read_and_said(tmp_path: Path) -> None:
    for n in range(2):
        picture(tmp_path / f"{n}.jpg")

    def fill(book: Any, sheet: Worksheet) -> None:
        sheet.append(HEADER.split(","))
        sheet.append(["0.jpg", 12, 1, 0])
        sheet.row_dimensions[2].hidden = True
        other = book.create_sheet("old")
        other.append(HEADER.split(","))
        other.append(["1.jpg", 13, 1, 0])
        other.sheet_state = "hidden"

    workbook(tmp_path / "counts.xlsx", fill)
    found = read_counted_fields(tmp_path, SETTINGS)
    assert len(found.items) == 2
    assert any("hidden sheet old" in note for note in found.notes)
    assert any("rows or columns that are hidden" in note for note in found.notes)


def test_sheets_that_contradict_each_other_refuse_the_picture(tmp_path: Path) -> None:
    picture(tmp_path / "0.jpg")

    def fill(book: Any, sheet: Worksheet) -> None:
        for one, number in ((sheet, 12), (book.create_sheet("Second"), 14)):
            one.append(HEADER.split(","))
            one.append(["0.jpg", number, 1, 0])
        book.create_sheet("Legend").append(["rbc", "red cells"])

    workbook(tmp_path / "counts.xlsx", fill)
    (row,) = rows_of_set(read_counted_fields(tmp_path, SETTINGS))
    assert "two rows fit it and differ: counts.xlsx#Sheet, line 2" in row["left_out"]


def test_a_workbook_with_a_password_is_named(tmp_path: Path) -> None:
    picture(tmp_path / "0.jpg")
    (tmp_path / "counts.xlsx").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600))
    with pytest.raises(DataRefused, match="password"):
        read_counted_fields(tmp_path, SETTINGS)


@pytest.mark.parametrize(
    "header",
    [
        "Fichier;Globules rouges;Globules blancs;Plaquettes",
        "archivo;eritrocitos;leucocitos;plaquetas",
        "Arquivo;Hemácias;Leucócitos;Plaquetas",
        "immagine;Globuli rossi;Globuli bianchi;Piastrine",
        "文件名;红细胞;白细胞;血小板",
    ],
)
def test_columns_in_other_languages(tmp_path: Path, header: str) -> None:
    found = counted(tmp_path, "0.jpg;7;1;2", "1.jpg;8;0;1", header=header)
    assert found["0.jpg"]["counts"] == {"rbc": 7, "wbc": 1, "platelet": 2}


# ---- palms -----------------------------------------------------------------------------------


def palm_rows(root: Path, header: str, *values: str) -> list[PictureRow]:
    for n in range(len(values)):
        picture(root / f"{n}.jpg")
    table(root / "palms.csv", [header, *(f"{n}.jpg,{value}" for n, value in enumerate(values))])
    return rows_of_set(read_palms(root, SETTINGS))


def test_a_column_that_says_the_contrary_is_not_the_label(tmp_path: Path) -> None:
    for header in ("file,No anemia", "file,non-anemic", "file,not_anaemic"):
        with pytest.raises(DataRefused, match=r"palms.csv lacks a column"):
            palm_rows(tmp_path, header, "1", "0")
    assert [row["anemic"] for row in palm_rows(tmp_path, "file,Anemia", "1", "0")] == [True, False]
    assert bare("No. of RBC") == "rbc" and bare("case no.") == "case"


@pytest.mark.parametrize(
    ("header", "value", "grams"),
    [
        ("Hb", "11,3", 11.3),
        ("Hb (g/dL)", "11.3", 11.3),
        ("haemoglobin_g_dl", "11.3", 11.3),
        ("Hemoglobin [g/L]", "113", 11.3),
        ("hb_mmol_l", "7", 11.28),
        ("Hb", "113", None),
        ("Hb (%)", "11.3", None),
        ("Hb (mg/ml)", "113", None),
    ],
)
def test_haemoglobin_in_the_unit_of_its_column(
    tmp_path: Path, header: str, value: str, grams: float | None
) -> None:
    for n in range(2):
        picture(tmp_path / f"{n}.jpg")
    table(tmp_path / "palms.csv", [f"file;anemic;{header}", f"0.jpg;1;{value}", "1.jpg;0;"])
    found = read_palms(tmp_path, SETTINGS)
    haemoglobin = found.items[0].haemoglobin_g_dl
    assert haemoglobin == pytest.approx(grams, abs=0.01) if grams else haemoglobin is None
    if grams is None:
        assert any("g/dl" in note for note in found.notes)
