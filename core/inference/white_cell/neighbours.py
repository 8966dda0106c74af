"""The training cells that look most like a cell to the network, by class."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from core.inference.white_cell.features import answers_of
from core.inference.white_cell.uncertainty import Uncertainty, uncertainty_of
from core.models.foundation import foundation_features, installed_foundation
from core.models.weights import LoadedModel
from core.records import RgbImage

Array = npt.NDArray[np.float32]

FOUNDATION: Final = "index.foundation"
"""Features of the indexed cells by a foundation model, where one was present."""


@dataclass(frozen=True)
class Neighbour:
    """A training cell: its class, file name within its set, and cosine distance, in [0, 2]."""

    label: str
    file: str
    distance: float

    def picture(self, data: Path) -> Path | None:
        """Where its picture lies under the folder of the public sets; None where it is absent.

        Only a file inside that folder: the name comes from a file beside the weights.
        """
        path = (data / self.file).resolve()
        return path if path.is_relative_to(data.resolve()) and path.is_file() else None


def nearest(
    feature: Array,
    label: str,
    uncertainty: Uncertainty,
    count: int = 3,
    beside: Array | None = None,
) -> list[Neighbour]:
    """The ``count`` nearest indexed training cells of one class, nearest first.

    Args:
        feature: ``(width,)`` features of the cell.
        beside: those of the foundation model that the index has features of too, if any: the
            distance is then the mean of both.
        label: the class to look in.
        uncertainty: holds the index.
        count: how many at most.

    Returns:
        An empty list where there is no index, or it holds no cell of the class.
    """
    index = uncertainty.card.index
    if index is None or label not in index.classes:
        return []
    rows = np.flatnonzero(uncertainty.tensors["index.label"] == index.classes.index(label))
    mean = uncertainty.tensors["axes.mean"]
    known = _unit(uncertainty.tensors["index.feature"][rows].astype(np.float32) - mean)
    near = 1 - known @ _unit(feature[None] - mean)[0]
    if beside is not None:
        stored = uncertainty.tensors[FOUNDATION].astype(np.float32)
        centre = stored.mean(axis=0)
        near = (near + 1 - _unit(stored[rows] - centre) @ _unit(beside[None] - centre)[0]) / 2
    order = np.argsort(near, kind="stable")[:count]
    return [Neighbour(label, index.files[int(rows[i])], max(0.0, float(near[i]))) for i in order]


def nearest_to_crop(
    crop: RgbImage, labels: Sequence[str], model: LoadedModel, count: int = 3
) -> dict[str, list[Neighbour]]:
    """The nearest training cells of each class for a crop as the classifier ``model`` sees it.

    Empty for a model without fitted uncertainty.
    """
    uncertainty = uncertainty_of(model)
    if uncertainty is None:
        return {}
    feature = answers_of([crop], model).features[0]
    beside = _foundation_feature(crop, uncertainty)
    return {label: nearest(feature, label, uncertainty, count, beside) for label in labels}


def _foundation_feature(crop: RgbImage, uncertainty: Uncertainty) -> Array | None:
    """Of the foundation model that the index knows; None where it is not here."""
    index, installed = uncertainty.card.index, installed_foundation()
    if index is None or installed is None or installed.identity != index.foundation:
        return None
    return foundation_features([crop], installed)[0]


def _unit(rows: Array) -> Array:
    return np.asarray(
        rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9), np.float32
    )
