"""The white-cell system's table: the published report, ours and the shipped model side by side."""

from core.commands.reproduce.wbc import as_markdown
from core.models.cards.white_cell_figures import InLaboratory
from core.statistics.figures import ClassRow
from core.studies.papers.wbc import PaperWbcResult


def row(precision, recall, f1, n) -> ClassRow:
    return {"precision": precision, "recall": recall, "f1": f1, "n": n}


RESULT: PaperWbcResult = {
    "setting": "reduced for this test",
    "start": "random weights",
    "seed": 3,
    "training_cells": 40,
    "classes": ["lymphocyte", "monocyte"],
    "report": {"lymphocyte": row(0.5, 1.0, 2 / 3, 2), "monocyte": row(None, 0.0, 0.0, 2)},
    "accuracy": {"value": 0.5, "low": 0.068, "high": 0.932, "n": 4},
    "majority_baseline": 0.5,
    "confusion": [[2, 0], [2, 0]],
    "skipped": [],
}
LIVE: InLaboratory = {
    "report": {"lymphocyte": row(0.98, 0.97, 0.975, 120)},
    "eight_class_accuracy": {"value": 0.982, "low": 0.974, "high": 0.988, "n": 1626},
}


def line_of(text, name):
    (line,) = [line for line in text.splitlines() if line.startswith(f"| {name} |")][:1]
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_each_class_has_the_papers_figures_ours_and_the_shipped_models():
    text = as_markdown(RESULT, LIVE)
    lymphocyte = line_of(text, "lymphocyte")
    assert lymphocyte[2:] == ["0.500 / 1.000 / 0.667", "0.980 / 0.970 / 0.975", "2"]
    monocyte = line_of(text, "monocyte")
    assert monocyte[2:] == ["none / 0.000 / 0.000", "no test cells", "2"]
    # A class of the paper that was not among the test cells says so.
    assert line_of(text, "basophil")[2:] == ["no test cells", "no test cells", "0"]


def test_setting_interval_and_the_naive_baseline_are_named():
    text = as_markdown(RESULT, LIVE)
    assert "Setting: reduced for this test; start: random weights; seed 3; 40 training" in text
    assert "trained anew 0.500 (0.068 to 0.932, n 4)" in text
    assert "shipped model 0.982 (0.974 to 0.988, n 1626)" in text
    assert "always the most frequent class 0.500" in text


def test_a_card_without_figures_says_not_measured():
    assert "shipped model not measured" in as_markdown(RESULT, {})
