"""``reproduce palm`` on made photos: the four tables, as published and with an honest split."""

import csv

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from core.cli import app
from core.studies.papers import palm, palm_states


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Photos whose brightness gives the label away."""
    root = tmp_path_factory.mktemp("sets")
    (root / "palm" / "images").mkdir(parents=True)
    rng = np.random.default_rng(0)
    with (root / "palm" / "labels.csv").open("w", newline="") as handle:
        table = csv.writer(handle)
        table.writerow(["file", "anemic", "photo_group", "session_block"])
        for i in range(24):
            ill = i < 8
            pixels = np.clip(rng.normal(150 if ill else 110, 20, (50, 60, 3)), 0, 255)
            Image.fromarray(pixels.astype(np.uint8)).save(root / "palm" / "images" / f"{i}.png")
            table.writerow([f"{i}.png", int(ill), i, f"{'ill' if ill else 'well'}-{i // 2}"])
    return root


def reproduce(root, *more):
    words = ["reproduce", "palm", "--reduced", "--states", "2", "--epochs", "1"]
    ran = CliRunner().invoke(app, [*words, "--data", str(root), "--to", str(root / "to"), *more])
    assert ran.exit_code == 0, ran.stderr
    return ran


@pytest.fixture(scope="module")
def text(root):
    return reproduce(root).stdout


def test_what_was_reduced_is_said_before_any_table(text):
    assert "24 photos" in text
    assert text.index("Reduced: 80x60 pixels instead of 500x375") < text.index("Table 1")


def test_clusters_are_balanced_by_copies_and_lacking_measurements_are_named(text):
    # 16 others are halved; the 8 anemic stand in both clusters, so no copies are needed.
    assert text.count("16 photos, 8 anemic, 0 of them copies") == 2
    assert text.count("No haemoglobin, haematocrit, age or sex in the table.") == 2


def test_four_tables_stand_twice_and_the_papers_column_only_beside_its_split(text):
    published, honest = text.split("## Honestly")
    for part in (published, honest):
        assert [f"Table {n}" in part for n in (1, 2, 3, 4)] == [True] * 4
        assert part.count("| mean |") == 2
    assert "paper's accuracy" in published
    assert "paper's accuracy" not in honest


def test_the_last_lines_hold_the_range_of_the_states_and_the_naive_baseline(text):
    assert text.count("always the more frequent class") == 2
    assert text.count("single random states") == 2


def test_a_stopped_run_resumes_after_its_last_training(text, root, monkeypatch):
    results = sorted((root / "to").glob("?" * 24 + ".json"))
    assert len(results) == 8  # two manners, two clusters, two states
    assert not list((root / "to").glob("*.safetensors"))
    results[3].unlink()
    trained = []
    train = palm.train_and_test

    def counted(split, state, settings, *more):
        trained.append(state)
        return train(split, state, settings, *more)

    monkeypatch.setattr(palm_states, "train_and_test", counted)
    again = reproduce(root)
    assert again.stdout == text
    assert len(trained) == 1
    assert "8 of 8: honestly, cluster 2, state 1: accuracy" in again.stderr
    assert (root / "to" / "tables.md").read_text() in text


def test_a_dry_run_says_what_and_how_long_and_trains_nothing(root):
    said = reproduce(root, "--dry-run", "--to", str(root / "dry")).stdout
    assert "8 trainings of about" in said and "at most 1 epochs" in said
    assert "MB of memory" in said
    assert not (root / "dry").exists()
