"""Paired tests of two models on the same items."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy

from core.statistics.counts import bootstrap_interval

Right = npt.NDArray[np.bool_]
Errors = npt.NDArray[np.float64]


@dataclass(frozen=True)
class PairedDifference:
    """Accuracy of the challenger minus that of the champion.

    ``only_champion`` and ``only_challenger`` count the items that one alone got right; ``p`` is of
    McNemar's exact test.
    """

    items: int
    only_champion: int
    only_challenger: int
    difference: float
    low: float
    high: float
    p: float


def paired_accuracy(champion: Right, challenger: Right) -> PairedDifference:
    """Difference of accuracy on the same items, with a 95 % bootstrap interval and exact p.

    Args:
        champion: ``(items,)``, True where it was right.
        challenger: the same for the challenger.

    Raises:
        ValueError: if there are no items, or not the same number of both.

    Source: McNemar 1947 in its exact form (a binomial test of the discordant pairs).
    """
    if len(champion) != len(challenger) or not len(champion):
        raise ValueError(f"need the same items twice, got {len(champion)} and {len(challenger)}")
    lost, won = int((champion & ~challenger).sum()), int((~champion & challenger).sum())
    p = float(scipy.stats.binomtest(won, won + lost).pvalue) if won + lost else 1.0
    gain = challenger.astype(float) - champion.astype(float)
    low, high = bootstrap_interval(gain, draws=2000)
    return PairedDifference(len(gain), lost, won, float(gain.mean()), low, high, p)


@dataclass(frozen=True)
class PairedErrors:
    """Mean absolute error of each model, and their difference with its 95 % interval."""

    items: int
    champion: float
    challenger: float
    difference: float
    low: float
    high: float


def paired_errors(champion: Errors, challenger: Errors) -> PairedErrors:
    """Challenger minus champion in mean error, with a paired bootstrap interval over the items.

    Args:
        champion: ``(items,)`` absolute errors.
        challenger: the same for the challenger.

    Raises:
        ValueError: if there are no items, or not the same number of both.

    Source: Efron 1979; both errors of an item are drawn together.
    """
    if len(champion) != len(challenger) or not len(champion):
        raise ValueError(f"need the same items twice, got {len(champion)} and {len(challenger)}")
    change = challenger - champion
    low, high = bootstrap_interval(change)
    means = float(champion.mean()), float(challenger.mean())
    return PairedErrors(len(change), *means, float(change.mean()), low, high)
