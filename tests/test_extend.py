"""What docs/extend.md says is done here; the scripts of examples/ are run."""

from __future__ import annotations

import importlib.util
import io
import os
import re
import subprocess
import sys
from types import ModuleType

import pytest
import torch
from streamlit.testing.v1 import AppTest

from core.datasets.public.class_folders import read_class_folders
from core.imaging import synthetic
from core.imaging.view import png
from core.models import classifier
from core.models.classifier import CellClassifier
from core.review.exchange.contents import gather
from core.settings import settings
from tests.fixtures.paths import ROOT
from tests.fixtures.screens import HUNG_AFTER_S, words
from tests.fixtures.signed_cases import READER

EXAMPLES = ROOT / "examples"


def example(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_file_it_names_is_there() -> None:
    text = (ROOT / "docs" / "extend.md").read_text()
    links = re.findall(r"\]\(([^)]+)\)", text)
    assert len(links) > 8
    for link in links:
        assert (ROOT / "docs" / link).exists(), link
    assert {path.name for path in EXAMPLES.glob("*.py")} == set(re.findall(r"\w+\.py", text)) & {
        path.name for path in EXAMPLES.iterdir()
    }


def test_a_class_is_a_line_of_a_table(tmp_path) -> None:
    text = (ROOT / "docs" / "extend.md").read_text()
    table = text.split("```")[1].strip() + "\n"
    file = tmp_path / "classes.csv"
    file.write_text(table, encoding="utf-8")
    ask = (
        "from core import taxonomy as t; print(t.title('sezary_cell'), "
        "t.model_class('sezary_cell'), t.is_critical('sezary_cell'))"
    )
    # The table is read once in a process.
    ran = subprocess.run(
        [sys.executable, "-c", ask],
        cwd=ROOT,
        env={**os.environ, "HEMADESK_SITE_CLASSES": str(file), "PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
    )
    assert ran.stdout.split() == ["Sézary", "cell", "lymphocyte", "True"]


def test_a_backbone_is_a_name(monkeypatch) -> None:
    name = "mobilenet_v3_small"
    assert name not in classifier.BACKBONES
    monkeypatch.setattr(classifier, "BACKBONES", (*classifier.BACKBONES, name))
    made = CellClassifier(("lymphocyte", "monocyte", "blast"), name).eval()
    with torch.inference_mode():
        assert made(torch.rand(2, 3, 128, 128)).shape == (2, 3)
    assert made.last_layer().out_features == 3
    assert isinstance(made.last_map(), torch.nn.Module)


def test_a_data_set_is_a_table_from_folder_to_class(tmp_path) -> None:
    for folder, label in (("Burst", "smudge"), ("Lymphocyte", "lymphocyte"), ("Dirt", "monocyte")):
        (tmp_path / folder).mkdir()
        cell = synthetic.draw_cell(1, label)
        (tmp_path / folder / "one.png").write_bytes(png(cell.pixels))
    known = {"Burst": "smudge", "Lymphocyte": "lymphocyte"}
    found = read_class_folders(tmp_path, known, settings(), expected="a folder for each class")
    assert [cell.label for cell in found.cells] == ["smudge", "lymphocyte"]
    assert [one.file for one in found.skipped] == ["Dirt/one.png"]


def test_a_screen_asks_core_and_draws(own_var) -> None:
    app = AppTest.from_file(str(EXAMPLES / "own_screen.py"), default_timeout=HUNG_AFTER_S).run()
    assert not app.exception
    assert app.title[0].value == "Critical cases" and "No case is critical." in words(app)


def test_an_export_is_a_function_of_a_case(case_store, signed_case) -> None:
    own = example("own_export")
    out = io.StringIO()
    assert own.write(case_store, [], out) == 1
    head, line = out.getvalue().splitlines()
    assert head.split(",") == list(own.COLUMNS)
    assert line.startswith("H-2026/0042,1,Dr Zoë") and "Research use only" in line
    assert own.LINE.make(gather(case_store, READER, signed_case.id)).decode().count("\n") == 2


def test_an_export_refuses_what_nobody_signed(case_store, open_case) -> None:
    with pytest.raises(ValueError, match="is not signed"):
        example("own_export").write(case_store, [open_case.accession], io.StringIO())


def test_a_folder_is_analysed_in_a_program_of_ones_own(tmp_path, capsys) -> None:
    drawn = synthetic.draw(3, width=320, height=240, wbc=["monocyte"], platelets=0, rbc=6)
    (tmp_path / "a.png").write_bytes(synthetic.png_bytes(drawn.field))
    (tmp_path / "notes.txt").write_text("no picture")
    assert example("analyse_folder").main(tmp_path) == 1
    said = capsys.readouterr()
    assert "Neutrophil" in said.out and "Research use only." in said.out
    assert "notes.txt" in said.err
