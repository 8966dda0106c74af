"""Both ways of counting on test data: errors by both labellings, intervals, boxes, robustness."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from core.datasets import near_duplicates
from core.datasets.fields import LabelledField, read_rgb
from core.datasets.public import cbc, txl
from core.evaluation.cbc_label_bias import (
    LabelBiasField,
    cross_validated_counts,
    fit_label_bias,
    label_bias_field,
)
from core.evaluation.detection import map50
from core.evaluation.erasing import drops
from core.evaluation.locator_suite import error_rows, relabelled_copies
from core.evaluation.robustness import robustness
from core.inference.locate.locator import locate, thresholds_of
from core.inference.locate.peaks import Peaks
from core.inference.locate.regression import density_map
from core.inference.smear import analyse
from core.models.cards.figures import (
    BoxRow,
    CountEvaluation,
    CoverageRows,
    ErasingRow,
    ErrorRows,
)
from core.models.smear_models import SmearModels
from core.models.weights import LoadedModel
from core.records import CellCounts, Field, RgbImage, SmearFinding
from core.statistics.classes import accuracy_row
from core.statistics.counts import bootstrap_interval, constant_predictor
from core.taxonomy import KINDS

Counts = npt.NDArray[np.float64]


def evaluate_counts(data: Path, models: SmearModels) -> CountEvaluation:
    """Measure every figure in the count model's card, and those that it shares with the locator.

    Raises:
        FileNotFoundError: if ``data`` lacks ``cbc`` or ``txl``.
    """
    fields = cbc.load(data / "cbc", "Testing")
    relabelled = relabelled_copies(data, fields)
    pictures = [read_rgb(field.path) for field in fields]
    findings = _findings(fields, pictures, models)
    truth = np.stack([field.counts() for field in relabelled])
    own = np.stack([field.counts() for field in fields])
    training = [
        field.counts()
        for field in txl.load(data / "txl", "train")
        if read_rgb(field.path).shape[:2] == (480, 640)
    ]
    constant = constant_predictor(np.stack(training))
    cbc_constant = constant_predictor(
        np.stack([field.counts() for field in cbc.load(data / "cbc", "Training")])
    )
    regressed = _values([_regressed(finding) for finding in findings])
    return {
        "fields": len(fields),
        "test_part": "60 CBC test fields, no copy of them in training or validation",
        "regression_txl_labels": error_rows(regressed, truth, constant),
        "regression_cbc_labels": error_rows(regressed, own, cbc_constant),
        "cbc_labelling_habit": _label_bias(data, fields, own, cbc_constant, models.locator),
        "interval_coverage": _coverage(data, fields, findings, truth, models),
        "methods_disagree": accuracy_row([_disagrees(finding) for finding in findings]),
        "locator_map50_txl_test": _boxes(data, models.locator),
        "erasing_one_red_cell": _erasing(pictures, as_taken(relabelled, pictures), models),
        "robustness_locator": robustness(pictures, truth, partial(_locator_counts, models.locator)),
    }


def _findings(
    fields: Sequence[LabelledField], pictures: Sequence[RgbImage], models: SmearModels
) -> list[SmearFinding]:
    return [
        analyse(Field(f.path.name, p, ""), models) for f, p in zip(fields, pictures, strict=True)
    ]


def _regressed(finding: SmearFinding) -> CellCounts:
    assert finding.regressed is not None
    return finding.regressed


def _disagrees(finding: SmearFinding) -> bool:
    return any(flag.code == "methods_disagree" for flag in finding.flags)


def _values(counts: Sequence[CellCounts]) -> Counts:
    return np.array([[c.of(kind).value for kind in KINDS] for c in counts])


def _locator_counts(locator: LoadedModel, pixels: RgbImage) -> Counts:
    kinds = locate(pixels, locator).peaks.above(thresholds_of(locator)).kinds
    return np.bincount(kinds, minlength=len(KINDS)).astype(float)


def _coverage(
    data: Path,
    fields: Sequence[LabelledField],
    findings: Sequence[SmearFinding],
    truth: npt.NDArray[np.integer],
    models: SmearModels,
) -> dict[str, CoverageRows]:
    """Coverage of the 90 % intervals on the CBC test fields and on TXL's test part.

    Copies of the CBC fields in TXL's test part are counted once.
    """
    more = txl.load(data / "txl", "test")
    twice = near_duplicates.copies_of(
        near_duplicates.hash_files([f.path for f in fields]),
        near_duplicates.hash_files([f.path for f in more]),
    )
    more = [field for field, out in zip(more, twice, strict=True) if not out]
    others = _findings(more, [read_rgb(field.path) for field in more], models)
    everything = [*findings, *others]
    true = np.concatenate([truth, np.stack([field.counts() for field in more])])
    return {
        "locator": _coverage_rows([f.counts for f in everything], true),
        "regression": _coverage_rows([_regressed(f) for f in everything], true),
    }


def _coverage_rows(counts: Sequence[CellCounts], truth: npt.NDArray[np.integer]) -> CoverageRows:
    """Coverage of each kind; ``truth`` is ``(fields, 3)``."""
    inside = np.array(
        [
            [
                c.of(kind).low <= true <= c.of(kind).high
                for kind, true in zip(KINDS, row, strict=True)
            ]
            for c, row in zip(counts, truth, strict=True)
        ]
    )
    rbc, wbc, platelet = (accuracy_row(column) for column in inside.T)
    width = float(np.mean([c.rbc.high - c.rbc.low for c in counts]))
    return {"rbc": rbc, "wbc": wbc, "platelet": platelet, "mean_width_rbc": width}


def _label_bias(
    data: Path,
    fields: Sequence[LabelledField],
    own: npt.NDArray[Any],
    constant: Counts,
    locator: LoadedModel,
) -> dict[str, ErrorRows]:
    """CBC's own labels: the labellers' bias learnt from the training part, and cross-validated.

    The first is the published protocol. The second uses, for each field of the test part, the
    labels of the other test fields: what can be reached where the test part's labeller is known.
    """
    train = cbc.load(data / "cbc", "Training")
    predicted: dict[str, list[Counts]] = {"from_training_part": [], "in_turn_within_test_part": []}
    for kind in range(len(KINDS)):
        learnt_from = [_label_bias_field(field, kind, locator) for field in train]
        test_fields = [_label_bias_field(field, kind, locator) for field in fields]
        label_bias = fit_label_bias(learnt_from)
        predicted["from_training_part"].append(
            np.array([label_bias.count(field) for field in test_fields])
        )
        predicted["in_turn_within_test_part"].append(cross_validated_counts(test_fields))
    return {name: error_rows(np.stack(rows, 1), own, constant) for name, rows in predicted.items()}


def _label_bias_field(field: LabelledField, kind: int, locator: LoadedModel) -> LabelBiasField:
    peaks, diameter, size = _located(field.path, locator)
    return label_bias_field(peaks, field, kind, diameter, size)


_LOCATED: dict[tuple[str, Path], tuple[Peaks, float, tuple[int, int]]] = {}


def _located(path: Path, locator: LoadedModel) -> tuple[Peaks, float, tuple[int, int]]:
    """Cells of a file, located once for all three kinds."""
    key = (locator.sha256, path)
    if key not in _LOCATED:
        pixels = read_rgb(path)
        located = locate(pixels, locator)
        size = (pixels.shape[1], pixels.shape[0])
        _LOCATED[key] = (
            located.peaks.above(thresholds_of(locator)),
            located.rbc_diameter_px or 0.2 * min(size),
            size,
        )
    return _LOCATED[key]


def _boxes(data: Path, locator: LoadedModel) -> BoxRow:
    """Average precision at an overlap of 0.5 on TXL's test part, with a bootstrap interval."""
    tests = txl.load(data / "txl", "test")
    predicted = [locate(read_rgb(f.path), locator).peaks for f in tests]
    truth = [(f.boxes_xyxy_px, f.kinds) for f in tests]
    rows = map50(predicted, truth)
    rng = np.random.default_rng(0)
    draws = []
    for _ in range(200):
        picks = rng.integers(0, len(tests), len(tests))
        value = map50([predicted[i] for i in picks], [truth[i] for i in picks])["map50"]
        draws.append(np.nan if value is None else value)
    low, high = (float(v) for v in np.nanpercentile(draws, [2.5, 97.5]))
    return {
        "rbc": rows["rbc"],
        "wbc": rows["wbc"],
        "platelet": rows["platelet"],
        "map50": rows["map50"],
        "n": len(tests),
        "low": low,
        "high": high,
    }


def as_taken(
    relabelled: Sequence[LabelledField], pictures: Sequence[RgbImage]
) -> list[LabelledField]:
    """TXL's boxes in pixels of CBC's picture; some copies were squeezed to 416x416."""
    rows = []
    for copy, pixels in zip(relabelled, pictures, strict=True):
        height, width = read_rgb(copy.path).shape[:2]
        scale = np.array([pixels.shape[1] / width, pixels.shape[0] / height] * 2, np.float32)
        rows.append(LabelledField(copy.path, copy.boxes_xyxy_px * scale, copy.kinds))
    return rows


def _erasing(
    pictures: Sequence[RgbImage], labels: Sequence[LabelledField], models: SmearModels
) -> ErasingRow:
    """Fall of the map's sum when one free-lying red cell of a field is painted over."""
    falls = np.concatenate(
        [
            drops([p], [f], 0, partial(_red_cells, models.counts, _diameter(p, models.locator)))
            for p, f in zip(pictures, labels, strict=True)
        ]
    )
    low, high = bootstrap_interval(falls)
    quarters = np.percentile(falls, [25, 50, 75])
    return {
        "cells": len(falls),
        "mean_fall": float(falls.mean()),
        "low": low,
        "high": high,
        "quartiles": [float(v) for v in quarters],
    }


def _diameter(pixels: RgbImage, locator: LoadedModel) -> float | None:
    return locate(pixels, locator).rbc_diameter_px


def _red_cells(counter: LoadedModel, diameter_px: float | None, pixels: RgbImage) -> float:
    return float(density_map(pixels, diameter_px, counter)[0].sum())
