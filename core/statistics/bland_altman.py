"""Bland-Altman: how far two ways of measuring the same thing lie apart."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy

from core.statistics.intervals import Interval

Array = npt.NDArray[np.float64]
_EXACT_UP_TO = 500
"""Above this number of pairs the exact and the large-sample interval look the same in a plot."""


@dataclass(frozen=True)
class BlandAltman:
    """Bias and limits of agreement of ``other - reference``, in the unit of the measurements.

    ``means`` and ``differences`` are ``(pairs,)``, what the plot shows. About 95 of 100 pairs lie
    between ``lower`` and ``upper`` if the differences are normal and independent of the mean.
    """

    means: Array
    differences: Array
    bias: float
    bias_interval: Interval
    deviation: float
    lower: float
    lower_interval: Interval
    upper: float
    upper_interval: Interval

    @property
    def pairs(self) -> int:
        return len(self.differences)


def bland_altman(
    reference: Sequence[float] | Array, other: Sequence[float] | Array, confidence: float = 0.95
) -> BlandAltman:
    """Bias and 95 % limits of agreement with their intervals.

    Args:
        reference: ``(pairs,)``, the method compared with.
        other: ``(pairs,)``, the same samples by the other method.
        confidence: of the intervals, in (0, 1). The limits themselves hold 95 % of the pairs.

    Raises:
        ValueError: with fewer than 3 pairs, unequal numbers, or a value that is not finite.

    Source: Bland & Altman 1986; exact intervals of the limits after Carkeet 2015 (non-central t).
    """
    x, y = as_pairs(reference, other, at_least=3)
    difference = y - x
    n, bias, deviation = len(x), float(difference.mean()), float(difference.std(ddof=1))
    reach = float(scipy.stats.t.ppf((1 + confidence) / 2, n - 1)) * deviation / math.sqrt(n)
    z = float(scipy.stats.norm.ppf(0.975))
    near, far = _limit_factors(n, z, confidence)
    return BlandAltman(
        (x + y) / 2,
        difference,
        bias,
        Interval(bias - reach, bias + reach),
        deviation,
        bias - z * deviation,
        Interval(bias - far * deviation, bias - near * deviation),
        bias + z * deviation,
        Interval(bias + near * deviation, bias + far * deviation),
    )


def as_pairs(
    reference: Sequence[float] | Array, other: Sequence[float] | Array, *, at_least: int
) -> tuple[Array, Array]:
    """Two arrays of the same finite measurements; raises ValueError otherwise."""
    x, y = np.asarray(reference, float), np.asarray(other, float)
    if x.ndim != 1 or x.shape != y.shape:
        raise ValueError(f"need the same samples twice, got {x.shape} and {y.shape}")
    if len(x) < at_least:
        raise ValueError(f"needs at least {at_least} pairs, got {len(x)}")
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise ValueError("a measurement is missing or not finite")
    return x, y


def _limit_factors(n: int, z: float, confidence: float) -> tuple[float, float]:
    """Standard deviations from the bias to the inner and outer bound of a limit's interval."""
    tail = (1 - confidence) / 2
    if n > _EXACT_UP_TO:
        reach = float(scipy.stats.t.ppf(1 - tail, n - 1)) * math.sqrt(1 / n + z * z / (2 * (n - 1)))
        return z - reach, z + reach
    root = math.sqrt(n)
    near, far = (float(scipy.stats.nct.ppf(q, n - 1, z * root)) / root for q in (tail, 1 - tail))
    return near, far
