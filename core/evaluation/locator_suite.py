"""The locator on the 60 CBC test fields, on which nothing was tuned.

Count errors by both labellings of those fields, beside the constant predictor.
"""

from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from core.datasets import near_duplicates
from core.datasets.fields import LabelledField, read_rgb
from core.datasets.public import cbc, txl
from core.evaluation.boxes_elsewhere import evaluate_deepbionet
from core.inference.smear import analyse
from core.models.cards.figures import (
    DifferenceRow,
    ErrorRow,
    ErrorRows,
    LocatorEvaluation,
    RepeatabilityRows,
)
from core.models.smear_models import SmearModels
from core.records import Field, RgbImage
from core.statistics.counts import bootstrap_interval, constant_predictor
from core.taxonomy import KINDS

ZOOMS = (0.5, 0.75, 1.5, 2.0)


@lru_cache(maxsize=1)
def _txl(data: Path) -> tuple[list[LabelledField], near_duplicates.Bits]:
    """Every TXL-PBC field and its hash: 1,390 pictures, read once in a process."""
    pool = [field for part in ("train", "val", "test") for field in txl.load(data / "txl", part)]
    return pool, near_duplicates.hash_files([field.path for field in pool])


def relabelled_copies(data: Path, fields: list[LabelledField]) -> list[LabelledField]:
    """The TXL-PBC copy of each field, found by difference hash.

    Raises:
        ValueError: if a field has no copy within the near-duplicate distance.
    """
    pool, hashes = _txl(data)
    distances = near_duplicates.distances(
        near_duplicates.hash_files([f.path for f in fields]), hashes
    )
    nearest = distances.argmin(axis=1)
    without_copy = [
        f.path.name
        for f, d in zip(fields, distances.min(axis=1), strict=True)
        if d >= near_duplicates.MAX_DISTANCE
    ]
    if without_copy:
        raise ValueError(f"no TXL-PBC copy of {', '.join(without_copy)}")
    return [pool[int(i)] for i in nearest]


def label_repeatability(data: Path) -> RepeatabilityRows:
    """How far two labellings of the same picture differ: the set has some pictures twice.

    If both labellings have independent errors of equal size, a perfect locator differs from each by
    about this over the square root of two.
    """
    pool, hashes = _txl(data)
    first_counts: dict[int, npt.NDArray[np.int64]] = {}
    differences = []
    for field, group in zip(pool, near_duplicates.groups(hashes).tolist(), strict=True):
        if group in first_counts:
            differences.append(np.abs(field.counts() - first_counts[group]))
        else:
            first_counts[group] = field.counts()
    rbc, wbc, platelet = (_difference_row(column) for column in np.array(differences).T)
    return {"n": len(differences), "rbc": rbc, "wbc": wbc, "platelet": platelet}


def _difference_row(differences: npt.NDArray[np.int64]) -> DifferenceRow:
    low, high = bootstrap_interval(differences)
    return {"mean_difference": float(differences.mean()), "low": low, "high": high}


def evaluate_locator(data: Path, models: SmearModels) -> LocatorEvaluation:
    """Measure every figure in the locator's card.

    Raises:
        FileNotFoundError: if ``data`` lacks ``cbc`` or ``txl``.
    """
    fields = cbc.load(data / "cbc", "Testing")
    pictures = [read_rgb(field.path) for field in fields]
    findings = [
        analyse(Field(f.path.name, p, ""), models) for f, p in zip(fields, pictures, strict=True)
    ]
    counted = np.array([[f.counts.of(kind).value for kind in KINDS] for f in findings])
    relabelled = np.stack([field.counts() for field in relabelled_copies(data, fields)])
    covered = np.array(
        [
            [
                f.counts.of(k).low <= t <= f.counts.of(k).high
                for k, t in zip(KINDS, row, strict=True)
            ]
            for f, row in zip(findings, relabelled, strict=True)
        ]
    )
    own = np.stack([field.counts() for field in fields])
    cbc_training = np.stack([field.counts() for field in cbc.load(data / "cbc", "Training")])
    # Each labelling gets the constant of its own training part. Of TXL-PBC only pictures of
    # 640x480 are used, the size of the test fields.
    camera_fields = [
        field
        for field in txl.load(data / "txl", "train")
        if read_rgb(field.path).shape[:2] == (480, 640)
    ]
    constant = constant_predictor(np.stack([field.counts() for field in camera_fields]))
    figures: LocatorEvaluation = {
        "fields": len(fields),
        "test_part": "60 CBC test fields, no copy of them in training or validation",
        "txl_labels": error_rows(counted, relabelled, constant),
        "cbc_labels": error_rows(counted, own, constant_predictor(cbc_training)),
        "label_repeatability_txl": label_repeatability(data),
        "interval_coverage_txl": {k: float(covered[:, i].mean()) for i, k in enumerate(KINDS)},
        "rbc_change_when_resized": {
            str(zoom): _rbc_change(pictures, counted[:, 0], zoom, models) for zoom in ZOOMS
        },
    }
    if elsewhere := evaluate_deepbionet(data, models.locator):
        figures["deepbionet_test_fields"] = elsewhere
    return figures


def error_rows(
    counted: npt.NDArray[Any], truth: npt.NDArray[Any], constant: npt.NDArray[Any]
) -> ErrorRows:
    """Mean absolute error of each kind and of their mean, with 95 % interval and the constant's.

    ``counted`` and ``truth`` are ``(fields, 3)``, ``constant`` ``(3,)``.
    """
    errors = np.abs(counted - truth)
    naive = np.abs(constant - truth)
    rbc, wbc, platelet = (_error_row(errors[:, i], naive[:, i]) for i in range(len(KINDS)))
    return {
        "constant": [float(c) for c in constant],
        "n": len(truth),
        "rbc": rbc,
        "wbc": wbc,
        "platelet": platelet,
        "mean": _error_row(errors.mean(axis=1), naive.mean(axis=1)),
    }


def _error_row(errors: npt.NDArray[Any], naive: npt.NDArray[Any]) -> ErrorRow:
    """Errors of each field, ``(fields,)``, beside those of the constant predictor."""
    low, high = bootstrap_interval(errors)
    return {
        "mean_absolute_error": float(errors.mean()),
        "low": low,
        "high": high,
        "constant_predictor": float(naive.mean()),
    }


def _rbc_change(
    pictures: list[RgbImage], before: npt.NDArray[Any], zoom: float, models: SmearModels
) -> float:
    """Mean absolute change of the RBC count when every field is resized by ``zoom``."""
    after = []
    for pixels in pictures:
        method = cv2.INTER_AREA if zoom < 1 else cv2.INTER_CUBIC
        resized = cv2.resize(pixels, None, fx=zoom, fy=zoom, interpolation=method).astype(np.uint8)
        after.append(analyse(Field("resized", resized, ""), models).counts.rbc.value)
    return float(np.abs(np.array(after) - before).mean())
