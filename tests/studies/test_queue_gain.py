"""What the learning queue saves: the simulation on pools whose every answer can be worked out."""

import numpy as np
import pytest
import torch

from core.datasets.public import pbc
from core.models import efficientnet_lite
from core.models.efficientnet_lite import EfficientNetLite2
from core.review.learning.queue import LOOKED_AT_EACH
from core.studies import queue_gain, second_look_gain
from core.studies.queue_gain import (
    LABELS,
    START,
    STEP,
    Cells,
    Curve,
    Examples,
    by_chance,
    by_queue,
    by_uncertainty,
    draw,
    examples,
    mixture_of,
    simulate,
)
from tests.fixtures.cells import draw_cells


def test_labels_needed_are_those_of_the_first_step_that_reached_the_goal():
    curve = Curve("x", (20, 40, 60), np.array([[0.2, 0.5, 0.7], [0.6, 0.4, 0.9], [0.1, 0.2, 0.3]]))
    assert curve.needed(0.5) == [40.0, 20.0, float("inf")]
    assert curve.needed(0.7) == [60.0, 60.0, float("inf")]


@pytest.fixture(scope="module")
def separable():
    """Three classes, each cell the unit vector of its class: one label teaches all of a class."""
    numbers = np.repeat([0, 1, 2], [180, 60, 20])
    tests = np.repeat([0, 1, 2], 5)
    one_hot = np.eye(3, dtype=np.float32)
    return Examples(one_hot[numbers], numbers, one_hot[tests], tests, ("a", "b", "c"))


def only(number):
    """A chooser that takes cells of one class as long as there are any."""

    def choose(probabilities, features, counts, wanted, rng):
        of_class = np.flatnonzero(features[:, number] == 1)
        others = np.flatnonzero(features[:, number] != 1)
        return [int(i) for i in np.concatenate([of_class, others])[:wanted]]

    return choose


def test_recall_is_the_share_of_classes_that_were_labelled(separable):
    """A class without a label is never answered, and every other one always."""
    common = simulate(separable, only(0), "common", repeats=4)
    assert common.labels == tuple(range(START, LABELS + 1, STEP)) and common.recall.shape == (4, 12)
    for repeat, row in enumerate(common.recall):
        begin = np.random.default_rng(repeat).choice(260, START, replace=False)
        seen = len(set(separable.pool_labels[begin]))
        assert row[0] == pytest.approx(seen / 3)
        assert (np.diff(row) >= 0).all()
        # 180 cells of class a: no other class is looked at before they are used up.
        assert row[: 160 // STEP] == pytest.approx(seen / 3)


def test_a_chooser_that_brings_the_missing_class_reaches_full_recall_at_the_next_step(separable):
    without = [
        seed
        for seed in range(40)
        if not (np.random.default_rng(seed).choice(260, START, replace=False) >= 240).any()
    ]
    assert without, "of twenty cells drawn from 260 some draws miss the twenty of class c"
    curve = simulate(separable, only(2), "rare", repeats=without[0] + 1)
    assert curve.recall[without[0], 0] < 1.0
    assert curve.recall[without[0], 1] > curve.recall[without[0], 0]


def test_the_gain_is_paired_by_repeat():
    one = Curve("x", (20, 40), np.array([[0.5, 0.7], [0.4, 0.8], [0.1, 0.3]]))
    other = Curve("y", (20, 40), np.array([[0.4, 0.6], [0.2, 0.6], [0.0, 0.4]]))
    mean, interval = one.gain_over(other)
    # Gains 0.1, 0.2 and 0: mean 0.1, deviation 0.1; Student's t of two degrees is 4.3027.
    assert mean == pytest.approx(0.1)
    reach = 4.302653 * 0.1 / np.sqrt(3)
    assert (interval.low, interval.high) == pytest.approx((0.1 - reach, 0.1 + reach), abs=1e-6)


def test_a_shortlist_hides_what_the_first_model_did_not_point_at(separable):
    seen: list[int] = []

    def ask(probabilities, features, counts, wanted, rng):
        seen.append(len(features))
        return list(range(wanted))

    simulate(separable, ask, "all", repeats=1)
    assert seen[0] == len(separable.pool) - START
    seen.clear()
    simulate(separable, ask, "few", repeats=1, shortlisted=True)
    assert seen[0] == max(seen) == LOOKED_AT_EACH * STEP


def test_a_second_look_finds_labels_that_stand_alone():
    """Two classes far apart: a wrong label has right neighbours only; nothing else is listed."""
    labels = ("lymphocyte",) * 60 + ("platelet",) * 60
    features = np.repeat(np.eye(2, dtype=np.float32), 60, axis=0)
    features += np.random.default_rng(0).normal(scale=0.01, size=features.shape)
    found = second_look_gain.second_look(
        Cells(features.astype(np.float32), labels, np.zeros(120, bool)), "any class", 0.05, 4
    )
    assert (found.listed, found.wrong_listed, found.found) == (24, 24, 1.0)
    # Labels that say nothing of the features: hardly any is listed rightly.
    blind = np.random.default_rng(1).normal(size=(120, 8)).astype(np.float32)
    none = second_look_gain.second_look(
        Cells(blind, labels, np.zeros(120, bool)), "look-alike", 0.05, 4
    )
    assert none.found < 0.5


def test_each_order_takes_what_it_is_called_after():
    probabilities = np.array(
        [[0.98, 0.01, 0.01], [0.34, 0.33, 0.33], [0.5, 0.49, 0.01], [0.9, 0.05, 0.05]], np.float32
    )
    features = np.eye(4, 8, dtype=np.float32)
    rng = np.random.default_rng(0)
    assert by_uncertainty(probabilities, features, [5, 5, 5], 2, rng)[0] == 1
    assert sorted(by_chance(probabilities, features, [5, 5, 5], 4, rng)) == [0, 1, 2, 3]
    # Equally unsure of both, the queue asks for the cell whose class has fewer examples.
    pair = np.array([[0.8, 0.2, 0.0], [0.0, 0.2, 0.8]], np.float32)
    assert by_queue(pair, np.eye(2, 8, dtype=np.float32), [50, 50, 1], 1, rng) == [1]
    # Of two alike it takes one.
    alike = np.array([[1, 0], [1, 0], [0, 1]], np.float32)
    unsure = np.array([[0.4, 0.3, 0.3], [0.4, 0.3, 0.3], [0.5, 0.3, 0.2]], np.float32)
    assert set(by_queue(unsure, alike, [5, 5, 5], 2, rng)) & {2}


def test_a_pool_has_the_mixture_asked_for_and_the_test_all_there_is():
    labels = ("a",) * 60 + ("b",) * 60
    test = np.arange(120) % 3 == 0
    cells = Cells(np.random.default_rng(0).normal(size=(120, 160)).astype(np.float32), labels, test)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(queue_gain, "DIMENSIONS", 8)  # forty cells cannot fill 128
        found = examples(cells, {"a": 0.8, "b": 0.2})
    # 40 of a are there, which is 0.8 of 50; so 10 of b.
    assert np.bincount(found.pool_labels).tolist() == [40, 10]
    assert np.bincount(found.test_labels).tolist() == [20, 20]
    assert found.pool.shape == (50, 8)
    assert np.linalg.norm(found.pool, axis=1) == pytest.approx(1.0, abs=1e-5)


@pytest.fixture
def imagenet_weights(tmp_path):
    """A network where torch would have downloaded it to; what it has learnt does not matter."""
    before = torch.hub.get_dir()
    torch.hub.set_dir(str(tmp_path))
    (tmp_path / "checkpoints").mkdir()
    torch.manual_seed(0)
    torch.save(EfficientNetLite2().state_dict(), tmp_path / "checkpoints" / efficientnet_lite.FILE)
    yield
    torch.hub.set_dir(before)


@pytest.mark.usefixtures("imagenet_weights")
def test_cells_are_drawn_from_pbc_and_copies_stay_on_one_side(tmp_path):
    root = tmp_path / "sets"
    draw_cells(root / "pbc", per_class=6)
    for number in range(3):  # copies of lymphocytes under other names
        file = root / "pbc" / "lymphocyte" / f"CELL_{number}.jpg"
        file.with_name(f"COPY_{number}.jpg").write_bytes(file.read_bytes())
    drawn = draw(root)
    assert drawn.features.shape[0] == len(drawn.labels) == 21
    assert mixture_of(drawn, root) == pytest.approx(
        {"basophil": 6 / 21, "eosinophil": 6 / 21, "lymphocyte": 9 / 21}
    )
    lymphocytes = [c.path.stem for c in pbc.load(root / "pbc") if c.label == "lymphocyte"]
    sides = dict(zip(lymphocytes, drawn.test[-len(lymphocytes) :], strict=True))
    for number in range(3):
        assert sides[f"COPY_{number}"] == sides[f"CELL_{number}"]
