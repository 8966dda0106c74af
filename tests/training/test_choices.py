"""What a person can choose for a training, and that it does what it says."""

from __future__ import annotations

import io
import zipfile
from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.utils.class_weight import compute_class_weight
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import nn

from core.models.classifier import CellClassifier
from core.statistics.paired import paired_errors
from core.store.runs import Epoch, Run
from core.studies.benchmarks.training import tensors_alive
from core.training.augment import auto_augment
from core.training.loop import wrong_examples
from core.training.loop.find_rate import find_rate, proposed_rate
from core.training.loop.settings import LoopSettings
from core.training.loop.train import train
from core.training.loop.wrong_examples import worst_calls, worst_counts
from core.training.presets import RECIPES, checked_options, recipe_info
from core.training.promote.evidence import OnFields, objections
from core.training.runs.side_by_side import side_by_side
from core.training.runs.steps import Step
from core.training.runs.tensorboard_files import LiveBoard, tensorboard_zip
from core.training.white_cells.recipe import answer_loss, class_weights_of, freeze
from tests.training.loop.killed_runs import Tiny

FEW = LoopSettings(
    epochs=3, batch_size=4, learning_rate=0.01, warmup_steps=2, averaging=0.9, workers=0
)


@pytest.mark.parametrize("recipe", RECIPES)
def test_every_preset_is_allowed(recipe):
    for preset in recipe_info(recipe).presets:
        assert checked_options(recipe, preset.options).items() >= preset.options.items()


@pytest.mark.parametrize(
    ("recipe", "preset", "numbers"),
    [
        ("counts", "published", {"batch_size": 32, "learning_rate": 1e-5, "epochs": 200}),
        ("wbc", "published backbone", {"batch_size": 32, "learning_rate": 1e-4, "epochs": 200}),
        ("wbc", "published classifier", {"optimizer": "adam", "patience": 20}),
    ],
)
def test_the_published_settings(recipe, preset, numbers):
    """The numbers of the papers in scope (issue 3)."""
    chosen = recipe_info(recipe).preset(preset).settings
    assert {name: getattr(chosen, name) for name in numbers} == numbers
    assert chosen.patience == 20


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"frozen": "all"}, "frozen must be one of nothing, half, backbone, got 'all'"),
        ({"augmentation": "x"}, "augmentation must be one of stains, published, autoaugment, none"),
        ({"class_weights": "x"}, "class_weights must be one of none, balanced, got 'x'"),
        ({"backbone": "vgg"}, "backbone must be one of mobilenet_v2, resnet18"),
        ({"colour": "red"}, "wbc has no option 'colour'; it has start"),
        ({"names": {"Things": "thing"}}, "Things: 'thing' is unknown; known are segmented"),
    ],
)
def test_a_choice_that_is_not_offered_is_refused(options, words):
    with pytest.raises(ValueError, match=words):
        checked_options("wbc", options)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"optimizer": "sgd"}, "optimizer must be adamw or adam, got 'sgd'"),
        ({"accumulation": 0}, "accumulation must be from 1 to 256, got 0"),
        ({"accumulation": 2.5}, "accumulation must be a whole number from 1 to 256"),
    ],
)
def test_a_value_out_of_its_range_is_refused(values, words):
    with pytest.raises(ValueError, match=words):
        LoopSettings(**values)


@pytest.mark.parametrize(("how", "learnt"), [("nothing", 1.0), ("half", 0.5), ("backbone", 0.0)])
def test_frozen_weights_have_no_gradient(how, learnt):
    model = CellClassifier(("lymphocyte", "monocyte"), "mobilenet_v2")
    freeze(model, model.last_layer(), how)
    body = [p for n, p in model.named_parameters() if "classifier" not in n]
    assert np.mean([p.requires_grad for p in body]) == pytest.approx(learnt, abs=0.02)
    assert all(p.requires_grad for p in model.last_layer().parameters())


def test_balanced_weights_as_scikit_learn_has_them():
    labels, classes = ["a"] * 7 + ["b"] * 2 + ["c"], ["a", "b", "c"]
    expected = compute_class_weight("balanced", classes=np.array(classes), y=labels)
    weights = class_weights_of("balanced", labels, classes)
    assert weights is not None
    np.testing.assert_allclose(weights.numpy(), expected, rtol=1e-6)
    assert class_weights_of("none", labels, classes) is None


def test_the_weighted_loss_is_torchs():
    generator = torch.Generator().manual_seed(0)
    logits, labels = torch.randn(6, 3, generator=generator), torch.tensor([0, 1, 2, 0, 0, 1])
    weights = torch.tensor([0.2, 1.0, 3.0])
    expected = nn.functional.cross_entropy(logits, labels, weight=weights)
    right = nn.functional.one_hot(labels, 3).float()
    torch.testing.assert_close(answer_loss(logits, right, 0.0, weights), expected)


def test_auto_augment_depends_on_its_generator_and_leaves_torchs_alone():
    pixels = np.random.default_rng(0).integers(0, 255, (64, 64, 3)).astype(np.uint8)
    before = torch.get_rng_state()
    drawn = [auto_augment(np.random.default_rng(seed), pixels) for seed in (1, 1, 2, 3, 4)]
    assert torch.equal(before, torch.get_rng_state())
    assert np.array_equal(drawn[0], drawn[1])
    assert len({one.tobytes() for one in drawn}) > 2


def test_two_small_batches_are_one_large_one(tmp_path):
    """Gradients of two batches of 2 against one of 4, in a network without chance."""

    class Plain(Tiny):
        def build(self):
            return nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(12, 2))

        def validate(self, model):
            return {"score": float(model[2].weight.sum()), "loss": 0.0}

    exact = replace(FEW, bfloat16=False)
    large = train(Plain(), exact, tmp_path / "large")
    small = train(Plain(), replace(exact, batch_size=2, accumulation=2), tmp_path / "small")
    for one, other in zip(large.parameters(), small.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)


def test_no_tensor_outlives_its_epoch(tmp_path):
    """Counted after every epoch; a recipe that keeps its batches is caught."""

    class Leaks(Tiny):
        kept: list[torch.Tensor] = []  # noqa: RUF012

        def loss(self, model, batch):
            self.kept.append(batch["image"])
            return super().loss(model, batch)

    def growth(recipe, name):
        seen: list[int] = []
        settings = replace(FEW, epochs=4, bfloat16=False)
        train(recipe, settings, tmp_path / name, lambda _: seen.append(tensors_alive()))
        return seen[-1] - seen[1]

    assert growth(Tiny(), "sound") == 0
    assert growth(Leaks(), "leaks") >= 10


def test_the_rate_finder_tries_rates_from_low_to_high():
    found = find_rate(Tiny(), replace(FEW, bfloat16=False), steps=24)
    assert list(found.rates) == sorted(found.rates)
    assert len(found.losses) == len(found.rates) > 6
    assert min(found.rates) * 0.9 < found.proposed < max(found.rates) * 1.1


def test_the_rate_proposed_is_the_steepest_place():
    """A curve whose steepest fall is known by construction: a logistic step at 1e-3."""
    rates = np.logspace(-6, 0, 61)
    losses = 1 / (1 + np.exp(6 * (np.log10(rates) + 3))) + np.maximum(0, np.log10(rates) + 1) ** 2
    assert proposed_rate(rates.tolist(), losses.tolist()) == pytest.approx(1e-3, rel=0.3)


def test_where_nothing_is_left_to_learn_the_first_batches_decide_nothing():
    """As measured on the live model: a drop within the first steps, noise, then only a rise."""
    rates = np.logspace(-7, 0, 57)
    losses = 0.3 + 0.02 * np.sin(np.arange(57)) + np.maximum(0, np.log10(rates) + 3) ** 2
    losses[:3] += (0.1, 0.03, 0.01)
    assert 1e-5 < proposed_rate(rates.tolist(), losses.tolist()) <= 1e-4


def test_the_worst_calls_are_the_surest_wrong_ones(tmp_path):
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.4, 0.6], [0.1, 0.9]])
    paths = [tmp_path / f"{n}.png" for n in range(4)]
    worst = worst_calls(paths, np.array([1, 0, 0, 1]), probabilities, ["blast", "monocyte"])
    assert [(w.truth, w.predicted) for w in worst] == [
        ("monocyte", "blast 0.90"),
        ("blast", "monocyte 0.80"),
        ("blast", "monocyte 0.60"),
    ]
    counts = worst_counts(
        paths,
        np.array([[5, 1], [5, 1], [3, 0], [9, 9]]),
        np.array([[5, 1], [2, 1], [3, 1], [9, 9]]),
        ["rbc", "wbc"],
    )
    assert [(w.truth, w.predicted) for w in counts] == [
        ("rbc 5, wbc 1", "rbc 2, wbc 1"),
        ("rbc 3, wbc 0", "rbc 3, wbc 1"),
    ]
    wrong_examples.write(tmp_path, 3, worst)
    assert wrong_examples.read(tmp_path) == (3, worst)
    assert wrong_examples.read(tmp_path / "none") is None


def _run(number, **more):
    now = datetime.now(UTC)
    row: dict[str, Any] = dict.fromkeys(field.name for field in fields(Run))
    row |= {"id": number, "name": f"wbc-{number}", "title": "ours", "recipe": "wbc", "data": "x"}
    row |= {"settings": {**LoopSettings().__dict__, **more}, "options": {}, "state": "done"}
    return Run(**{**row, "created_at": now, "queued_at": now})


def _epochs(*accuracies):
    return [
        Epoch(n, 1.0, {"accuracy": a, "score": a, "loss": 1 - a, "recall_blast": a}, 1e-3, 30.0, 8)
        for n, a in enumerate(accuracies)
    ]


def test_runs_side_by_side_show_what_differs():
    rows = side_by_side([(_run(1), _epochs(0.5, 0.7, 0.6)), (_run(2, seed=7), _epochs(0.4))])
    assert [row["Best epoch"] for row in rows] == [2, 1]
    assert [row["Accuracy on validation cells"] for row in rows] == [0.7, 0.4]
    assert [row["Seed"] for row in rows] == ["0", "7"]
    assert "Learning rate" not in rows[0], "what is the same in both is left out"


def test_tensorboard_reads_what_is_taken_away(tmp_path):
    packed = tensorboard_zip(_run(1), _epochs(0.5, 0.7))
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        archive.extractall(tmp_path)
    events = EventAccumulator(str(tmp_path / "wbc-1"))
    events.Reload()
    assert [(e.step, round(e.value, 4)) for e in events.Scalars("accuracy")] == [(1, 0.5), (2, 0.7)]
    names = {"loss/train", "loss/validation", "learning_rate", "recall/blast"}
    assert names <= set(events.Tags()["scalars"])


def test_tensorboard_reads_a_run_that_goes_on_where_it_was_killed(tmp_path):
    said: list[str] = []
    for batches in (range(1, 4), range(2, 5)):
        with LiveBoard(tmp_path, said.append) as board:
            for batch in batches:
                board.step(Step(1, batch, 4, 1.0 / batch, 1e-3, 0.5, 10.0))
            for row in _epochs(0.5)[: batch // 4]:
                board.epoch(row)
    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    assert [event.step for event in events.Scalars("step/loss")] == [1, 2, 3, 4]
    assert [event.step for event in events.Scalars("accuracy")] == [1]
    assert said == []


def test_a_folder_that_cannot_be_written_costs_tensorboards_files_only(tmp_path):
    said: list[str] = []
    (tmp_path / "tensorboard").write_text("in the way")
    with LiveBoard(tmp_path, said.append) as board:
        for batch in (1, 2):
            board.step(Step(1, batch, 2, 1.0, 1e-3, 0.5, 10.0))
    assert len(said) == 1 and "TensorBoard" in said[0]


def _fields(before, after, white=(0.1, 0.1)):
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 0.1, 60)
    errors = paired_errors(before + noise, after + noise + rng.normal(0, 0.05, 60))
    whites = paired_errors(np.full(60, white[0]), np.full(60, white[1]))
    return OnFields("fields", "0", errors, {"wbc": whites}, 3.0, (0.9, 0.9))


@pytest.mark.parametrize(
    ("own", "original", "words"),
    [
        (_fields(2.0, 1.0), None, []),
        (_fields(2.0, 2.0), None, ["has not shown to count better"]),
        (_fields(2.0, 3.0), None, ["has not shown to count better"]),
        (_fields(2.0, 1.0, (0.1, 0.2)), None, ["its error of white cells"]),
        (_fields(2.0, 1.0), _fields(1.0, 1.02), []),
        (_fields(2.0, 1.0), _fields(1.0, 1.2), ["it forgot what was known"]),
    ],
)
def test_the_rule_for_counts(own, original, words):
    found = objections(own, original)
    assert len(found) == len(words)
    assert all(word in said for word, said in zip(words, found, strict=True))


def test_the_paired_interval_is_that_of_scipy():
    """scipy's own percentile bootstrap of the mean difference, another implementation."""
    from scipy.stats import bootstrap

    rng = np.random.default_rng(1)
    champion = np.abs(rng.normal(2, 1, 80))
    challenger = champion + rng.normal(-0.2, 0.5, 80)
    found = paired_errors(champion, challenger)
    expected = bootstrap(
        (challenger - champion,), np.mean, method="percentile", rng=np.random.default_rng(2)
    ).confidence_interval
    assert found.difference == pytest.approx((challenger - champion).mean())
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=0.02)
    with pytest.raises(ValueError, match="the same items twice"):
        paired_errors(champion, challenger[:3])
