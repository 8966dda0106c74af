"""The figures of an adaptation curve, as they are stored and printed."""

from collections.abc import Sequence

import numpy as np
from typing_extensions import TypedDict

from core.models.weights import LoadedModel
from core.training.white_cells.laboratories import LABORATORY_TITLES


class CurveDraw(TypedDict):
    """One draw: balanced accuracy and plain accuracy over the common classes, on ``test`` cells.

    ``kept`` is the accuracy at home after adapting over the one before; ``refused`` says why
    adapting would be refused, and is empty where it would not.
    """

    per_class: int
    draw: int
    learnt: int
    test: int
    before: float
    after: float
    accuracy_before: float
    accuracy_after: float
    kept: float
    seconds: float
    refused: str


class CurvePoint(TypedDict):
    """Means over ``draws`` draws; ``least`` is of ``after``, ``kept`` the least of the draws."""

    per_class: int
    draws: int
    learnt: float
    test: float
    before: float
    after: float
    accuracy_before: float
    accuracy_after: float
    least: float
    kept: float
    refused: int


class Curve(TypedDict):
    """What is written: the curve of one model in one laboratory, and the draws behind it."""

    laboratory: str
    title: str
    model: str
    measure: str
    curve: list[CurvePoint]
    rows: list[CurveDraw]


def curve_of(rows: Sequence[CurveDraw], model: LoadedModel, laboratory: str) -> Curve:
    """The curve over all draws of a model in a laboratory."""
    return {
        "laboratory": laboratory,
        "title": LABORATORY_TITLES[laboratory],
        "model": model.identity,
        "measure": "balanced accuracy over the common classes; kept: least share of the original "
        "laboratory's accuracy",
        "curve": [
            _point([row for row in rows if row["per_class"] == number])
            for number in sorted({row["per_class"] for row in rows})
        ],
        "rows": list(rows),
    }


def _point(draws: Sequence[CurveDraw]) -> CurvePoint:
    return {
        "per_class": draws[0]["per_class"],
        "draws": len(draws),
        "learnt": float(np.mean([draw["learnt"] for draw in draws])),
        "test": float(np.mean([draw["test"] for draw in draws])),
        "before": float(np.mean([draw["before"] for draw in draws])),
        "after": float(np.mean([draw["after"] for draw in draws])),
        "accuracy_before": float(np.mean([draw["accuracy_before"] for draw in draws])),
        "accuracy_after": float(np.mean([draw["accuracy_after"] for draw in draws])),
        "least": min(draw["after"] for draw in draws),
        "kept": min(draw["kept"] for draw in draws),
        "refused": sum(bool(draw["refused"]) for draw in draws),
    }


def as_table(figures: Curve) -> str:
    """A Markdown table of the curve."""
    lines = [
        f"{figures['title']}, {figures['model']}",
        "",
        "| cells a class | draws | learnt from | tested on | before | after, mean | least | "
        "original laboratory kept | refused |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row['per_class']} | {row['draws']} | {row['learnt']:.0f} | {row['test']:.0f} | "
        f"{row['before']:.1%} | {row['after']:.1%} | {row['least']:.1%} | {row['kept']:.1%} | "
        f"{row['refused']} |"
        for row in figures["curve"]
    ]
    return "\n".join(lines)
