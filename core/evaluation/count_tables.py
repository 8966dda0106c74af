"""Count errors as Markdown tables and figures for documents."""

from collections.abc import Mapping, Sequence
from typing import Any

from core.evaluation.line_chart import Line, line_chart_svg

_ROWS = (("rbc", "RBC"), ("wbc", "WBC"), ("platelet", "platelets"), ("mean", "mean"))


def table(columns: Mapping[str, Sequence[float] | Mapping[str, Any]]) -> str:
    """Errors of each kind and their mean, one column for each method.

    A column is four printed numbers, or a row of ours with the interval of its mean.
    """
    head = "| | " + " | ".join(columns) + " |"
    lines = [head, "|---" * (len(columns) + 1) + "|"]
    for place, (key, name) in enumerate(_ROWS):
        cells = []
        for column in columns.values():
            if isinstance(column, Mapping):
                text = f"{column[key]:.2f}"
                if key == "mean":
                    text += f" ({column['mean_low']:.2f} to {column['mean_high']:.2f})"
            else:
                text = f"{column[place]:.2f}"
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
