"""Count errors as Markdown tables and figures for documents."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from core.models.cards.figures import ErrorRow
from core.statistics.paired import paired_errors
from core.studies.learning_curve_result import Cell, LearningCurve
from core.studies.line_chart import Line, line_chart_svg
from core.studies.papers.counts_result import KindOrMean, MeanErrors

ROWS: Final[tuple[tuple[KindOrMean, str], ...]] = (
    ("rbc", "RBC"),
    ("wbc", "WBC"),
    ("platelet", "platelets"),
    ("mean", "mean"),
)


def table(columns: Mapping[str, tuple[float, ...] | MeanErrors]) -> str:
    """Errors of each kind and their mean, one column for each method.

    A column is four printed numbers, or a row of ours with the interval of its mean.
    """
    head = "| | " + " | ".join(columns) + " |"
    lines = [head, "|---" * (len(columns) + 1) + "|"]
    for place, (key, name) in enumerate(ROWS):
        cells = []
        for column in columns.values():
            if isinstance(column, tuple):
                text = f"{column[place]:.2f}"
            else:
                text = f"{column[key]:.2f}"
                if key == "mean":
                    text += f" ({column['mean_low']:.2f} to {column['mean_high']:.2f})"
            cells.append(text)
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def loss_curves_svg(curve: Sequence[Sequence[float]]) -> str:
    """Figure 5 of the paper: loss of training and validation by epoch, on a logarithmic scale.

    ``curve`` holds ``(epoch, training, validation)`` rows.
    """
    return line_chart_svg(
        [
            Line("training", [(e, t) for e, t, _ in curve], "#0072b2"),
            Line("validation", [(e, v) for e, _, v in curve], "#d55e00", dash="7 4"),
        ],
        "Mean absolute error while training (as figure 5)",
        "epoch",
        "mean absolute error",
        log_y=True,
    )


CURVE_COUNTERS: Final = {"plain": "plain regression", "map": "map that sums to the count"}
"""The counters of the learning curve, as tables name them."""

_CURVE_LINES: Final = {
    ("plain", False): ("plain regression", "#cc79a7", "2 4"),
    ("plain", True): ("plain, with drawn", "#e69f00", "9 4"),
    ("map", False): ("map that sums", "#0072b2", ""),
    ("map", True): ("map, with drawn", "#009e73", "7 4"),
}


def learning_curve_table(curve: LearningCurve) -> str:
    """Mean error by labelled fields, one column for each counter without and with drawn fields."""
    cells, extra = _cells(curve), curve["drawn"]
    columns = [(counter, drawn) for counter in CURVE_COUNTERS for drawn in sorted({0, extra})]
    names = [f"and {drawn} drawn fields" if drawn else CURVE_COUNTERS[c] for c, drawn in columns]
    lines = _head("labelled fields", *names)
    for size in curve["sizes"]:
        row = [_with_interval(cells[c, size, drawn]["errors"]["mean"]) for c, drawn in columns]
        lines.append(f"| {size} | " + " | ".join(row) + " |")
    return "\n".join(lines)


def learning_curve_gains_table(curve: LearningCurve) -> str:
    """What the drawn fields change in the mean error, with the interval of the paired difference.

    Below zero they help.
    """
    cells = _cells(curve)
    lines = _head("labelled fields", *CURVE_COUNTERS.values())
    for size in curve["sizes"]:
        row = []
        for counter in CURVE_COUNTERS:
            without, with_drawn = (
                np.array(cells[counter, size, drawn]["field_errors"])
                for drawn in (0, curve["drawn"])
            )
            gain = paired_errors(without, with_drawn)
            row.append(f"{gain.difference:+.2f} ({gain.low:+.2f} to {gain.high:+.2f})")
        lines.append(f"| {size} | " + " | ".join(row) + " |")
    return "\n".join(lines)


def learning_curve_kinds_table(curve: LearningCurve) -> str:
    """Error of each kind and their mean, one line for each training, the constant and the locator.

    With 95 % intervals.
    """
    lines = _head("", *(name for _, name in ROWS))
    rows = {
        f"{CURVE_COUNTERS[cell['counter']]}, {cell['labelled']} labelled"
        + (f" and {cell['drawn']} drawn" if cell["drawn"] else ""): cell["errors"]
        for cell in curve["cells"]
    }
    rows |= {"always the training median": curve["constant"], "our locator": curve["locator"]}
    for name, errors in rows.items():
        lines.append(
            f"| {name} | " + " | ".join(_with_interval(errors[key]) for key, _ in ROWS) + " |"
        )
    return "\n".join(lines)


def learning_curve_svg(curve: LearningCurve) -> str:
    """Mean error by labelled fields, with intervals, beside the constant and the locator.

    Raises:
        ValueError: if there is only one number of labelled fields.
    """
    cells, sizes = _cells(curve), curve["sizes"]
    lines = []
    for (counter, with_drawn), (name, colour, dash) in _CURVE_LINES.items():
        if with_drawn and not curve["drawn"]:
            continue
        drawn = curve["drawn"] if with_drawn else 0
        means = [cells[counter, size, drawn]["errors"]["mean"] for size in sizes]
        lines.append(
            Line(
                name,
                [(s, m["mean_absolute_error"]) for s, m in zip(sizes, means, strict=True)],
                colour,
                dash,
                [m["low"] for m in means],
                [m["high"] for m in means],
            )
        )
    for name, errors, colour, dash in (
        ("always the median", curve["constant"], "#8a8f98", "1 3"),
        ("locator, boxes", curve["locator"], "#d55e00", "12 3"),
    ):
        mean = errors["mean"]["mean_absolute_error"]
        lines.append(Line(name, [(sizes[0], mean)], colour, dash))
    return line_chart_svg(
        lines,
        f"Count error by labelled fields, {curve['fields']['test']} test fields",
        "labelled fields (counts only)",
        "mean absolute error a field",
        log_x=True,
        x_ticks=sizes,
    )


def _cells(curve: LearningCurve) -> dict[tuple[str, int, int], Cell]:
    return {(c["counter"], c["labelled"], c["drawn"]): c for c in curve["cells"]}


def _head(*names: str) -> list[str]:
    return ["| " + " | ".join(names) + " |", "|---" * len(names) + "|"]


def _with_interval(row: ErrorRow) -> str:
    return f"{row['mean_absolute_error']:.2f} ({row['low']:.2f} to {row['high']:.2f})"
