"""Linear heads for the eleven attributes, on frozen features."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypedDict

import numpy as np
import numpy.typing as npt
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from core.datasets.public.wbcatt import ATTRIBUTES

Array = npt.NDArray[np.float32]

STRENGTHS: Final = (0.01, 0.1)
"""Inverse regularisations tried; the better one on the validation part is kept, by attribute."""


class AttributeFit(TypedDict):
    """One attribute on the validation part: its accuracy, the cells, and the C that was chosen."""

    accuracy: float
    cells: int
    C: float


@dataclass(frozen=True)
class AttributeHeads:
    """``values`` of each attribute in the order of the rows of ``weight`` ``(rows, width)``."""

    values: dict[str, list[str]]
    weight: Array
    bias: Array
    validation: dict[str, AttributeFit]


def fit_attributes(
    train: tuple[Array, Sequence[tuple[str, ...]]],
    validation: tuple[Array, Sequence[tuple[str, ...]]],
) -> AttributeHeads:
    """Fit a multinomial logistic regression for each attribute.

    Args:
        train: ``(N, width)`` features and for each row the values in the order of ``ATTRIBUTES``.
        validation: the same of other cells, to choose the regularisation on.
    """
    mean, spread = train[0].mean(axis=0), train[0].std(axis=0) + 1e-6
    x, x_val = (train[0] - mean) / spread, (validation[0] - mean) / spread
    # Most directions say nothing: fewer axes fit faster, and the weights go back to all of them.
    _, vectors = np.linalg.eigh(x.T @ x)
    axes = vectors[:, ::-1][:, : min(256, x.shape[1])]
    x, x_val = x @ axes, x_val @ axes
    values: dict[str, list[str]] = {}
    weights, biases = [], []
    fits: dict[str, AttributeFit] = {}
    for column, name in enumerate(ATTRIBUTES):
        truth = np.array([row[column] for row in train[1]])
        truth_val = np.array([row[column] for row in validation[1]])
        best: tuple[float, LogisticRegression] | None = None
        for strength in STRENGTHS:
            with warnings.catch_warnings():
                # The validation part judges a fit that was stopped early like any other.
                warnings.simplefilter("ignore", ConvergenceWarning)
                head = LogisticRegression(C=strength, max_iter=120).fit(x, truth)
            accuracy = float((head.predict(x_val) == truth_val).mean())
            if best is None or accuracy > best[0]:
                best = (accuracy, head)
        assert best is not None
        weight, bias = best[1].coef_, best[1].intercept_
        if len(best[1].classes_) == 2:
            weight, bias = np.concatenate([-weight, weight]) / 2, np.concatenate([-bias, bias]) / 2
        values[name] = [str(value) for value in best[1].classes_]
        whole = (weight @ axes.T) / spread
        weights.append(whole)
        biases.append(bias - whole @ mean)
        fits[name] = {"accuracy": best[0], "cells": len(truth_val), "C": float(best[1].C)}
    return AttributeHeads(
        values,
        np.concatenate(weights).astype(np.float32),
        np.concatenate(biases).astype(np.float32),
        fits,
    )
