"""Count errors, their intervals, and the predictors anything must beat."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


def best_thresholds(
    scores: Sequence[npt.NDArray[np.floating]], truth: npt.NDArray[np.integer]
) -> tuple[float, float]:
    """Score threshold with the least mean absolute count error.

    Args:
        scores: per field, the scores of every candidate cell of one kind.
        truth: ``(fields,)`` true counts.

    Returns:
        Threshold and its error. Among the best thresholds the middle of the longest run is taken,
        since an edge of it would not survive the next field.
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
        values: ``(items,)``.
        confidence: in (0, 1).
        draws: resamples.
        seed: same seed, same interval.

    Source: Efron 1979.
    """
    values = np.asarray(values, float)
    picks = np.random.default_rng(seed).integers(0, len(values), (draws, len(values)))
    means = values[picks].mean(axis=1)
    tail = (1 - confidence) / 2 * 100
    low, high = np.percentile(means, [tail, 100 - tail])
    return float(low), float(high)


def constant_predictor(training_counts: npt.NDArray[Any]) -> Array:
    """The naive baseline: always answer the training median of each kind, ``(3,)``."""
    return np.asarray(np.median(training_counts, axis=0))
