"""The count learnt from a laboratory's own pictures and a table of counts, without any box."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.datasets.intake.copies import Locked
from core.datasets.intake.fields import read_counted_fields
from core.datasets.near_duplicates import hash_files
from core.datasets.skipped import DataRefused
from core.imaging.synthetic import draw
from core.models import registry
from core.settings import Settings
from core.store.database import Database
from core.store.runs import Epoch, RunBook
from core.training import recipes
from core.training.loop.settings import LoopSettings
from core.training.loop.train import train
from core.training.promote import locked_sets
from tests.fixtures.paths import ROOT

QUICK = LoopSettings(
    epochs=1, batch_size=4, learning_rate=3e-3, warmup_steps=0, averaging=0.0, workers=0
)


@pytest.fixture(scope="module")
def counted(tmp_path_factory):
    """Fourteen drawn fields and the counts a person would write into a table."""
    root = tmp_path_factory.mktemp("our fields")
    with (root / "counts.csv").open("w", newline="") as handle:
        table = csv.writer(handle)
        table.writerow(["Image", "RBC", "WBC", "PLT", "Slide"])
        for number in range(14):
            red, white = 5 + 2 * (number % 5), number % 2
            drawn = draw(
                300 + number,
                width=320,
                height=240,
                rbc=red,
                wbc=["lymphocyte"] * white,
                platelets=2,
                rbc_diameter_px=45,
            )
            Image.fromarray(drawn.field.pixels).save(root / f"{number}.png")
            kinds = [cell.kind for cell in drawn.cells]
            numbers = [kinds.count("rbc"), kinds.count("wbc"), kinds.count("platelet")]
            table.writerow([f"{number}.png", *numbers, f"slide {number}"])
    return root


def truth(root):
    with (root / "counts.csv").open() as handle:
        rows = list(csv.reader(handle))[1:]
    return {name: [int(n) for n in numbers] for name, *numbers, _slide in rows}


@pytest.mark.parametrize("network", ["map", "published"])
def test_both_networks_learn_from_counts_alone(counted, tmp_path, network):
    options = {"layout": "counts", "network": network, "start": "random"}
    job = recipes.prepare("counts", counted, QUICK, options, tmp_path)
    split = read_counted_fields(counted, Settings())
    numbers = truth(counted)
    learnt, judged = ([numbers[f.path.name] for f in split.part(n)] for n in (0, 1))
    assert (job.facts["training"], job.facts["validation"]) == (len(learnt), len(judged))
    # The naive answer by hand: the medians of what is learnt from.
    naive = np.abs(np.median(learnt, axis=0) - np.array(judged)).mean(axis=0).sum()
    assert job.facts["baseline"] == pytest.approx(naive)
    assert job.facts["kinds"]["rbc"] == np.sum(learnt, axis=0)[0]
    stored = locked_sets.read_fields(tmp_path / locked_sets.FILE)
    assert {f.path.name: f.counts().tolist() for f in stored.items} == {
        f.path.name: numbers[f.path.name] for f in split.part(2)
    }
    rows: list[Epoch] = []
    train(job.recipe, QUICK, tmp_path, rows.append)
    assert set(rows[0].metrics) >= {"mae_sum", "mae_rbc", "mae_wbc", "mae_platelet", "loss"}
    errors = [rows[0].metrics[f"mae_{kind}"] for kind in ("rbc", "wbc", "platelet")]
    assert rows[0].metrics["mae_sum"] == pytest.approx(sum(errors), rel=1e-4)


def test_the_live_locator_gives_the_scale_and_stays_the_same(counted, tmp_path):
    options = {"layout": "counts", "start": "random"}
    recipes.prepare("counts", counted, QUICK, options, tmp_path)
    copy = tmp_path / "start" / "locator.safetensors"
    assert copy.read_bytes() == registry.live("locator").path.read_bytes()


def test_a_table_that_cannot_be_learnt_from_is_refused(counted, tmp_path):
    few = tmp_path / "few"
    few.mkdir()
    (few / "counts.csv").write_text("file,rbc,wbc,platelet\n0.png,5,0,many\n1.png,7,1,2\n")
    for number in range(2):
        (few / f"{number}.png").write_bytes((counted / f"{number}.png").read_bytes())
    with pytest.raises(DataRefused, match="1 separate fields, at least 10 are needed"):
        recipes.prepare("counts", few, QUICK, {"layout": "counts"}, tmp_path)


def test_copies_of_locked_fields_are_left_out(counted, tmp_path):
    with Image.open(counted / "3.png") as picture:
        picture.resize((300, 225)).save(tmp_path / "copy.jpg", quality=90)
    locked = Locked("locked fields", hash_files([tmp_path / "copy.jpg"]))
    found = read_counted_fields(counted, Settings(), locked=locked)
    assert [s.file for s in found.skipped] == ["3.png"]
    assert "3.png" not in {item.path.name for item in found.items}
    assert "1 of the pictures is left out" in found.notes[0]
    assert "locked fields" in found.notes[0]


def test_the_command_trains_it_and_a_model_comes_out(counted, tmp_path):
    command = [sys.executable, "-m", "core", "train", "regression", "--data", str(counted)]
    numbers = ["--epochs", "1", "--batch-size", "4", "--workers", "0"]
    choices = ["--option", "layout=counts", "--start", "random"]
    ran = subprocess.run(
        [*command, *numbers, *choices],
        cwd=ROOT,
        env={**os.environ, "HEMADESK_VAR": str(tmp_path), "HEMADESK_DATA": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    run = RunBook(Database(f"sqlite:///{tmp_path / 'hemadesk.db'}")).all()[0]
    assert run.state == "done" and run.model_path
    card = json.loads(Path(run.model_path).with_suffix(".json").read_text())
    assert card["data"]["set"] == f"{counted.name}, the laboratory's own counts"
    assert set(card["validation"]["mean_absolute_error"]) == {"rbc", "wbc", "platelet"}
