"""The program on the laboratory's slides, beside the laboratory's own results."""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any, Final, TypedDict

import numpy as np

from core.datasets.intake.cell_names import UNDIVIDED
from core.imaging.read import ImageRefused
from core.inference.batch import Source
from core.inference.smear import analyse
from core.models.smear_models import SmearModels
from core.records import Box, Cell, SmearFinding, WbcCall
from core.review.acceptance.results import LocalResults, kinds_of
from core.statistics.agreement import Share, agreement
from core.statistics.bland_altman import bland_altman
from core.statistics.calibration import expected_calibration_error
from core.statistics.counts import bootstrap_interval
from core.statistics.passing_bablok import passing_bablok
from core.taxonomy import KINDS, NOT_LEUKOCYTES, WBC_CLASSES, parent_of

_OVERLAP: Final = 0.3
"""Least intersection over union of a laboratory's box and a located cell to be the same one."""


class Figure(TypedDict):
    """A number with its 95 % interval; None where it or an end of the interval is undetermined."""

    value: float | None
    low: float | None
    high: float | None
    n: int


class Pairs(TypedDict):
    """One measurement by both: ``reference`` is the laboratory's, ``other`` the program's.

    ``samples`` are names of pictures or slides, in the order of the values.
    """

    unit: str
    samples: list[str]
    reference: list[float]
    other: list[float]


@dataclass(frozen=True)
class Measured:
    """What was found, as plain values that can be kept as JSON.

    ``figures`` are the numbers that limits can be set on, by name. ``labels`` are (laboratory,
    program) for each cell of known class, ``numbers`` the pairs of each measurement, by name.
    """

    models: dict[str, str]
    fields: int
    slides: int
    white_cells: int
    not_found: int
    refused: tuple[str, ...]
    unmatched: tuple[str, ...]
    figures: dict[str, Figure]
    labels: tuple[tuple[str, str], ...]
    numbers: dict[str, Pairs]
    baselines: dict[str, float]

    def as_json(self) -> dict[str, object]:
        return asdict(self)


def _place(name: str) -> int:
    """Measurements in the order of the taxonomy: counts, then shares."""
    order = (*KINDS, f"share_{UNDIVIDED}", *(f"share_{label}" for label in WBC_CLASSES))
    return order.index(name) if name in order else len(order)


# Any: what is stored is checked by nobody else; its keys are those of as_json().
def from_json(stored: Mapping[str, Any]) -> Measured:
    """What :meth:`Measured.as_json` gave."""
    return Measured(
        **{
            **stored,
            "numbers": {
                name: stored["numbers"][name] for name in sorted(stored["numbers"], key=_place)
            },
            "refused": tuple(stored["refused"]),
            "unmatched": tuple(stored["unmatched"]),
            "labels": tuple((one, other) for one, other in stored["labels"]),
        }
    )


def measure(
    sources: Sequence[Source],
    results: LocalResults,
    models: SmearModels,
    progress: Callable[[int, int, str], None] = lambda done, total, name: None,
) -> Measured:
    """Analyse every picture and compare.

    Args:
        sources: the pictures; one that is refused is listed and left out.
        results: of :func:`core.review.acceptance.results.read_results`.
        models: what answers, usually the live ones.
        progress: told done, total and the name before each picture.
    """
    findings: dict[str, SmearFinding] = {}
    refused: list[str] = []
    for done, source in enumerate(sources):
        progress(done, len(sources), source.name)
        try:
            field = source.opened()
            findings[field.name] = analyse(field, models)
        except ImageRefused as refusal:
            refused.append(refusal.message)
    progress(len(sources), len(sources), "")
    calls, labels, not_found = _cells(findings, results)
    white = [c.wbc for f in findings.values() for c in f.cells_of("wbc") if c.wbc]
    numbers = _counts(findings, results) | _shares(findings, results)
    wanted = {*results.counts, *results.cells}
    slides = {results.slide_of(name) for name in findings}
    return Measured(
        models={"locator": models.locator.identity, "wbc": models.white_cells.identity},
        fields=len(findings),
        slides=len(slides),
        white_cells=len(white),
        not_found=not_found,
        refused=tuple(refused),
        unmatched=tuple(
            sorted((wanted - set(findings)) | (set(results.shares) - slides if findings else set()))
        ),
        figures=_cell_figures(labels, calls) | _rates(white) | _biases(numbers),
        labels=tuple(labels),
        numbers=numbers,
        baselines=_baselines(labels, numbers),
    )


def _cells(
    findings: dict[str, SmearFinding], results: LocalResults
) -> tuple[list[WbcCall], list[tuple[str, str]], int]:
    """Calls and (laboratory, program) labels of the cells of known class, and those not located."""
    calls: list[WbcCall] = []
    labels: list[tuple[str, str]] = []
    missed = 0
    for name, known in results.cells.items():
        if name not in findings:
            continue
        white = list(findings[name].cells_of("wbc"))
        for result in known:
            cell = _match(white, result.box_xyxy_px)
            if cell is None or cell.wbc is None:
                missed += 1
                continue
            white.remove(cell)
            said = cell.wbc.label
            # Where the laboratory did not divide neutrophils the program need not either.
            labels.append((result.label, parent_of(said) if result.label == UNDIVIDED else said))
            calls.append(cell.wbc)
    return calls, labels, missed


def _match(white: Sequence[Cell], box: Box | None) -> Cell | None:
    if not white:
        return None
    if box is None:
        return max(white, key=lambda cell: cell.width_px * cell.height_px)
    best = max(white, key=lambda cell: _overlap(cell.box_xyxy_px, box))
    return best if _overlap(best.box_xyxy_px, box) >= _OVERLAP else None


def _overlap(one: Box, other: Box) -> float:
    wide = min(one[2], other[2]) - max(one[0], other[0])
    high = min(one[3], other[3]) - max(one[1], other[1])
    both = max(0.0, wide) * max(0.0, high)
    area = sum((b[2] - b[0]) * (b[3] - b[1]) for b in (one, other))
    return both / (area - both)


def _figure(value: float | None, low: float | None, high: float | None, n: int) -> Figure:
    # An unbounded slope has no number in JSON.
    low, high = (end if end is not None and math.isfinite(end) else None for end in (low, high))
    return {"value": value, "low": low, "high": high, "n": n}


def _share(share: Share) -> Figure:
    interval = share.interval
    return _figure(share.value, interval.low, interval.high, share.of)


def _cell_figures(labels: Sequence[tuple[str, str]], calls: Sequence[WbcCall]) -> dict[str, Figure]:
    if not labels:
        return {}
    found = agreement([one for one, _ in labels], [other for _, other in labels])
    known = found.plain_kappa
    right = np.array([one == other for one, other in labels])
    top = np.array([call.probability for call in calls])
    # Two columns, sure and not: the error of the top answer alone needs no more.
    error = expected_calibration_error(
        np.stack([top, np.zeros_like(top)], axis=1), np.where(right, 0, 1)
    )
    critical = [row for row in found.by_class if row.label in ("blast", "immature_granulocyte")]
    held = [
        result in _closed(call.prediction_set)
        for (result, _), call in zip(labels, calls, strict=True)
    ]
    figures = {
        "accuracy": _share(found.accuracy),
        "kappa": _figure(known.value, known.low, known.high, known.items),
        "calibration_error": _figure(error, None, None, len(labels)),
        "set_coverage": _share(Share(sum(held), len(held))),
    }
    for row in critical:
        if row.sensitivity.of:
            figures[f"sensitivity_{row.label}"] = _share(row.sensitivity)
    return figures


def _closed(labels: Sequence[str]) -> set[str]:
    return {*labels, *(parent_of(label) for label in labels)}


def _rates(white: Sequence[WbcCall]) -> dict[str, Figure]:
    if not white:
        return {}
    abstained = sum(call.abstained for call in white)
    novel = sum(any("novel" in flag.code for flag in call.flags) for call in white)
    return {
        "abstained": _share(Share(abstained, len(white))),
        "novel": _share(Share(novel, len(white))),
    }


def _counts(findings: dict[str, SmearFinding], results: LocalResults) -> dict[str, Pairs]:
    numbers: dict[str, Pairs] = {}
    for kind in kinds_of(results):
        names = [n for n in findings if kind in results.counts.get(n, {})]
        if names:
            numbers[kind] = {
                "unit": "cells per field",
                "samples": names,
                "reference": [results.counts[n][kind] for n in names],
                "other": [findings[n].counts.of(kind).value for n in names],
            }
    return numbers


def _shares(findings: dict[str, SmearFinding], results: LocalResults) -> dict[str, Pairs]:
    by_slide: dict[str, Counter[str]] = {}
    for name, finding in findings.items():
        counted = by_slide.setdefault(results.slide_of(name), Counter())
        for cell in finding.cells_of("wbc"):
            if cell.wbc and cell.wbc.label not in NOT_LEUKOCYTES:
                counted[cell.wbc.label] += 1
    slides = [s for s in results.shares if s in by_slide and by_slide[s].total()]
    classes = sorted(
        {n for s in slides for n in results.shares[s]}, key=lambda n: _place(f"share_{n}")
    )
    numbers: dict[str, Pairs] = {}
    for label in classes:
        here = [slide for slide in slides if label in results.shares[slide]]
        numbers[f"share_{label}"] = {
            "unit": "% of leukocytes",
            "samples": here,
            "reference": [results.shares[slide][label] for slide in here],
            "other": [
                100
                * sum(n for said, n in by_slide[s].items() if label in (said, parent_of(said)))
                / by_slide[s].total()
                for s in here
            ],
        }
    return numbers


def _biases(numbers: dict[str, Pairs]) -> dict[str, Figure]:
    """Bias, limits of agreement, mean absolute error and slope of every measurement."""
    figures: dict[str, Figure] = {}
    for name, pairs in numbers.items():
        x, y = np.array(pairs["reference"], float), np.array(pairs["other"], float)
        low, high = bootstrap_interval(np.abs(y - x), draws=2000)
        figures[f"error_{name}"] = _figure(float(np.abs(y - x).mean()), low, high, len(x))
        if len(x) < 3:
            continue
        found = bland_altman(x, y)
        figures[f"bias_{name}"] = _figure(
            found.bias, found.bias_interval.low, found.bias_interval.high, len(x)
        )
        figures[f"lower_limit_{name}"] = _figure(
            found.lower, found.lower_interval.low, found.lower_interval.high, len(x)
        )
        figures[f"upper_limit_{name}"] = _figure(
            found.upper, found.upper_interval.low, found.upper_interval.high, len(x)
        )
        try:
            line = passing_bablok(x, y)
        except ValueError:
            continue
        slope, intercept = line.slope_interval, line.intercept_interval
        figures[f"slope_{name}"] = _figure(line.slope, slope.low, slope.high, len(x))
        figures[f"intercept_{name}"] = _figure(
            line.intercept, intercept.low, intercept.high, len(x)
        )
    return figures


def _baselines(labels: Sequence[tuple[str, str]], numbers: dict[str, Pairs]) -> dict[str, float]:
    """What always answering the most frequent class, or the middle count, would reach here."""
    found = {}
    if labels:
        often = Counter(one for one, _ in labels).most_common(1)[0][1]
        found["accuracy"] = often / len(labels)
    for name, pairs in numbers.items():
        middle = median(pairs["reference"])
        found[f"error_{name}"] = float(np.abs(np.array(pairs["reference"]) - middle).mean())
    return found
