"""Fitting a laboratory's own head, and whether it gains: cross-validated within its cells."""

import itertools
import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold

from core.inference.white_cell.local_head import combined, groups_of
from core.models.cards.uncertainty_card import LocalHeadCard, LocalHeadGain
from core.taxonomy import parent_of
from core.training.white_cells.adaptation.last_layer import AdaptRefused

Array = npt.NDArray[np.float32]

STRENGTHS: Final = (0.003, 0.03, 0.3)
"""scikit-learn's C, the inverse of the penalty."""

PRIORS: Final = (0.0, 0.3, 1.0)
ABSENT: Final = (-3.0, -6.0, -9.0)
"""Handicaps of the classes without a local cell. The mildest that serves the local cells as well is
taken: those cells alone would ask for the strongest, and a blast must stay possible."""

_FOLDS: Final = 5
_RESAMPLES: Final = 2000


@dataclass(frozen=True)
class LocalHead:
    """``weight`` ``(labels, width)`` and ``bias`` read plain features; standardisation is in them.

    ``gain`` is the cross-validated change of balanced accuracy with its 95 % interval.
    """

    labels: tuple[str, ...]
    weight: Array
    bias: Array
    prior: float
    strength: float
    absent: float
    gain: LocalHeadGain

    def as_card(self) -> LocalHeadCard:
        """What the model's card says of it."""
        return LocalHeadCard(
            labels=self.labels,
            prior=self.prior,
            strength=self.strength,
            absent=self.absent,
            gain=self.gain,
        )


def fit_local_head(
    features: Array, logits: Array, labels: Sequence[str], classes: Sequence[str], seed: int
) -> LocalHead:
    """The head of a laboratory's cells; strength and prior by cross-validation within them.

    Args:
        features: of the network beside the generic ones, ``(N, width)``.
        logits: of the network, ``(N, classes)``.
        labels: classes or parents, one a cell.
        classes: of the network.
        seed: of the folds.

    Raises:
        AdaptRefused: with fewer than two classes or two cells of one, or where nothing is gained;
            the message has the figure.
    """
    names = tuple(sorted(set(labels)))
    fewest = min(Counter(labels).values())
    if len(names) < 2 or fewest < 2:
        raise AdaptRefused(
            "at least two classes with two cells each are needed to tell whether adapting gains"
        )
    groups, truth = groups_of(names, classes), np.array([names.index(one) for one in labels])
    folds = list(
        StratifiedKFold(min(_FOLDS, fewest), shuffle=True, random_state=seed).split(features, truth)
    )
    before = _right(logits, labels, classes)
    best: tuple[float, float, float, float, npt.NDArray[np.bool_]] | None = None
    for strength in STRENGTHS:
        held_out = np.zeros((len(truth), len(names)), np.float32)
        for learnt, judged in folds:
            weight, bias = _logistic(features[learnt], truth[learnt], len(names), strength)
            held_out[judged] = features[judged] @ weight.T + bias
        for prior, absent in itertools.product(PRIORS, ABSENT):
            made = combined(logits, held_out, groups, prior, absent)
            right = _right(made, labels, classes)
            score = _balanced(right, truth)
            if best is None or (score, absent) > (best[0], best[3]):
                best = score, strength, prior, absent, right
    assert best is not None
    score, strength, prior, absent, right = best
    gain = _gain(before, right, truth, seed)
    if gain.value <= 0:
        raise AdaptRefused(
            f"adapting to these {len(truth)} cells gains nothing: {_balanced(before, truth):.1%} "
            f"are right without it and {score:.1%} with it, cross-validated (difference "
            f"{gain.value:+.1%}, {gain.low:+.1%} to {gain.high:+.1%}); "
            "the live model stays better"
        )
    weight, bias = _logistic(features, truth, len(names), strength)
    return LocalHead(names, weight, bias, prior, strength, absent, gain)


def _logistic(features: Array, truth: Any, number: int, strength: float) -> tuple[Array, Array]:
    """Weight and bias for plain features: ``(number, width)`` and ``(number,)``."""
    mean, spread = features.mean(axis=0), features.std(axis=0)
    spread = np.where(spread > 1e-6, spread, 1.0)
    head = LogisticRegression(C=strength, class_weight="balanced", max_iter=200)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # not to the last digit: the choice does not need it
        head.fit((features - mean) / spread, truth)
    weight, bias = head.coef_, head.intercept_
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
