"""What CBC's labellers boxed: a model of their bias over the cells that the locator finds.

The CBC labels leave out about four red cells in ten, mostly cut or overlapped ones, and by how
much differs from one stretch of the set to the next. A logistic model of the
position and size of a located cell gives the probability that it was boxed; the sum over a field's
cells is the count they would write.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from core.datasets.fields import LabelledField
from core.inference.locate.peaks import Peaks, box_iou
from core.taxonomy import KINDS

Array = npt.NDArray[np.float64]
_SAME_CELL = 0.3
"""Overlap above which a labelled box counts as a located cell."""


@dataclass(frozen=True)
class LabelBiasField:
    """Located cells of one kind in one field: position and size of each, and whether it was boxed.

    ``features`` ``(N, 6)``: score, width and area in red-cell diameters, distance to the nearest
    edge in diameters, largest share covered by a red cell, and whether it touches an edge.
    """

    features: Array
    boxed: npt.NDArray[np.bool_]
    labelled: int


def label_bias_field(
    peaks: Peaks, labels: LabelledField, kind: int, diameter_px: float, size: tuple[int, int]
) -> LabelBiasField:
    """One field for the model of the labellers' bias.

    Args:
        peaks: the cells located in it, above their thresholds, all kinds.
        labels: the field as labelled.
        kind: index into ``KINDS``.
        diameter_px: of its red cells.
        size: width and height in pixels.
    """
    boxes = peaks.boxes_xyxy.astype(float)
    red = peaks.kinds == KINDS.index("rbc")
    sides = np.maximum(boxes[:, 2:] - boxes[:, :2], 1e-6)
    limit = np.array([*size, *size], float)
    margins = np.concatenate([boxes[:, :2], limit[2:] - boxes[:, 2:]], axis=1) / diameter_px
    nearest = margins.min(axis=1) if len(boxes) else np.zeros(0)
    low = np.maximum(boxes[:, None, :2], boxes[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
    shared = np.clip(high - low, 0, None).prod(axis=2)
    np.fill_diagonal(shared, 0)
    covered = shared / sides.prod(axis=1)[:, None]
    worst = covered[:, red].max(axis=1, initial=0.0)
    all_features = np.stack(
        [
            peaks.scores.astype(float),
            sides[:, 0] / diameter_px,
            sides.prod(axis=1) / diameter_px**2,
            nearest,
            worst,
            (nearest < 0.03).astype(float),
        ],
        axis=1,
    )
    ours = peaks.kinds == kind
    theirs = labels.boxes_xyxy_px[labels.kinds == kind]
    boxed = np.zeros(int(ours.sum()), bool)
    if len(theirs) and len(boxed):
        overlap = box_iou(boxes[ours], theirs)
        mine, other = linear_sum_assignment(-overlap)
        boxed[mine[overlap[mine, other] >= _SAME_CELL]] = True
    return LabelBiasField(all_features[ours], boxed, len(theirs))


@dataclass(frozen=True)
class LabelBias:
    """The labellers' bias: each cell's chance of being boxed, and a constant for the others.

    ``model`` is None where all cells or none were boxed; then ``share`` holds for every
    cell.
    ``offset`` stands for cells that were boxed and not located.
    """

    model: Pipeline | None
    share: float
    offset: float

    def count(self, field: LabelBiasField) -> float:
        """The count the labellers would write, never below zero."""
        return max(0.0, self._expected(field) + self.offset)

    def _expected(self, field: LabelBiasField) -> float:
        if not len(field.features):
            return 0.0
        if self.model is None:
            return self.share * len(field.features)
        return float(self.model.predict_proba(field.features)[:, 1].sum())


def fit_label_bias(fields: Sequence[LabelBiasField]) -> LabelBias:
    """The bias in ``fields``; the constant is the median difference from the labelled counts."""
    features = np.concatenate([field.features for field in fields])
    boxed = np.concatenate([field.boxed for field in fields])
    share = float(boxed.mean()) if len(boxed) else 0.0
    model = None
    if len(set(boxed.tolist())) == 2:
        model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=500))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(features, boxed)
    without_offset = LabelBias(model, share, 0.0)
    missed = [field.labelled - without_offset._expected(field) for field in fields]
    return LabelBias(model, share, float(np.median(missed)))


def cross_validated_counts(
    fields: Sequence[LabelBiasField], parts: int = 10, seed: int = 0
) -> Array:
    """Counts of every field by a bias fitted on the other parts, ``(fields,)``."""
    part = np.random.default_rng(seed).permutation(len(fields)) % parts
    counts = np.zeros(len(fields))
    for held_out in range(parts):
        label_bias = fit_label_bias([f for f, p in zip(fields, part, strict=True) if p != held_out])
        for place in np.flatnonzero(part == held_out):
            counts[place] = label_bias.count(fields[int(place)])
    return counts
