"""A run on the verified cells of one case: all of them learnt from, judged on the public set."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest

from core.training import recipes
from core.training.loop.settings import LoopSettings
from core.training.promote import locked_sets
from core.training.white_cells.recipe import WbcRecipe

QUICK = LoopSettings(epochs=1, batch_size=8, workers=0)


@pytest.fixture
def site(own_var, tiny_data, change_settings):
    change_settings(data=tiny_data)
    return tiny_data


@pytest.fixture
def verified(tmp_path):
    """Cells of one case; their like is not in the public set, nor is the class blast."""
    root = tmp_path / "verified-cells-v1"
    rows = [["file", "patient"]]
    for label, colour in (("lymphocyte", (20, 200, 20)), ("blast", (200, 20, 200))):
        (root / label).mkdir(parents=True)
        for number in range(3):
            picture = np.full((72, 72, 3), 230, np.uint8)
            cv2.circle(picture, (30 + 4 * number, 36), 10 + 3 * number, colour, -1)
            name = f"{label}/case1-cell{number}.png"
            cv2.imwrite(str(root / name), picture)
            rows.append([name, "case-1"])
    with (root / "groups.csv").open("w", newline="") as handle:
        csv.writer(handle).writerows(rows)
    return root


def _names(cells):
    return {Path(cell.path).name for cell in cells}


def test_the_case_is_learnt_from_and_judged_on_the_public_set(site, verified, tmp_path):
    options = {"layout": "verified cells", "start": "random", "backbone": "mobilenet_v2"}
    job = recipes.prepare("wbc", verified, QUICK, options, tmp_path / "run")
    recipe = job.recipe
    assert isinstance(recipe, WbcRecipe)
    own = {f"case1-cell{n}.png" for n in range(3)}
    assert own <= _names(recipe._train)
    # Nobody knows a blast here, and three cells do not teach one.
    assert {cell.label for cell in recipe._train} == {"basophil", "eosinophil", "lymphocyte"}
    assert not own & _names(recipe._validation)
    test = locked_sets.read(tmp_path / "run" / locked_sets.FILE)
    assert test.items and not own & _names(test.items)
    assert all(site in cell.path.parents for cell in test.items)
    assert job.facts["validation"] == len(recipe._validation)


def test_from_a_model_that_knows_blasts_they_are_learnt_too(site, verified, tmp_path):
    options = {"layout": "verified cells", "start": "live"}
    job = recipes.prepare("wbc", verified, QUICK, options, tmp_path / "run")
    assert isinstance(job.recipe, WbcRecipe)
    labels = [cell.label for cell in job.recipe._train]
    assert labels.count("blast") == 3
    assert "beside" in locked_sets.read(tmp_path / "run" / locked_sets.FILE).title


def test_without_the_public_set_the_sentence_says_what_is_missing(
    verified, own_var, tmp_path, change_settings
):
    change_settings(data=tmp_path / "nothing")
    with pytest.raises(ValueError, match="blast 3 of 1 patient.*get the public set PBC"):
        recipes.prepare("wbc", verified, QUICK, {"layout": "verified cells"}, tmp_path / "run")
