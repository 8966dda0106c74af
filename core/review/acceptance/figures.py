"""The figures of a lab acceptance: what limits can be set on."""

import math
from collections import Counter
from collections.abc import Sequence
from statistics import median

import numpy as np

from core.records import WbcCall
from core.review.acceptance.measured import Figure, Pairs
from core.statistics.agreement import Share, agreement
from core.statistics.bland_altman import bland_altman
from core.statistics.calibration import expected_calibration_error
from core.statistics.counts import bootstrap_interval
from core.statistics.passing_bablok import passing_bablok
from core.taxonomy import parent_of


def _figure(value: float | None, low: float | None, high: float | None, n: int) -> Figure:
    # An unbounded slope has no number in JSON.
    low, high = (end if end is not None and math.isfinite(end) else None for end in (low, high))
    return {"value": value, "low": low, "high": high, "n": n}


def _share(share: Share) -> Figure:
    interval = share.interval
    return _figure(share.value, interval.low, interval.high, share.of)


def cell_figures(labels: Sequence[tuple[str, str]], calls: Sequence[WbcCall]) -> dict[str, Figure]:
    """Agreement, calibration and coverage on cells of known class.

    Args:
        labels: (laboratory, program) of each cell.
        calls: the program's call of each, in the same order.
    """
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
    covered = [
        result in _closed(call.prediction_set)
        for (result, _), call in zip(labels, calls, strict=True)
    ]
    figures = {
        "accuracy": _share(found.accuracy),
        "kappa": _figure(known.value, known.low, known.high, known.items),
        "calibration_error": _figure(error, None, None, len(labels)),
        "set_coverage": _share(Share(sum(covered), len(covered))),
    }
    for row in critical:
        if row.sensitivity.of:
            figures[f"sensitivity_{row.label}"] = _share(row.sensitivity)
    return figures


def _closed(labels: Sequence[str]) -> set[str]:
    return {*labels, *(parent_of(label) for label in labels)}


def rates(white: Sequence[WbcCall]) -> dict[str, Figure]:
    """Shares of all white cells, of known class or not, that were left unsure or called novel."""
    if not white:
        return {}
    abstained = sum(call.abstained for call in white)
    novel = sum(any("novel" in flag.code for flag in call.flags) for call in white)
    return {
        "abstained": _share(Share(abstained, len(white))),
        "novel": _share(Share(novel, len(white))),
    }


def biases(numbers: dict[str, Pairs]) -> dict[str, Figure]:
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


def baselines(labels: Sequence[tuple[str, str]], numbers: dict[str, Pairs]) -> dict[str, float]:
    """What always answering the most frequent class, or the middle count, would reach here."""
    found = {}
    if labels:
        often = Counter(one for one, _ in labels).most_common(1)[0][1]
        found["accuracy"] = often / len(labels)
    for name, pairs in numbers.items():
        middle = median(pairs["reference"])
        found[f"error_{name}"] = float(np.abs(np.array(pairs["reference"]) - middle).mean())
    return found
