"""What ``train`` takes: names by file, settings and options by one word, help of one recipe."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from core.cli import app
from core.commands.train_choices import names_from, settings_and_options, together
from core.training.presets import RECIPES


@pytest.mark.parametrize("recipe", RECIPES)
def test_help_of_a_recipe_names_all_it_offers(recipe):
    said = CliRunner().invoke(app, ["train", recipe, "--help"]).output
    info = RECIPES[recipe]
    for word in (*(preset.name for preset in info.presets), *info.options, *info.named):
        assert word in said
    assert "learning_rate: 1e-08 to 1" in said


def test_help_without_a_recipe_says_where_the_choices_are_listed():
    said = CliRunner().invoke(app, ["train", "--help"]).output
    assert "train RECIPE --help" in said and "Presets:" not in said


def test_settings_and_options_are_told_apart():
    values, options = settings_and_options(
        ["epochs=3", "learning_rate=2e-4", "bfloat16=false", "schedule=constant", "frozen=half"]
    )
    assert values == {
        "epochs": 3, "learning_rate": 2e-4, "bfloat16": False, "schedule": "constant"
    }  # fmt: skip
    assert isinstance(values["epochs"], int) and options == {"frozen": "half"}
    assert together({"seed": 1}, values)["seed"] == 1


@pytest.mark.parametrize(
    ("pairs", "part"),
    [
        (["epochs"], "NAME=VALUE"),
        (["=3"], "NAME=VALUE"),
        (["epochs=3", "epochs=4"], "twice"),
        (["frozen=half", "frozen=half"], "twice"),
        (["bfloat16=maybe"], "true or false"),
        (["epochs=few"], "must be a number"),
    ],
)
def test_wrong_words_are_refused(pairs, part):
    with pytest.raises(ValueError, match=part):
        settings_and_options(pairs)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.json", '{"SNE": "segmented_neutrophil", "dirt": ""}'),
        ("a.csv", "SNE,segmented_neutrophil\r\n\r\ndirt,\r\n"),
        ("a.csv", "\ufeffSNE;segmented_neutrophil\ndirt;\n"),
    ],
)
def test_names_are_read_from_json_and_from_csv(tmp_path, name, text):
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert names_from(tmp_path / name) == {"SNE": "segmented_neutrophil", "dirt": ""}


@pytest.mark.parametrize(
    ("name", "raw", "part"),
    [
        ("a.json", b'["SNE"]', "must be like"),
        ("a.json", b"{", "no JSON"),
        ("a.json", b"[" * 100_000, "no JSON"),
        ("a.csv", b"SNE", "line 1 of a.csv"),
        ("a.csv", b"SNE,blast\nSNE,smudge\n", "two things of 'SNE'"),
        ("a.csv", b"", "holds no name"),
        ("a.csv", b"SNE,bl\0ast", "is no table"),
        ("a.csv", b'"' + b"x" * 200_000, "is no table"),
        ("a.csv", b"\xff\xfe\x00", "not UTF-8"),
    ],
)
def test_a_file_of_names_that_cannot_be_used_is_named_with_the_reason(tmp_path, name, raw, part):
    (tmp_path / name).write_bytes(raw)
    with pytest.raises(ValueError, match=part) as refused:
        names_from(tmp_path / name)
    assert name in str(refused.value)
