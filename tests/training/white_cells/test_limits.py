import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from core.datasets.intake.cells import DataRefused
from core.datasets.public.pbc import LabelledCell
from core.inference.white_cell.hierarchy import classes_above
from core.taxonomy import CRITICAL_CLASSES
from core.training.white_cells.adaptation.laboratory_cells import draw_cells, list_cells
from core.training.white_cells.adaptation.last_layer import (
    AdaptRefused,
    allowed_classes,
    fit_last_layer,
)
from core.training.white_cells.attributes import fit_attributes
from core.training.white_cells.fit_uncertainty import red_cell_fields
from core.training.white_cells.limits import (
    FOREIGN_LIMIT,
    fit_calibration,
    fit_critical,
    label_shift,
    likely_elsewhere,
)
from core.training.white_cells.novelty_head import (
    fit_familiarity,
    fit_not_a_cell,
    things_that_are_no_cells,
)

CLASSES = ["segmented_neutrophil", "band_neutrophil", "immature_granulocyte"]


def answers(n, right, seed):
    """Logits whose true class wins by ``right`` on average, and the true classes."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 3, n)
    logits = rng.normal(0, 1, (n, 3)).astype(np.float32)
    logits[np.arange(n), truth] += right
    return logits, [CLASSES[i] for i in truth]


def softmax(logits, temperature):
    odds = np.exp(logits / temperature - (logits / temperature).max(axis=1, keepdims=True))
    return odds / odds.sum(axis=1, keepdims=True)


def test_sets_cover_what_they_promise_in_each_group():
    limits = fit_calibration(CLASSES, answers(4000, 5, 0), answers(3000, 2, 1), 1.0)
    for name, fresh in (("familiar", answers(4000, 5, 2)), ("unfamiliar", answers(4000, 2, 3))):
        one = limits[name]
        said = softmax(fresh[0], one.temperature)
        rows = list(zip(said, fresh[1], strict=True))
        held = [CLASSES.index(t) in classes_above(row, one.set_limit) for row, t in rows]
        wide = [CLASSES.index(t) in classes_above(row, one.wide_limit) for row, t in rows]
        # Accuracy is 99.9 and 86 %; 88 to 92 % is what 90 % nominal coverage must give.
        assert 0.88 <= np.mean(held) <= 0.92
        assert 0.97 <= np.mean(wide) <= 0.99


def test_too_few_unfamiliar_cells_get_the_familiar_limits():
    limits = fit_calibration(CLASSES, answers(500, 4, 0), answers(20, 2, 1), 1.0)
    assert limits["unfamiliar"] == limits["familiar"]


def test_unfamiliar_cells_abstain_by_their_parent_class():
    limits = fit_calibration(CLASSES, answers(500, 4, 0), answers(200, 2, 1), 1.0)
    assert not limits["familiar"].abstain_by_parent
    abroad = limits["unfamiliar"]
    assert abroad.abstain_by_parent and abroad.abstain_below == FOREIGN_LIMIT


def test_the_novelty_head_is_shown_fields_of_laboratories_learnt_from_only(tmp_path):
    cbc, deepbionet = tmp_path / "cbc/Training/Images", tmp_path / "wbc_other_lab/monocyte"
    for folder in (cbc, deepbionet, tmp_path / "txl/images/train"):
        folder.mkdir(parents=True)
        Image.new("RGB", (640, 480), (200, 120, 160)).save(folder / "a.png")
    assert red_cell_fields(tmp_path, ("cbc", "txl", "munich")) == [cbc]
    # CBC is left out. TXL-PBC has copies of its fields, so it cannot stand for it.
    assert red_cell_fields(tmp_path, ("txl", "deepbionet", "munich")) == [deepbionet]
    assert red_cell_fields(tmp_path, ("txl", "munich")) == red_cell_fields(tmp_path, ()) == []
    rng = np.random.default_rng(0)
    without = len(things_that_are_no_cells(rng, tmp_path, 3))
    assert len(things_that_are_no_cells(rng, tmp_path, 3, [cbc])) == without + 3


def test_the_critical_rule_states_its_price():
    logits, truth = answers(3000, 2.5, 5)
    rule = fit_critical(CLASSES, logits, truth, 1.0)
    critical = np.array([label in CRITICAL_CLASSES for label in truth])
    said = softmax(logits, 1.0)
    flagged = (said[:, 2] >= rule.limit) | (said.argmax(axis=1) == 2)
    assert rule.sensitivity == pytest.approx(flagged[critical].mean())
    assert rule.sensitivity is not None and rule.sensitivity >= 0.99
    assert rule.false_flag_rate == pytest.approx(flagged[~critical].mean())
    assert (rule.critical_cells, rule.other_cells) == (critical.sum(), (~critical).sum())
    # By class alone fewer would be found: the rule earns its false flags.
    assert (said.argmax(axis=1) == 2)[critical].mean() < rule.sensitivity


def test_elsewhere_the_five_kinds_of_a_count_are_alike_and_the_rest_is_rare():
    shift = label_shift(["band_neutrophil", "eosinophil", "immature_granulocyte", "blast"])
    assert shift.tolist() == [-1, 0, -2, -2]
    labels = ["segmented_neutrophil"] * 30 + ["band_neutrophil"] * 10
    labels += ["basophil"] * 5 + ["erythroblast"] * 55
    chance = likely_elsewhere(labels)
    neutrophils, basophils, erythroblasts = (
        chance[:40].sum(),
        chance[40:45].sum(),
        chance[45:].sum(),
    )
    assert neutrophils == pytest.approx(basophils)
    assert erythroblasts / basophils == pytest.approx(np.exp(-2))
    assert chance.sum() == pytest.approx(1)


def test_no_cells_are_told_from_cells():
    rng = np.random.default_rng(0)
    cells, others = rng.normal(0, 1, (400, 8)), rng.normal(3, 1, (200, 8))
    fresh = rng.normal(0, 1, (300, 8)).astype(np.float32)
    head = fit_not_a_cell(cells.astype(np.float32), others.astype(np.float32), [fresh])
    strange = rng.normal(3, 1, (300, 8)).astype(np.float32)

    def said(rows):
        return 1 / (1 + np.exp(-(rows @ head.weight + head.bias)))

    assert (said(fresh) > head.limit).mean() <= 0.01
    assert (said(strange) > head.limit).mean() > 0.95


def test_familiar_is_the_laboratory():
    rng = np.random.default_rng(1)
    rows = np.concatenate([rng.normal(0, 1, (300, 4)), rng.normal(8, 1, (300, 4))])
    near = fit_familiarity(rows, ["a"] * 300 + ["b"] * 300, rows[::3].astype(np.float32))
    assert (near.distance(rows.astype(np.float32)) <= near.limit).mean() == pytest.approx(
        0.95, abs=0.02
    )
    assert (near.distance(rng.normal(4, 0.1, (20, 4)).astype(np.float32)) > near.limit).all()


def test_attribute_heads_learn_what_is_linear():
    rng = np.random.default_rng(0)
    rows = rng.normal(0, 1, (600, 12)).astype(np.float32)
    truth = [
        tuple(
            ["abc"[int(row[0] > 0.4) + int(row[0] > -0.4)]]
            + ["yes" if row[k] > 0 else "no" for k in range(1, 11)]
        )
        for row in rows
    ]
    heads = fit_attributes((rows[:500], truth[:500]), (rows[500:], truth[500:]))
    assert heads.weight.shape == (3 + 10 * 2, 12)
    scores = rows[500:] @ heads.weight.T + heads.bias
    said = [heads.values["cell_shape"][i] for i in scores[:, 3:5].argmax(axis=1)]
    assert np.mean([s == row[1] for s, row in zip(said, truth[500:], strict=True)]) > 0.9
    assert heads.validation["cell_shape"]["accuracy"] > 0.9


def test_the_last_layer_learns_the_new_and_keeps_the_old():
    rng = np.random.default_rng(0)
    layer = nn.Linear(4, 3)
    with torch.no_grad():
        layer.weight.copy_(torch.eye(3, 4) * 4)
        layer.bias.zero_()
    old_labels = torch.arange(3).repeat(50)
    old = torch.eye(4)[:3].repeat(50, 1) + torch.tensor(rng.normal(0, 0.05, (150, 4))).float()
    # In the new laboratory the first class shows in the fourth feature.
    new = torch.tensor([[0.0, 0.6, 0, 1]] * 5 + [[0, 0, 1.0, 0]] * 5)
    allowed = allowed_classes(["neutrophil"] * 5 + ["immature_granulocyte"] * 5, CLASSES)
    assert allowed[0].tolist() == [True, True, False]
    weight, bias = fit_last_layer(layer, (old, old_labels), (new, allowed), 1.0, 0.001)
    assert ((old @ weight.T + bias).argmax(1) == old_labels).float().mean() == 1
    assert set((new @ weight.T + bias).argmax(1).tolist()[:5]) <= {0, 1}
    held, _ = fit_last_layer(layer, (old, old_labels), (new, allowed), 1.0, 1000.0)
    assert float((held - layer.weight).norm()) < 0.05 < float((weight - layer.weight).norm())


def test_a_class_the_network_lacks_cannot_be_adapted_to():
    with pytest.raises(AdaptRefused, match="does not know smudge"):
        allowed_classes(["smudge"], CLASSES)


def test_drawing_takes_at_most_so_many_of_a_class(tmp_path):
    cells = [
        LabelledCell(tmp_path / f"{i}", "monocyte" if i < 30 else "basophil") for i in range(33)
    ]
    learnt, rest = draw_cells(cells, 10, seed=4)
    assert [sum(c.label == name for c in learnt) for name in ("monocyte", "basophil")] == [10, 3]
    assert not set(learnt) & set(rest) and len(learnt) + len(rest) == 33
    assert draw_cells(cells, 10, seed=4)[0] == learnt != draw_cells(cells, 10, seed=5)[0]


def test_class_folders_of_a_laboratory(tmp_path):
    for name in ("SNE", "neutrophil", "Lymphocytes", "dirt"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.png").write_bytes(b"")
    found = list_cells(tmp_path)
    assert found.counts() == {"lymphocyte": 1, "segmented_neutrophil": 1, "neutrophil": 1}
    assert [one.reason for one in found.skipped] == ["unknown class: dirt"]
    with pytest.raises(DataRefused, match="class folders"):
        list_cells(tmp_path / "dirt")
