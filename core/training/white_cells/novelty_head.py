"""Fitting what :mod:`core.inference.white_cell.novelty` applies."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypedDict

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression

from core.datasets.catalogue import PICTURES
from core.datasets.fields import read_rgb
from core.imaging import not_cells
from core.inference.white_cell.novelty import mahalanobis
from core.records import RgbImage

Array = npt.NDArray[np.float32]

CELLS_KEPT: Final = 0.99
"""Share of validation cells, of the worst group, that must not be called novel."""

FAMILIAR: Final = 0.95
"""Share of the laboratory's validation cells that count as familiar."""

_C: Final = 0.03


class LearntFrom(TypedDict):
    """How many cells and other things a head was fitted to."""

    cells: int
    no_cells: int


class NotACellValidation(TypedDict):
    """Share of each validation group that is called no cell, and the sizes of the groups."""

    cells_called_novel: list[float]
    cells: list[int]
    learnt_from: LearntFrom


@dataclass(frozen=True)
class NotACell:
    """Logistic regression on raw features: above ``limit`` (a probability) it is no cell."""

    weight: Array
    bias: float
    limit: float
    validation: NotACellValidation


@dataclass(frozen=True)
class Near:
    """Class means ``(classes, axes)``, inv(L) of the shared covariance, and the limit."""

    means: Array
    whiten: Array
    limit: float

    def distance(self, rows: Array) -> Array:
        """Mahalanobis distance to the nearest class, ``(N,)``."""
        return mahalanobis(rows, self.means, self.whiten)


def fit_not_a_cell(cells: Array, others: Array, validation: Sequence[Array]) -> NotACell:
    """Tell cells from what is none; the limit keeps ``CELLS_KEPT`` of each validation group.

    Args:
        cells: ``(N, width)`` features of cells, of as many stains as there are.
        others: ``(M, width)`` features of things that are no cells.
        validation: features of other cells, a group for each kind of origin.
    """
    mean, spread = cells.mean(axis=0), cells.std(axis=0) + 1e-6
    x = (np.concatenate([cells, others]) - mean) / spread
    truth = np.r_[np.zeros(len(cells)), np.ones(len(others))]
    head = LogisticRegression(C=_C, class_weight="balanced", max_iter=300).fit(x, truth)
    weight = (head.coef_[0] / spread).astype(np.float32)
    bias = float(head.intercept_[0] - weight @ mean)

    def probability(rows: Array) -> Array:
        return np.asarray(1 / (1 + np.exp(-np.clip(rows @ weight + bias, -30, 30))), np.float32)

    limit = max(0.5, *(float(np.quantile(probability(group), CELLS_KEPT)) for group in validation))
    return NotACell(
        weight,
        bias,
        limit,
        {
            "cells_called_novel": [
                float((probability(group) > limit).mean()) for group in validation
            ],
            "cells": [len(group) for group in validation],
            "learnt_from": {"cells": len(cells), "no_cells": len(others)},
        },
    )


def fit_familiarity(rows: Array, labels: Sequence[str], validation: Array) -> Near:
    """Class means and shared covariance of training cells; the limit from validation cells.

    Args:
        rows: ``(N, axes)`` training cells on the stored axes.
        labels: their classes.
        validation: ``(M, axes)`` other cells of the same laboratory.
    """
    names = sorted(set(labels))
    index = np.array([names.index(name) for name in labels])
    means = np.stack([rows[index == i].mean(axis=0) for i in range(len(names))])
    residual = rows - means[index]
    covariance = residual.T @ residual / len(rows)
    # Shrunk towards a sphere: far more axes than a few hundred cells can fill.
    covariance += 0.01 * np.trace(covariance) / len(covariance) * np.eye(len(covariance))
    whiten = np.linalg.inv(np.linalg.cholesky(covariance)).astype(np.float32)
    means = means.astype(np.float32)
    limit = float(np.quantile(mahalanobis(validation, means, whiten), FAMILIAR))
    return Near(means, whiten, limit)


def things_that_are_no_cells(
    rng: np.random.Generator, data: Path, each: int, fields: Sequence[Path] = ()
) -> list[RgbImage]:
    """Noise and text, patches of hand photographs if there are any, and of the red cells of fields.

    Args:
        rng: draws them.
        data: folder of the public sets.
        each: how many of each sort.
        fields: folders of fields. They must be of laboratories that the network learnt from: a
            laboratory that is the test must not be known by its red cells either.
    """
    found = [draw(rng) for draw in (not_cells.noise, not_cells.text) for _ in range(each)]
    for folder in (data / "hands" / "images", data / "hands" / "phone"):
        photographs = _photographs(folder, 12)
        found += [
            not_cells.patch(rng, photographs[i % len(photographs)])
            for i in range(each // 2 if photographs else 0)
        ]
    shown = [photograph for folder in fields for photograph in _photographs(folder, 40)]
    cuts = [not_cells.patch(rng, shown[i % len(shown)]) for i in range(each if shown else 0)]
    found += [cut for cut in cuts if not not_cells.has_nucleus(cut)]
    return found


def _photographs(folder: Path, most: int) -> list[RgbImage]:
    if not folder.is_dir():
        return []
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() in PICTURES)
    return [read_rgb(path) for path in files[:most]]
