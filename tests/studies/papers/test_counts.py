"""The repeated count paper: its error rows by hand, and which trainings it has."""

from pathlib import Path

import numpy as np
import pytest

from core.datasets.intake.fields import CountedField
from core.studies.papers import counts
from core.studies.papers.counts_result import FOUND_RATE, WITH_OTHERS, WITH_WBC_SET
from core.studies.papers.counts_setting import (
    PAPER,
    setting_for,
    trainings,
)


def fields(*rows):
    return [CountedField(Path(f"{i}.png"), np.array(row)) for i, row in enumerate(rows)]


def test_the_errors_stand_beside_the_constant_of_the_training_fields():
    tests = fields((10, 1, 0), (14, 1, 2))
    train = fields((11, 1, 1), (12, 1, 0), (20, 3, 1))  # medians 12, 1, 1
    counted = np.array([[9.0, 1, 0], [16, 1, 3]])
    answers = {"with": counted, "without": counted + 1, "locator": counted}
    rows = counts._errors(answers, tests, train)
    assert rows["n"] == 2
    assert rows["with"]["rbc"] == pytest.approx(1.5)
    assert rows["with"]["platelet"] == pytest.approx(0.5)
    assert rows["with"]["mean"] == pytest.approx((1 + 0 + 0 + 2 + 0 + 1) / 6)
    assert rows["with"]["mean_low"] <= rows["with"]["mean"] <= rows["with"]["mean_high"]
    assert rows["without"]["rbc"] == pytest.approx((0 + 3) / 2)
    assert WITH_WBC_SET not in rows
    assert rows["constant"]["rbc"] == pytest.approx(2)
    assert rows["constant"]["wbc"] == 0
    assert rows["constant"]["platelet"] == pytest.approx(1)


def keys(found):
    return [one.key for one in found]


def test_the_papers_second_set_of_cells_is_learnt_from_where_it_is(tmp_path):
    full = setting_for(full=True)
    there = trainings(full, tmp_path, random_start=False)
    assert keys(there) == ["without", "with", WITH_OTHERS]
    (tmp_path / "bodzas").mkdir()
    assert keys(trainings(full, tmp_path, random_start=False))[-1] == WITH_WBC_SET
    assert keys(trainings(setting_for(), tmp_path, random_start=True)) == ["without", "with"]


def test_from_random_weights_each_training_is_repeated_at_the_found_rate(tmp_path):
    found = trainings(setting_for(full=True), tmp_path, random_start=True)
    assert sorted(keys(found)) == sorted(
        key + end for key in ("without", "with", WITH_OTHERS) for end in ("", FOUND_RATE)
    )
    assert {one.key for one in found if one.found_rate} == {
        key for key in keys(found) if key.endswith(FOUND_RATE)
    }


def test_a_machine_without_cuda_says_what_is_reduced(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    setting = setting_for()
    assert setting.reduced
    assert "REDUCED" in setting.words and setting.backbone in setting.words


@pytest.mark.parametrize("cuda", [True, False])
def test_in_full_the_setting_is_the_papers(monkeypatch, cuda):
    monkeypatch.setattr("torch.cuda.is_available", lambda: cuda)
    setting = setting_for(full=not cuda)
    assert (setting.backbone, setting.hidden, setting.reduced) == ("resnet50", 256, False)
    assert setting.loop == PAPER
    assert (setting.backbone_px == 224) is cuda


def test_the_largest_number_of_epochs_is_that_of_every_training():
    setting = setting_for(full=True, epochs=2)
    assert (setting.loop.epochs, setting.backbone_loop.epochs) == (2, 2)
    assert "ended after 2 epochs" in setting.words
