"""The repeated count paper: its error rows by hand, and when the second backbone is trained."""

from pathlib import Path

import numpy as np
import pytest

from core.datasets.intake.fields import CountedField
from core.studies import paper_counts
from core.studies.paper_counts import PAPER, REDUCED, WITH_WBC_SET, Setting, setting_here

FULL = Setting("resnet50", 256, False, PAPER, "as published")
SMALL = Setting("mobilenet_v2", 64, True, REDUCED, "reduced")


def fields(*rows):
    return [CountedField(Path(f"{i}.png"), np.array(row)) for i, row in enumerate(rows)]


def test_the_errors_stand_beside_the_constant_of_the_training_fields():
    tests = fields((10, 1, 0), (14, 1, 2))
    train = fields((11, 1, 1), (12, 1, 0), (20, 3, 1))  # medians 12, 1, 1
    counts = np.array([[9.0, 1, 0], [16, 1, 3]])
    answers = {"with": counts, "without": counts + 1, "locator": counts}
    rows = paper_counts._errors(answers, tests, train)
    assert rows["n"] == 2
    assert rows["with"]["rbc"] == pytest.approx(1.5)
    assert rows["with"]["platelet"] == pytest.approx(0.5)
    assert rows["with"]["mean"] == pytest.approx((1 + 0 + 0 + 2 + 0 + 1) / 6)
    assert rows["with"]["mean_low"] <= rows["with"]["mean"] <= rows["with"]["mean_high"]
    assert rows["without"]["rbc"] == pytest.approx((0 + 3) / 2)
    assert paper_counts.WITH_WBC_SET not in rows
    assert rows["constant"]["rbc"] == pytest.approx(2)
    assert rows["constant"]["wbc"] == 0
    assert rows["constant"]["platelet"] == pytest.approx(1)


def test_the_second_set_of_cells_is_learnt_from_only_where_it_can_be(tmp_path):
    lines: list[str] = []
    assert paper_counts._second_backbone(SMALL, tmp_path, lines.append) == ()
    assert "with CUDA only" in lines[-1]
    assert paper_counts._second_backbone(FULL, tmp_path, lines.append) == ()
    assert "trained on PBC only" in lines[-1] and "bodzas" in lines[-1]
    (tmp_path / "bodzas").mkdir()
    assert paper_counts._second_backbone(FULL, tmp_path, lines.append) == (WITH_WBC_SET,)
    assert len(lines) == 2


def test_a_machine_without_cuda_says_what_is_reduced(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    how = setting_here()
    assert how.reduced
    assert "REDUCED" in how.words and how.backbone in how.words


def test_with_cuda_the_setting_is_the_papers(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    how = setting_here()
    assert (how.backbone, how.hidden, how.reduced) == ("resnet50", 256, False)
    assert how.loop == PAPER
