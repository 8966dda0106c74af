"""Intervals of proportions and counts."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import scipy


@dataclass(frozen=True)
class Interval:
    """Lower and upper bound."""

    low: float
    high: float


def clopper_pearson(successes: int, trials: int, confidence: float = 0.95) -> Interval:
    """Exact binomial interval of a differential percentage.

    Args:
        successes: cells of the class, 0 <= successes <= trials.
        trials: cells counted; with none the interval is [0, 1].
        confidence: in (0, 1).

    Returns:
        Lower and upper proportion, each in [0, 1].

    Raises:
        ValueError: if the counts are negative or successes exceed trials.

    Source: Clopper & Pearson 1934; the intervals of Ruemke's table.
    """
    if not 0 <= successes <= trials:
        raise ValueError(f"need 0 <= successes <= trials, got {successes} of {trials}")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must be between 0 and 1, got {confidence}")
    # scipy.stats.binomtest finds the same bounds by root finding, to 12 digits and in 15 times as
    # long; cells_needed asks for thousands of them.
    tail = (1 - confidence) / 2
    low = (
        0.0
        if successes == 0
        else float(scipy.stats.beta.ppf(tail, successes, trials - successes + 1))
    )
    high = (
        1.0
        if successes == trials
        else float(scipy.stats.beta.ppf(1 - tail, successes + 1, trials - successes))
    )
    return Interval(low, high)


def mean_interval(values: Sequence[float], confidence: float = 0.95) -> Interval:
    """Student's interval of a mean; from minus to plus infinity for a single value.

    Raises:
        ValueError: without values.
    """
    if not len(values):
        raise ValueError("a mean needs at least one value")
    mean = float(statistics.fmean(values))
    if len(values) == 1:
        return Interval(-math.inf, math.inf)
    spread = statistics.stdev(map(float, values)) / math.sqrt(len(values))
    reach = float(scipy.stats.t.ppf((1 + confidence) / 2, len(values) - 1)) * spread
    return Interval(mean - reach, mean + reach)
