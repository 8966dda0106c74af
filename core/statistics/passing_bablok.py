"""Passing-Bablok regression: constant and proportional bias between two methods."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy

from core.statistics.bland_altman import as_pairs
from core.statistics.intervals import Interval

Array = npt.NDArray[np.float64]
MAX_PAIRS = 4000
"""The slopes between all pairs are in memory at once: 8 million numbers at this size."""


@dataclass(frozen=True)
class PassingBablok:
    """``other = intercept + slope * reference``.

    A slope whose interval leaves out 1 is a proportional, an intercept whose interval leaves out 0
    a constant bias. ``linearity_p`` is of the cusum test: below 0.05 the points bend away from a
    line and the two figures should not be used. None where every point lies on the line.
    """

    slope: float
    slope_interval: Interval
    intercept: float
    intercept_interval: Interval
    linearity_p: float | None
    pairs: int

    @property
    def linear(self) -> bool:
        return self.linearity_p is None or self.linearity_p >= 0.05

    @property
    def constant_bias(self) -> bool:
        return not self.intercept_interval.low <= 0.0 <= self.intercept_interval.high

    @property
    def proportional_bias(self) -> bool:
        return not self.slope_interval.low <= 1.0 <= self.slope_interval.high


def passing_bablok(
    reference: Sequence[float] | Array, other: Sequence[float] | Array, confidence: float = 0.95
) -> PassingBablok:
    """Slope and intercept of a line that stays the same when the methods are swapped.

    Args:
        reference: ``(pairs,)``, 5 to 4000.
        other: ``(pairs,)``, the same samples by the other method.
        confidence: in (0, 1).

    Raises:
        ValueError: outside these numbers, for values that are not finite, or where the methods
            hardly vary or run against each other, so that no line can be drawn.

    Source: Passing & Bablok 1983 (J Clin Chem Clin Biochem 21:709), the interval by Kendall's
    statistic and the cusum test as given there.
    """
    x, y = as_pairs(reference, other, at_least=5)
    n = len(x)
    if n > MAX_PAIRS:
        raise ValueError(f"takes at most {MAX_PAIRS} pairs, got {n}")
    slopes = _slopes(x, y)
    shift = int((slopes < -1).sum())
    count = len(slopes)
    half = float(scipy.stats.norm.ppf((1 + confidence) / 2)) * math.sqrt(
        n * (n - 1) * (2 * n + 5) / 18
    )
    first = round((count - half) / 2)
    # Order statistics are counted from 1 in the paper.
    low, high = first + shift, count - first + 1 + shift
    middle = _shifted_median(slopes, shift)
    if not 1 <= low <= high <= count or not math.isfinite(middle) or middle <= 0:
        raise ValueError("no line can be drawn: the values hardly vary or run against each other")
    slope_low, slope_high = float(slopes[low - 1]), float(slopes[high - 1])
    intercept = float(np.median(y - middle * x))
    return PassingBablok(
        middle,
        Interval(slope_low, slope_high),
        intercept,
        Interval(_intercept(x, y, slope_high), _intercept(x, y, slope_low)),
        _linearity(x, y, middle, intercept),
        n,
    )


def _slopes(x: Array, y: Array) -> Array:
    """Sorted slopes between all pairs of points; equal points and slopes of -1 are left out."""
    i, j = np.triu_indices(len(x), 1)
    dx, dy = x[j] - x[i], y[j] - y[i]
    distinct = (dx != 0) | (dy != 0)
    dx, dy = dx[distinct], dy[distinct]
    # A vertical pair counts at plus or minus infinity by the sign of its rise.
    slopes = np.where(dx == 0, np.copysign(np.inf, dy), dy / np.where(dx == 0, 1.0, dx))
    return np.sort(slopes[slopes != -1.0])


def _shifted_median(slopes: Array, shift: int) -> float:
    count = len(slopes)
    if count == 0 or shift + count // 2 >= count:
        return math.nan
    if count % 2:
        return float(slopes[(count - 1) // 2 + shift])
    low, high = float(slopes[count // 2 - 1 + shift]), float(slopes[count // 2 + shift])
    return low if low == high else (low + high) / 2


def _intercept(x: Array, y: Array, slope: float) -> float:
    if math.isinf(slope):
        return -math.inf if slope > 0 else math.inf
    return float(np.median(y - slope * x))


def _linearity(x: Array, y: Array, slope: float, intercept: float) -> float | None:
    """P value of the cusum test: chance of so large a cusum if the points scatter round a line."""
    residual = y - intercept - slope * x
    near = np.isclose(residual, 0, atol=1e-12 * max(1.0, float(np.abs(y).max())))
    above, below = int((residual[~near] > 0).sum()), int((residual[~near] < 0).sum())
    if not above or not below:
        return None
    score = np.where(residual > 0, math.sqrt(below / above), -math.sqrt(above / below))
    score[near] = 0.0
    along = (y + x / slope - intercept) / math.sqrt(1 + 1 / slope**2)
    walk = np.cumsum(score[np.argsort(along, kind="stable")])
    return float(scipy.special.kolmogorov(float(np.abs(walk).max()) / math.sqrt(below + 1)))
