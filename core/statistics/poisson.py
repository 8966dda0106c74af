"""Poisson counts: exact intervals, ratios, and how many more cells or fields to count."""

import math
from typing import Final

import scipy

from core.statistics.intervals import Interval, clopper_pearson

_MOST_CELLS: Final = 10_000_000


def poisson_interval(count: int, confidence: float = 0.95) -> Interval:
    """Exact interval of a Poisson mean after ``count`` events.

    Raises:
        ValueError: if the count is negative or the confidence is not in (0, 1).

    Source: Garwood 1936, by the chi-squared distribution.
    """
    if count < 0:
        raise ValueError(f"a count is 0 or more, got {count}")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must be between 0 and 1, got {confidence}")
    tail = (1 - confidence) / 2
    low = 0.0 if count == 0 else float(scipy.stats.chi2.ppf(tail, 2 * count)) / 2
    return Interval(low, float(scipy.stats.chi2.ppf(1 - tail, 2 * count + 2)) / 2)


def ratio_interval(above: int, below: int, confidence: float = 0.95) -> Interval:
    """Exact interval of the ratio of two Poisson means; the upper end may be infinite.

    Given their sum, ``above`` is binomial, so the interval follows from Clopper and Pearson's.
    Source: Przyborowski & Wilenski 1940.
    """
    share = clopper_pearson(above, above + below, confidence)
    high = math.inf if share.high >= 1 else share.high / (1 - share.high)
    return Interval(share.low / (1 - share.low) if share.low < 1 else math.inf, high)


def cells_for_precision(relative: float, confidence: float = 0.95) -> int:
    """Smallest count whose exact interval stays within ``relative`` of it on both sides.

    Args:
        relative: half width over count, for example 0.1 for 10 %; in [0.001, 1].
        confidence: in (0, 1).

    Raises:
        ValueError: if the precision is outside its range.
    """
    if not 0.001 <= relative <= 1:
        raise ValueError(f"the precision must be between 0.1 and 100 percent, got {relative:g}")

    def enough(cells: int) -> bool:
        interval = poisson_interval(cells, confidence)
        return max(interval.high - cells, cells - interval.low) <= relative * cells

    low, high = 0, 1
    while not enough(high):
        low, high = high, 2 * high
        if high > _MOST_CELLS:
            raise ValueError("so fine a precision needs more cells than anybody counts")
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def fields_still_needed(
    cells: int, fields: int, relative: float, confidence: float = 0.95
) -> int | None:
    """Further fields until the mean is known to ``relative``; None while no cell was seen.

    Assumes that further fields hold as many cells as those counted.
    """
    if cells < 0 or fields < 0:
        raise ValueError(f"counts are 0 or more, got {cells} cells in {fields} fields")
    if not cells or not fields:
        return None
    wanted = cells_for_precision(relative, confidence)
    return max(0, math.ceil(wanted * fields / cells - 1e-9) - fields)
