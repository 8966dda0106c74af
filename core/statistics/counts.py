"""Count errors, their intervals, and the predictors anything must beat."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy

Array = npt.NDArray[np.float64]


def best_thresholds(
    scores: Sequence[npt.NDArray[np.floating]], truth: npt.NDArray[np.integer]
) -> tuple[float, float]:
    """Score threshold with the least mean absolute count error.

    Args:
        scores: per field, the scores of every candidate cell of one kind.
        truth: ``(fields,)`` true counts.

    Returns:
        Threshold in [0.1, 0.9] and its error in cells a field. Where several thresholds are equally
        good, it is the middle of the longest run of them: at the edge of a run a few more fields
        would move it.
    """
    grid = np.arange(0.10, 0.901, 0.01)
    counts = np.stack([(np.asarray(s)[None, :] >= grid[:, None]).sum(1) for s in scores])
    errors = np.abs(counts - np.asarray(truth)[:, None]).mean(0)
    best = np.flatnonzero(errors <= errors.min() + 1e-12)
    runs = np.split(best, np.flatnonzero(np.diff(best) > 1) + 1)
    longest = max(runs, key=len)
    return float(grid[longest[len(longest) // 2]]), float(errors.min())


def bootstrap_interval(
    values: npt.NDArray[Any], confidence: float = 0.95, draws: int = 10_000, seed: int = 0
) -> tuple[float, float]:
    """Percentile bootstrap interval of a mean over independent items.

    Args:
        values: ``(items,)``, at least one.
        confidence: in (0, 1).
        draws: resamples.
        seed: same seed, same interval.

    Returns:
        Lower and upper end; a single value is both.

    Raises:
        ValueError: without values.

    Source: Efron 1979.
    """
    values = np.asarray(values, float)
    if len(values) == 1:  # SciPy refuses a single value
        return float(values[0]), float(values[0])
    interval = scipy.stats.bootstrap(
        (values,),
        np.mean,
        n_resamples=draws,
        confidence_level=confidence,
        method="percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return float(interval.low), float(interval.high)


def constant_predictor(training_counts: npt.NDArray[Any]) -> Array:
    """The naive baseline: always answer the training median of each kind, ``(3,)``."""
    return np.asarray(np.median(training_counts, axis=0))
