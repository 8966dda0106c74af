"""Every import contract can fail: a forbidden import in a copy of core breaks it."""

import json
import shutil
import subprocess
import sys
import tomllib

import pytest

from tests.fixtures.paths import ROOT

# Contract, the file that gets the import, and the import.
FORBIDDEN = [
    ("no-screens", "core/slide/totals.py", "import streamlit"),
    ("no-screens", "core/explain/heat.py", "import plotly.graph_objects"),
    ("one-way", "core/inference/smear.py", "import core.evaluation.detection"),
    ("one-way", "core/access/people.py", "import core.review.record.ledger"),
    ("one-way", "core/models/weights.py", "import core.inference.smear"),
    ("one-way", "core/evaluation/detection.py", "import core.training.presets"),
    ("one-way", "core/training/presets.py", "import core.review.case.cases"),
    ("one-way", "core/commands/smear.py", "import core.cli"),
    ("one-way", "core/statistics/kappa.py", "import core.imaging.read"),
    ("one-way", "core/new_package/__init__.py", "import core.records"),
    ("plain-inference", "core/inference/batch.py", "import core.datasets.archive"),
    ("plain-inference", "core/slide/tables.py", "import core.datasets.splits"),
    ("models-handed-in", "core/inference/smear.py", "import core.models.registry"),
    ("models-handed-in", "core/explain/count_map.py", "from core.models import registry"),
    ("models-handed-in", "core/evaluation/wbc_suite.py", "from core.models.registry import live"),
    ("pure-numbers", "core/statistics/kappa.py", "import torch"),
    ("pure-numbers", "core/statistics/counts.py", "import core.models.weights"),
    ("studies-apart", "core/training/presets.py", "import core.studies.line_chart"),
    ("studies-apart", "core/review/case/cases.py", "import core.studies.queue_gain"),
    ("light-screens", "core/slide/totals.py", "import torch"),
    ("light-screens", "core/training/presets.py", "import core.models.engine"),
    ("light-screens", "core/access/people.py", "import pytorch_grad_cam"),
    ("light-screens", "core/slide/palm_worth.py", "import core.inference.palm.screening"),
]


# Runs in the copy: adds one import at a time, checks the one contract, and restores the file.
SCRIPT = """
import contextlib, io, json, pathlib, shutil, sys
from importlinter.application import use_cases
from importlinter import configuration
configuration.configure()

def lint(*contracts):
    with contextlib.redirect_stdout(io.StringIO()):
        report = use_cases.create_report(use_cases.read_user_options(), contracts, cache_dir=None)
    return [bool(check.kept) for _, check in report.get_contracts_and_checks()]

use_cases._register_contract_types(use_cases.read_user_options())
rows = [lint()]
for contract, file, line in json.loads(sys.stdin.read()):
    path = pathlib.Path(file)
    before = path.read_text() if path.exists() else None
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"{before or ''}\\n{line}\\n")
    rows.append(lint(contract))
    path.write_text(before) if before is not None else shutil.rmtree(path.parent)
print(json.dumps(rows))
"""


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory):
    """Which contracts the copy keeps as it is, then for each forbidden import its contract's."""
    copy = tmp_path_factory.mktemp("tree")
    shutil.copy(ROOT / "pyproject.toml", copy)
    shutil.copytree(ROOT / "core", copy / "core", ignore=shutil.ignore_patterns("__pycache__"))
    ran = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        input=json.dumps(FORBIDDEN),
        cwd=copy,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def contracts():
    with (ROOT / "pyproject.toml").open("rb") as file:
        return [one["id"] for one in tomllib.load(file)["tool"]["importlinter"]["contracts"]]


def test_the_tree_keeps_every_contract(verdicts):
    assert verdicts[0] == [True] * len(contracts())


def test_every_contract_has_an_import_that_breaks_it():
    assert set(contracts()) == {contract for contract, _, _ in FORBIDDEN}


@pytest.mark.parametrize(
    "place", range(len(FORBIDDEN)), ids=[f"{c}: {f}: {line}" for c, f, line in FORBIDDEN]
)
def test_a_forbidden_import_breaks_its_contract(place, verdicts):
    assert verdicts[1 + place] == [False]
