"""Fitting a laboratory's own head, and whether it gains: cross-validated within its cells."""

import itertools
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold

from core.inference.white_cell.local_head import combined, groups_of
from core.models.cards.uncertainty_card import LocalHeadCard, LocalHeadGain
from core.taxonomy import parent_of
from core.training.white_cells.adaptation.last_layer import AdaptRefused

Array = npt.NDArray[np.float32]

STRENGTHS: Final = (0.03, 0.003, 0.3)
"""scikit-learn's C, the inverse of the penalty."""

PRIORS: Final = (0.3, 0.0, 1.0)
ABSENT: Final = (-3.0, -6.0, -9.0)
"""Handicaps of the classes without a local cell. The mildest that serves the local cells as well is
taken: those cells alone would ask for the strongest, and a blast must stay possible."""

HOME_PASSED: Final = 0.005
"""Share of the original laboratory's cells that the local head may answer."""

_FOLDS: Final = 5
_RESAMPLES: Final = 2000


@dataclass(frozen=True)
class LocalHead:
    """``weight`` ``(labels, width)`` and ``bias`` read plain features; standardisation is in them.

    ``gain`` is the cross-validated change of balanced accuracy with its 95 % interval. ``gate`` is
    that of :data:`core.inference.white_cell.local_head.GATE`.
    """

    labels: tuple[str, ...]
    weight: Array
    bias: Array
    prior: float
    strength: float
    absent: float
    gain: LocalHeadGain
    gate: Array
    foundation: str = ""

    def as_card(self) -> LocalHeadCard:
        """What the model's card says of it."""
        return LocalHeadCard(
            labels=self.labels,
            prior=self.prior,
            strength=self.strength,
            absent=self.absent,
            gain=self.gain,
            foundation=self.foundation,
        )


@dataclass(frozen=True)
class LocalCells:
    """A laboratory's labelled cells as the fit reads them.

    ``features`` ``(N, width)`` are the network's beside the generic ones, ``logits``
    ``(N, classes)`` the network's, ``predicted`` ``(N, classes)`` those that the live model answers
    with today (classes weighed as elsewhere). ``labels`` are classes or parents. Pictures of one
    and the same cell have one number in ``same_cell`` ``(N,)``. ``foundation`` names the foundation
    model whose features are the last ones; empty where there is none.
    """

    features: Array
    logits: Array
    predicted: Array
    labels: Sequence[str]
    same_cell: npt.NDArray[np.int64]
    foundation: str = ""


def fit_local_head(cells: LocalCells, classes: Sequence[str], gate: Array, seed: int) -> LocalHead:
    """The head of a laboratory's cells; strength and prior by cross-validation within them.

    Args:
        cells: to learn from.
        classes: of the network.
        gate: of :func:`fit_gate`.
        seed: of the folds.

    Raises:
        AdaptRefused: with fewer than two classes or two cells of one, or where nothing is gained;
            the message has the figure.
    """
    features, logits, labels = cells.features, cells.logits, cells.labels
    names = tuple(sorted(set(labels)))
    groups, truth = groups_of(names, classes), np.array([names.index(one) for one in labels])
    different = [len(set(cells.same_cell[truth == i].tolist())) for i in range(len(names))]
    if sum(number >= 2 for number in different) < 2:
        raise AdaptRefused(
            "at least two classes with two different cells each are needed to tell whether "
            "adapting gains"
        )
    folds = _folds(truth, cells.same_cell, different, seed)
    judged = np.sort(np.concatenate([test for _, test in folds]))
    before = _right(cells.predicted, labels, classes)
    best: tuple[float, float, float, float, npt.NDArray[np.bool_]] | None = None
    for strength in STRENGTHS:
        held_out = np.zeros((len(truth), len(names)), np.float32)
        for learnt, test in folds:
            weight, bias = _logistic(features[learnt], truth[learnt], len(names), strength)
            held_out[test] = features[test] @ weight.T + bias
        for prior, absent in itertools.product(PRIORS, ABSENT):
            right = _right(combined(logits, held_out, groups, prior, absent), labels, classes)
            score = _balanced(right[judged], truth[judged])
            # Of equal scores the first setting, with the mildest handicap of absent classes.
            if best is None or (score, absent) > (best[0], best[3]):
                best = score, strength, prior, absent, right
    assert best is not None
    score, strength, prior, absent, right = best
    gain = _gain(before[judged], right[judged], truth[judged], seed)
    if gain.value <= 0:
        raise AdaptRefused(
            f"adapting to these {len(truth)} cells gains nothing: {gain.before:.1%} "
            f"are right without it and {score:.1%} with it, cross-validated (difference "
            f"{gain.value:+.1%}, {gain.low:+.1%} to {gain.high:+.1%}); "
            "the live model stays better"
        )
    weight, bias = _logistic(features, truth, len(names), strength)
    return LocalHead(names, weight, bias, prior, strength, absent, gain, gate, cells.foundation)


def _folds(
    truth: npt.NDArray[np.int64],
    same_cell: npt.NDArray[np.int64],
    different: Sequence[int],
    seed: int,
) -> list[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
    """Cells to fit and to judge in turn; all pictures of a cell on one side.

    A class with one cell cannot be judged: its pictures are among the fitted of every fold.
    """
    single = np.isin(truth, [i for i, number in enumerate(different) if number < 2])
    rest, always = np.flatnonzero(~single), np.flatnonzero(single)
    splits = min(_FOLDS, min(number for number in different if number >= 2))
    cut = StratifiedGroupKFold(splits, shuffle=True, random_state=seed)
    folds = [
        (np.concatenate([rest[fitted], always]), rest[test])
        for fitted, test in cut.split(np.zeros(len(rest)), truth[rest], same_cell[rest])
    ]
    # A fold that lacks a class cannot be fitted; the grouping seldom leads to one.
    whole = [fold for fold in folds if len(np.unique(truth[fold[0]])) == len(different)]
    if not whole:
        raise AdaptRefused("too few different cells of a class to tell whether adapting gains")
    return whole


def fit_gate(home: Array, local: Array) -> Array:
    """Weight and bias ``(axes + 1,)`` that tell the laboratory's cells from the original's.

    Args:
        home: ``(N, axes)`` cells of the original laboratory, see ``novelty.on_axes``.
        local: ``(M, axes)`` cells of the laboratory.

    Returns:
        Above 0 for local cells; at most ``HOME_PASSED`` of the home cells are above 0.
    """
    rows = np.concatenate([home, local])
    truth = np.r_[np.zeros(len(home), int), np.ones(len(local), int)]
    weight, bias = _logistic(rows, truth, 2, 0.03)
    direction, offset = weight[1] - weight[0], float(bias[1] - bias[0])
    highest = float(np.quantile(home @ direction + offset, 1 - HOME_PASSED))
    return np.append(direction, offset - max(0.0, highest)).astype(np.float32)


def _logistic(features: Array, truth: Any, number: int, strength: float) -> tuple[Array, Array]:
    """Weight and bias for plain features: ``(number, width)`` and ``(number,)``."""
    mean, spread = features.mean(axis=0), features.std(axis=0)
    spread = np.where(spread > 1e-6, spread, 1.0)
    # The fit lies in the span of the few cells, so it is made there: the same, and much faster.
    left, scale, axes = np.linalg.svd((features - mean) / spread, full_matrices=False)
    head = LogisticRegression(C=strength, class_weight="balanced", max_iter=200)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # not to the last digit: the choice does not need it
        head.fit(left * scale, truth)
    weight, bias = head.coef_ @ axes, head.intercept_
    if number == 2:  # scikit-learn gives one row: the log-odds of the second
        weight, bias = np.stack([-weight[0], weight[0]]) / 2, np.array([-bias[0], bias[0]]) / 2
    weight = weight / spread
    return weight.astype(np.float32), (bias - weight @ mean).astype(np.float32)


def _right(logits: Array, labels: Sequence[str], classes: Sequence[str]) -> Any:
    best = [classes[i] for i in logits.argmax(axis=1)]
    return np.array([label in (b, parent_of(b)) for b, label in zip(best, labels, strict=True)])


def _balanced(right: Any, truth: Any) -> float:
    return float(np.mean([right[truth == i].mean() for i in np.unique(truth)]))


def _gain(before: Any, after: Any, truth: Any, seed: int) -> LocalHeadGain:
    """Paired: the same cells before and after, resampled within each class."""
    rng = np.random.default_rng(seed)
    change = after.astype(float) - before.astype(float)
    parts = [change[truth == i] for i in np.unique(truth)]
    drawn = [
        np.mean([rng.choice(part, len(part)).mean() for part in parts]) for _ in range(_RESAMPLES)
    ]
    low, high = np.quantile(drawn, (0.025, 0.975))
    return LocalHeadGain(
        before=_balanced(before, truth),
        after=_balanced(after, truth),
        value=_balanced(after, truth) - _balanced(before, truth),
        low=float(low),
        high=float(high),
        n=len(truth),
        how="cross-validated within the laboratory's cells; balanced accuracy",
    )
