"""Classification metrics of one run, each with its n and interval."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from core.statistics.intervals import clopper_pearson


def accuracy_row(right: npt.NDArray[np.bool_] | Sequence[bool]) -> dict[str, Any]:
    """Accuracy in [0, 1] with n and exact 95 % interval."""
    right = np.asarray(right, bool)
    n, k = len(right), int(right.sum())
    interval = clopper_pearson(k, n)
    return {"value": k / n if n else None, "low": interval.low, "high": interval.high, "n": n}


def confusion(
    truth: Sequence[str], said: Sequence[str], classes: Sequence[str]
) -> npt.NDArray[np.int64]:
    """Counts, ``(classes, classes)``, rows the truth, columns the answer."""
    index = {name: i for i, name in enumerate(classes)}
    table = np.zeros((len(classes), len(classes)), np.int64)
    for t, s in zip(truth, said, strict=True):
        table[index[t], index[s]] += 1
    return table


def report(
    truth: Sequence[str], said: Sequence[str], classes: Sequence[str]
) -> dict[str, dict[str, float | int | None]]:
    """Precision, recall and F1 of each class; None where the denominator is zero."""
    table = confusion(truth, said, classes)
    rows: dict[str, dict[str, float | int | None]] = {}
    for i, name in enumerate(classes):
        hit, of_truth, of_said = int(table[i, i]), int(table[i].sum()), int(table[:, i].sum())
        rows[name] = {
            "precision": hit / of_said if of_said else None,
            "recall": hit / of_truth if of_truth else None,
            "f1": 2 * hit / (of_truth + of_said) if of_truth + of_said else None,
            "n": of_truth,
        }
    return rows


def majority_accuracy(truth: Sequence[str]) -> float:
    """The naive baseline: always answer the most frequent class."""
    return float(np.unique(np.asarray(truth), return_counts=True)[1].max() / len(truth))
