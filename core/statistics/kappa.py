"""Cohen's kappa, plain and weighted: agreement beyond what chance alone would give."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
import scipy

Weights = Literal["none", "linear", "quadratic", "maturation"]
Table = npt.NDArray[np.int64]

_MATURATION: Final = ("immature_granulocyte", "band_neutrophil", "segmented_neutrophil")
"""One line of maturation: a confusion with the next stage is the smaller error."""


@dataclass(frozen=True)
class Kappa:
    """``value`` in [-1, 1] with its interval; None where chance alone would always agree.

    The interval assumes independent cells. Cells of one smear are correlated, so with few smears
    it is too narrow.
    """

    value: float | None
    low: float | None
    high: float | None
    items: int


def agreement_weights(classes: Sequence[str], weights: Weights) -> npt.NDArray[np.float64]:
    """How far two classes agree, ``(classes, classes)``, 1 on the diagonal, in [0, 1].

    ``linear`` and ``quadratic`` use the order of ``classes`` as a scale (grades 0 to 3).
    ``maturation`` is 0.5 for immature granulocyte against band and for band against segmented
    neutrophil, and 0 for any other pair.
    """
    n = len(classes)
    if weights in ("linear", "quadratic"):
        apart = np.abs(np.subtract.outer(np.arange(n), np.arange(n))) / max(1, n - 1)
        return np.asarray(1 - apart ** (1 if weights == "linear" else 2))
    table = np.eye(n)
    if weights == "maturation":
        for one, other in pairwise(_MATURATION):
            if one in classes and other in classes:
                i, j = classes.index(one), classes.index(other)
                table[i, j] = table[j, i] = 0.5
    return table


def kappa(
    table: Table, weights: npt.NDArray[np.float64] | None = None, confidence: float = 0.95
) -> Kappa:
    """Kappa of a square table of counts.

    Args:
        table: ``(classes, classes)`` counts, rows one reader, columns the other.
        weights: agreement of each pair of classes in [0, 1]; only the diagonal unless given.
        confidence: in (0, 1).

    Raises:
        ValueError: if the table is not square or holds negative counts.

    Source: Cohen 1960 and 1968; large-sample error of Fleiss, Cohen & Everitt 1969.
    """
    table = np.asarray(table)
    if table.ndim != 2 or table.shape[0] != table.shape[1] or (table < 0).any():
        raise ValueError(f"need a square table of counts, got shape {table.shape}")
    n = int(table.sum())
    if n == 0:
        return Kappa(None, None, None, 0)
    w = np.eye(len(table)) if weights is None else np.asarray(weights, float)
    p = table / n
    rows, columns = p.sum(axis=1), p.sum(axis=0)
    observed, expected = float((w * p).sum()), float(rows @ w @ columns)
    if math.isclose(expected, 1.0):
        return Kappa(None, None, None, n)
    value = (observed - expected) / (1 - expected)
    mean_weights = (w @ columns)[:, None] + (rows @ w)[None, :]
    spread = float((p * (w - mean_weights * (1 - value)) ** 2).sum())
    variance = (spread - (value - expected * (1 - value)) ** 2) / (n * (1 - expected) ** 2)
    reach = float(scipy.stats.norm.ppf((1 + confidence) / 2)) * math.sqrt(max(0.0, variance))
    return Kappa(value, max(-1.0, value - reach), min(1.0, value + reach), n)
