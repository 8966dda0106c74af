"""The learning curve as it is printed and drawn, and what a wrong call says."""

from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner

from core.cli import app
from core.commands.reproduce.learning_curve import as_markdown
from core.models.cards.figures import ErrorRow, ErrorRows
from core.studies.count_tables import learning_curve_svg
from core.studies.learning_curve import FILE
from core.studies.learning_curve_result import Cell, LearningCurve

_SVG = "{http://www.w3.org/2000/svg}"


def _errors(mean) -> ErrorRows:
    row: ErrorRow = {
        "mean_absolute_error": mean,
        "low": mean - 0.1,
        "high": mean + 0.1,
        "constant_predictor": 1.4,
    }
    kinds: ErrorRows = {
        "constant": [22.0, 1.0, 1.0],
        "n": 2,
        "rbc": row,
        "wbc": row,
        "platelet": row,
        "mean": row,
    }
    return kinds


def _cell(counter, labelled, drawn, mean, field_errors) -> Cell:
    return {
        "counter": counter,
        "labelled": labelled,
        "drawn": drawn,
        "step": 7,
        "validation_error": mean,
        "errors": _errors(mean),
        "field_errors": field_errors,
    }


_CURVE: LearningCurve = {
    "setting": {
        "backbone": "made for this test",
        "steps": 7,
        "check_every": 7,
        "seed": 5,
        "heads": {},
        "fields_sha256": "0" * 64,
    },
    "fields": {
        "training": 80,
        "validation": 9,
        "test": 2,
        "left_out_as_copies": 4,
    },
    "constant": _errors(1.4),
    "locator": _errors(0.4),
    "sizes": [25, 80],
    "drawn": 30,
    "cells": [
        _cell("plain", 25, 0, 1.5, [1.0, 2.0]),
        _cell("plain", 25, 30, 1.2, [0.7, 1.7]),
        _cell("plain", 80, 0, 1.3, [1.0, 1.6]),
        _cell("plain", 80, 30, 1.25, [1.0, 1.5]),
        _cell("map", 25, 0, 1.0, [0.5, 1.5]),
        _cell("map", 25, 30, 0.9, [0.4, 1.4]),
        _cell("map", 80, 0, 0.8, [0.8, 0.8]),
        _cell("map", 80, 30, 0.85, [0.85, 0.85]),
    ],
}


def test_tables_hold_every_training_and_what_drawn_fields_change():
    lines = as_markdown(_CURVE).splitlines()
    assert (
        "| 25 | 1.50 (1.40 to 1.60) | 1.20 (1.10 to 1.30) | 1.00 (0.90 to 1.10) | "
        "0.90 (0.80 to 1.00) |"
    ) in lines
    # Both fields gain 0.3 (0.1 with the map), so every resample does.
    assert "| 25 | -0.30 (-0.30 to -0.30) | -0.10 (-0.10 to -0.10) |" in lines
    # One field gains 0.1, the other nothing.
    assert "| 80 | -0.05 (-0.10 to +0.00) | +0.05 (+0.05 to +0.05) |" in lines
    assert any(
        line.startswith("| map that sums to the count, 80 labelled and 30") for line in lines
    )
    assert any(line.startswith("| always the training median | 1.40 ") for line in lines)
    assert any("80 camera fields" in line and "7 steps" in line for line in lines)


def test_without_drawn_fields_there_are_no_columns_of_them():
    cells = [cell for cell in _CURVE["cells"] if not cell["drawn"]]
    text = as_markdown({**_CURVE, "drawn": 0, "cells": cells})
    assert "drawn" not in text
    assert "| 80 | 1.30 (1.20 to 1.40) | 0.80 (0.70 to 0.90) |" in text


def test_the_figure_has_a_line_for_each_counter_and_for_both_references():
    svg = ElementTree.fromstring(learning_curve_svg(_CURVE))
    words = {t.text for t in svg.iter(f"{_SVG}text")}
    assert {
        "plain regression",
        "plain, with drawn",
        "map that sums",
        "map, with drawn",
        "always the median",
        "locator, boxes",
        "25",
        "80",
    } <= words
    # Two sizes, four lines with a mark at each.
    axes = next(group for group in svg.iter(f"{_SVG}g") if group.get("id") == "axes_1")
    colours = ("#cc79a7", "#e69f00", "#0072b2", "#009e73")
    styles = [use.get("style") or "" for use in axes.iter(f"{_SVG}use")]
    assert [sum(f"fill: {one}" in style for style in styles) for one in colours] == [2] * 4


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--sizes", "25,many"], "--sizes takes whole numbers from 1"),
        (["--sizes", "0,25"], "--sizes takes whole numbers from 1"),
        (["--sizes", ""], "--sizes takes whole numbers from 1"),
        ([], "TXL-PBC part 'train' not found"),
    ],
)
def test_a_wrong_call_says_one_sentence_and_leaves_nothing(tmp_path, words, sentence):
    out = tmp_path / "out"
    ran = CliRunner().invoke(
        app,
        ["reproduce", "learning-curve", "--data", str(tmp_path), "--out", str(out), *words],
    )
    assert ran.exit_code == 2
    assert sentence in ran.output
    assert "Traceback" not in ran.output
    assert not (out / FILE).exists()
