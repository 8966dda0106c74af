"""Measure on PBC how many labels the learning queue saves compared with random order.

The features come from an ImageNet network that never saw a blood cell, so that they contain nothing
of PBC's labels; a logistic regression on them stands for the model that is trained.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
import torch
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from torch import Tensor

from core.datasets import near_duplicates
from core.datasets.fields import read_rgb
from core.datasets.public import pbc
from core.datasets.splits import grouped_split
from core.models.efficientnet_lite import EfficientNetLite2, imagenet_weights
from core.review.learning.cell_features import Array, unit_length
from core.review.learning.queue import LOOKED_AT_EACH, order, rarity, shortlist, uncertainty
from core.statistics.intervals import Interval, mean_interval

DRAWN: Final = 700
START: Final = 20
STEP: Final = 20
LABELS: Final = 240
DIMENSIONS: Final = 128
_SIDE_PX: Final = 128
_NOVEL_BELOW: Final = 0.5
_MEAN = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
_SPREAD = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)

BLOOD: Final[Mapping[str, float]] = {
    "segmented_neutrophil": 0.52,
    "lymphocyte": 0.28,
    "monocyte": 0.07,
    "band_neutrophil": 0.04,
    "eosinophil": 0.03,
    "platelet": 0.02,
    "immature_granulocyte": 0.015,
    "basophil": 0.015,
    "erythroblast": 0.01,
}
"""Class frequencies as in blood; PBC has about as many cells of each class."""

Chooser = Callable[[Array, Array, Sequence[int], int, np.random.Generator], list[int]]


@dataclass(frozen=True)
class Curve:
    """Mean recall over the classes at each number of labels, ``(repeats, len(labels))``."""

    name: str
    labels: tuple[int, ...]
    recall: npt.NDArray[np.float64]

    def needed(self, target: float) -> list[float]:
        """Labels that each repeat needed to reach ``target``; infinite if it never did."""
        return [
            float(self.labels[int(hit.argmax())]) if hit.any() else float("inf")
            for hit in self.recall >= target
        ]

    def gain_over(self, baseline: "Curve") -> tuple[float, Interval]:
        """Mean recall over all steps minus the baseline's, paired by repeat, with 95 % interval.

        The repeats share one pool and one set of test cells and differ in the cells they begin
        with, so the interval says nothing of other pools.
        """
        differences = (self.recall - baseline.recall).mean(axis=1)
        return float(differences.mean()), mean_interval(differences)


@dataclass(frozen=True)
class Examples:
    """Features ``(N, DIMENSIONS)`` and class numbers of a pool and of test cells."""

    pool: Array
    pool_labels: npt.NDArray[np.int64]
    test: Array
    test_labels: npt.NDArray[np.int64]
    classes: tuple[str, ...]


@dataclass(frozen=True)
class Cells:
    """Features and labels of cells drawn from PBC; ``test`` says which are held out."""

    features: Array
    labels: tuple[str, ...]
    test: npt.NDArray[np.bool_]


def draw(data: Path, seed: int = 0) -> Cells:
    """Draw enough cells for both mixtures; three tenths are held out, by near-duplicate group.

    Raises:
        FileNotFoundError: without PBC or the ImageNet weights.
    """
    cells = [c for c in pbc.load(data / "pbc") if c.label is not None and not c.odd_background]
    rng = np.random.default_rng(seed)
    found = Counter(str(cell.label) for cell in cells)
    drawn: list[pbc.LabelledCell] = []
    for label, number in sorted(found.items()):
        of_class = [cell for cell in cells if cell.label == label]
        wanted = round(DRAWN * max(number / len(cells), BLOOD[label]))
        chosen = rng.choice(number, min(wanted, number), replace=False)
        drawn += [of_class[i] for i in sorted(chosen)]
    files = [cell.path for cell in drawn]
    groups = near_duplicates.groups(near_duplicates.hash_files(files)).tolist()
    labels = [str(cell.label) for cell in drawn]
    _, held_out = grouped_split(groups, labels, (0.7, 0.3), seed)
    return Cells(_features(files), tuple(labels), np.isin(np.arange(len(drawn)), held_out))


def examples(cells: Cells, mixture: Mapping[str, float], seed: int = 0) -> Examples:
    """A pool in these class frequencies, and all test cells of its classes."""
    rng = np.random.default_rng(seed)
    classes = tuple(sorted(mixture))
    numbers = np.array([classes.index(label) for label in cells.labels], np.int64)
    pool = _mixed(numbers, np.flatnonzero(~cells.test), classes, mixture, rng)
    # All test cells whatever the mixture: recall is measured for each class.
    test = np.flatnonzero(cells.test)
    squeeze = PCA(DIMENSIONS, random_state=seed).fit(cells.features[pool])
    small = unit_length(squeeze.transform(cells.features))
    return Examples(small[pool], numbers[pool], small[test], numbers[test], classes)


def mixture_of(cells: Cells, data: Path) -> dict[str, float]:
    """Share of each class in PBC."""
    found = Counter(
        c.label for c in pbc.load(data / "pbc") if c.label is not None and not c.odd_background
    )
    return {label: found[label] / found.total() for label in sorted(set(cells.labels))}


def _mixed(
    numbers: npt.NDArray[np.int64],
    among: npt.NDArray[np.int64],
    classes: Sequence[str],
    mixture: Mapping[str, float],
    rng: np.random.Generator,
) -> npt.NDArray[np.int64]:
    members = [among[numbers[among] == n] for n in range(len(classes))]
    # The pool is as large as the scarcest class allows.
    total = min(len(m) / mixture[name] for m, name in zip(members, classes, strict=True))
    parts = [
        rng.choice(m, max(1, int(total * mixture[name])), replace=False)
        for m, name in zip(members, classes, strict=True)
    ]
    return np.sort(np.concatenate(parts))


@torch.no_grad()
def _features(files: Sequence[Path]) -> Array:
    network = EfficientNetLite2()
    network.load_state_dict(imagenet_weights())
    network.eval()
    captured: list[Tensor] = []
    network._fc.register_forward_pre_hook(lambda _, given: captured.append(given[0]))
    for start in range(0, len(files), 32):
        pictures = [_middle(file) for file in files[start : start + 32]]
        network((torch.stack(pictures) - _MEAN) / _SPREAD)
    return torch.cat(captured).numpy()


def _middle(file: Path) -> Tensor:
    pixels = read_rgb(file)
    side = round(min(pixels.shape[:2]) * pbc.CELL_SHARE)
    top, left = (pixels.shape[0] - side) // 2, (pixels.shape[1] - side) // 2
    cut = cv2.resize(pixels[top : top + side, left : left + side], (_SIDE_PX, _SIDE_PX))
    return torch.from_numpy(np.ascontiguousarray(cut.transpose(2, 0, 1))).float() / 255


def by_chance(
    probabilities: Array,
    features: Array,
    counts: Sequence[int],
    number: int,
    rng: np.random.Generator,
) -> list[int]:
    """Cells in random order, the baseline."""
    return [int(i) for i in rng.choice(len(features), number, replace=False)]


def by_uncertainty(
    probabilities: Array,
    features: Array,
    counts: Sequence[int],
    number: int,
    rng: np.random.Generator,
) -> list[int]:
    """The least certain cells."""
    return [int(i) for i in np.argsort(-uncertainty(probabilities), kind="stable")[:number]]


def by_queue(
    probabilities: Array,
    features: Array,
    counts: Sequence[int],
    number: int,
    rng: np.random.Generator,
) -> list[int]:
    """The queue's ranking, as :func:`core.review.learning.queue.next_cells`.

    A top probability below 0.5 stands for "novel" here.
    """
    novel = (probabilities.max(axis=1) < _NOVEL_BELOW).astype(float)
    score = uncertainty(probabilities) + 0.5 * novel + 0.5 * probabilities @ rarity(list(counts))
    return order(score, features, number)


CHOOSERS: Final[Mapping[str, Chooser]] = {
    "random": by_chance,
    "uncertainty": by_uncertainty,
    "queue": by_queue,
}


def simulate(
    data: Examples, choose: Chooser, name: str, repeats: int = 3, *, shortlisted: bool = False
) -> Curve:
    """Simulate labelling: repeatedly label a step of cells, fit, and measure the recall.

    Every repeat begins with other random cells. ``shortlisted``: choose only among the
    ``LOOKED_AT_EACH`` cells for each wanted one that promise most by what the *first* model said of
    them, as a case stores what the model of its day said.
    """
    steps = tuple(range(START, LABELS + 1, STEP))
    recall = np.zeros((repeats, len(steps)))
    for repeat in range(repeats):
        rng = np.random.default_rng(repeat)
        known = [int(i) for i in rng.choice(len(data.pool), START, replace=False)]
        stored: Array | None = None
        for place, _ in enumerate(steps):
            labels = data.pool_labels[known]
            model = LogisticRegression(C=30.0, max_iter=300, class_weight="balanced")
            model.fit(data.pool[known], labels)
            predicted = model.predict(data.test)
            recall[repeat, place] = np.mean(
                [np.mean(predicted[data.test_labels == c] == c) for c in range(len(data.classes))]
            )
            left = np.setdiff1d(np.arange(len(data.pool)), known)
            counts = np.bincount(labels, minlength=len(data.classes))
            if stored is None:
                stored = np.zeros((len(data.pool), len(data.classes)))
                stored[:, model.classes_] = model.predict_proba(data.pool)
            if shortlisted:
                left = left[_most_promising(stored[left], data.classes, counts.tolist())]
            probabilities = np.zeros((len(left), len(data.classes)))
            probabilities[:, model.classes_] = model.predict_proba(data.pool[left])
            picked = choose(probabilities, data.pool[left], counts.tolist(), STEP, rng)
            known += [int(left[i]) for i in picked]
    return Curve(name, steps, recall)


def _most_promising(stored: Array, classes: Sequence[str], counts: Sequence[int]) -> list[int]:
    """The shortlist of :func:`core.review.learning.queue.shortlist` over stored probabilities."""
    rows = [
        SimpleNamespace(
            machine_label=classes[int(row.argmax())],
            machine_probability=float(row.max()),
            novel=bool(row.max() < _NOVEL_BELOW),
            abstained=False,
        )
        for row in stored
    ]
    return shortlist(rows, dict(zip(classes, counts, strict=True)), LOOKED_AT_EACH * STEP)
