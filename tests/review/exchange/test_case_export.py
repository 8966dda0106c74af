"""``python -m core cases export`` writes what it says, and says what it cannot."""

import json

import pytest
from typer.testing import CliRunner

from core.cli import app
from core.datasets.intake.boxes.formats import read_boxes


@pytest.fixture
def run(case_store, monkeypatch):
    monkeypatch.setattr("core.review.record.review_store.review_store", lambda: case_store)
    return lambda *words: CliRunner().invoke(app, ["cases", "export", *map(str, words)])


@pytest.mark.parametrize(
    ("form", "name", "begins"),
    [
        ("pdf", "H-2026-0042-v1.pdf", b"%PDF-"),
        ("csv", "H-2026-0042-v1.csv", b"\xef\xbb\xbfaccession,"),
        ("json", "H-2026-0042-v1-json.json", b"{"),
        ("fhir", "H-2026-0042-v1-fhir.json", b"{"),
    ],
)
def test_a_file_in_a_folder_gets_the_cases_name(run, signed_case, tmp_path, form, name, begins):
    result = run(signed_case.accession, "--format", form, "--to", tmp_path)
    assert result.exit_code == 0, result.output
    assert result.stdout.strip() == str(tmp_path / name)
    assert (tmp_path / name).read_bytes().startswith(begins)


def test_labels_become_a_folder_and_never_overwrite_one(run, signed_case, tmp_path):
    folder = tmp_path / "labels"
    assert run(signed_case.id, "--format", "voc", "--to", folder).exit_code == 0
    assert len(read_boxes(folder).pictures) == 3
    again = run(signed_case.id, "--format", "voc", "--to", folder)
    assert again.exit_code == 2 and "not an empty folder" in again.stderr


def test_the_other_fhir_release(run, signed_case, tmp_path):
    file = tmp_path / "report.json"
    assert (
        run(signed_case.id, "--format", "fhir", "--fhir-release", "R4B", "--to", file).exit_code
        == 0
    )
    assert json.loads(file.read_text())["resourceType"] == "Bundle"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("no-such-case",), "there is no case no-such-case"),
        (("1", "--format", "docx"), "--format must be one of pdf"),
        (("1", "--fhir-release", "R2"), "--fhir-release must be one of"),
        (("1", "--to", "/proc/no/where.pdf"), "cannot write"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(run, open_case, words, said):
    result = run(*words)
    assert result.exit_code == 2 and said in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_a_lost_picture_is_named(run, signed_case, case_store):
    for file in case_store.pictures.rglob("*.png"):
        file.unlink()
    result = run(signed_case.id, "--format", "yolo", "--to", case_store.folder / "out")
    assert result.exit_code == 2 and "is gone" in result.stderr
